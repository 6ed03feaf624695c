"""The gate and the token that it shows its node: given, or fetched with its one credential."""

import pytest

from federation.access.bearers import ClientBearer, ClientCredential
from federation.access.kept import Pace
from federation.access.wire import Answer
from federation.site.policy_source import Pins, PolicyNotServedError, PolicySource
from federation.site.reporter import Reporter
from federation.site.site_config import SiteConfig
from tests.access.server import TokenServer
from tests.seconds import Seconds

NODE = "https://node-xx.example/"
CLIENT = ClientCredential(client_id="site-1", secret="s")


def test_a_site_has_one_way_to_get_tokens(tmp_path):
    common = {
        "node": NODE,
        "member_id": "M-17",
        "node_jwks": [],
        "hub_jwks": [],
        "directory": tmp_path,
        "origins": ["https://pub.example"],
    }
    for fields in ({}, {"client": CLIENT, "node_token": "t"}):
        with pytest.raises(ValueError, match="either a client or a node_token"):
            SiteConfig(**common, **fields)


async def test_a_401_to_a_report_or_to_the_policy_has_another_token_fetched(site, tmp_path):
    node, time = TokenServer(), Seconds()
    bearer = ClientBearer(CLIENT, server=NODE, fetch=node, pace=Pace(time, lambda: 0.0))
    answers = iter([Answer(401, {}, b""), Answer(202, {}, b""), Answer(401, {}, b"")])
    shown = []

    def elsewhere(call):
        shown.append(call.headers["Authorization"])
        return next(answers)

    assert (await site.get(token=site.token())).status_code == 200
    reporter = Reporter(site.spool, node=NODE, bearer=bearer, fetch=elsewhere, monotonic=time)
    assert reporter.tick() == 0
    time.now += 1
    assert reporter.tick() == 1
    pins = Pins(NODE, "M-17", *site.pinned)
    source = PolicySource(
        pins, path=tmp_path / "p.jwt", clock=site.clock, bearer=bearer, fetch=elsewhere
    )
    with pytest.raises(PolicyNotServedError):
        source.refresh()

    assert shown == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]
    assert bearer.current() == "token-3"
    assert len(node.calls) == 3
