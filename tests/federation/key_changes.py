"""The keys of servers while they change, and a site that takes what they sign."""

import asyncio
import base64
import json

import httpx

from federation.cli import own_keys as command
from federation.site.install import protect
from federation.site.site_config import SiteConfig
from federation.trust.own_keys import vouched
from federation.values.party import HUB
from tests.federation.harness import soon

MINT = """mutation($licence: String!, $audience: [String!]!) {
  mintToken(licence: $licence, audience: $audience) {
    __typename ... on LicenceToken { token } ... on Refused { code message } } }"""


ORIGIN = "https://press.example"


def kid_of(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


class Site:
    """The gate of a member of GB, with the policy of its running node."""

    def __init__(self, small, folder):
        async def article(_scope, _receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"an article"})

        node = small.running["GB"]
        config = SiteConfig(
            node=node.url,
            member_id="gb-b",
            node_jwks=[small.key("GB").public_jwk()],
            hub_jwks=[small.key(HUB).public_jwk()],
            node_token=lambda: node.token("site@gb-b", "site"),
            directory=folder / "gate",
            origins=[ORIGIN],
            clock=small.clock,
        )
        self.gate = protect(article, config)

    async def refresh(self):
        """Fetch the policy, as a site does every minute."""
        await asyncio.to_thread(self.gate.background.rounds["policy"].act)

    async def get(self, token):
        transport = httpx.ASGITransport(app=self.gate)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            headers = {"Authorization": f"License {token}", "X-Licence-Use": "TRAIN"}
            return (await client.get("/a", headers=headers)).status_code


async def minted(small, code):
    lab = small.lab("lab-one", code)
    return (await lab.ask(MINT, licence="HUB-000001", audience=[f"{ORIGIN}/"]))["token"]


async def token_rows(small, code):
    async with small.databases[code].read() as session:
        rows = await command.store.own_keys(session)
    return {row.kid: row.state for row in rows if row.purpose == "TOKEN"}


async def made_next(small, code):
    before = await token_rows(small, code)
    await command.make_next(small.keepers[code].config, "TOKEN", small.clock)
    [kid] = (await token_rows(small, code)).keys() - before.keys()
    return kid


async def is_listed(small, code, kid):
    """Wait until a node has heard that its hub lists a key."""

    async def heard():
        async with small.databases[code].read() as session:
            return kid in vouched(await command.store.find_party(session, HUB))

    await soon(heard, what=f"{kid} at the hub")
