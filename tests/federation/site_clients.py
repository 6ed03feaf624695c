"""A member's site and its program: what makes it and how it is visited."""

import httpx

from federation.site.install import protect
from federation.site.site_config import SiteConfig

ISSUE = """mutation($party: String!, $publicKey: String) {
  issueClient(kind: SITE, party: $party, name: "Gate", key: "gate", publicKey: $publicKey) {
    ... on GivenCredential { secret client { id } credential { id } } } }"""


MINT = """mutation { mintToken(licence: "HUB-000001", audience: ["https://press.example/"]) {
  ... on LicenceToken { token } ... on Refused { code message } } }"""


async def press(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"A page."})


def gate_of(small, folder, client):
    return protect(
        press,
        SiteConfig(
            node=small.running["GB"].url,
            member_id="gb-b",
            node_jwks=[small.key("GB").public_jwk()],
            hub_jwks=[small.key("HUB").public_jwk()],
            client=client,
            directory=folder,
            origins=["https://press.example"],
            clock=small.clock,
        ),
    )


async def visit(small, gate):
    minted = await small.lab("lab-one").ask(MINT)
    headers = {"Authorization": f"License {minted['token']}", "X-Licence-Use": "TRAIN"}
    transport = httpx.ASGITransport(gate)
    async with httpx.AsyncClient(transport=transport, base_url="https://press.example") as crawler:
        return (await crawler.get("/a", headers=headers)).status_code
