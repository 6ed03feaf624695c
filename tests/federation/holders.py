"""Who holds a token that is bound to a key, and shows it."""

from federation.gate.rulings import HeldPolicy
from federation.signing.policy import open_site_policy
from federation.values.party import HUB
from tests.federation.harness import fetch


class Holder:
    """A site's policy as its node serves it."""

    def __init__(self, held):
        self.held = held

    @classmethod
    async def of(cls, small):
        answer = await fetch(small, "DE", "/sites/de-a/policy", small.at("DE", "registry"))
        pins = [{small.key(who).kid: small.key(who).public} for who in ("DE", HUB)]
        return cls(HeldPolicy(open_site_policy(answer.body, *pins)))

    def current(self):
        return self.held


async def page(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"A page."})
