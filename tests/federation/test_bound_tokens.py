"""Bound tokens from the servers to a site: minted for a key, honoured with its signature."""

import json

import httpx
import msgspec
import pytest

from federation.gate.asgi import AsgiGate
from federation.gate.gate import Gate, GateConfig
from federation.gate.nonces import NonceStore
from federation.gate.spool import Spool
from federation.scenario.servers import HUB_ENTITY
from federation.signing.bound_tokens import open_licence_token
from federation.signing.crawl_keys import CrawlKey
from federation.signing.signatures import sign_request
from federation.signing.statuslist import reference_of
from federation.values.party import HUB
from tests.federation.harness import DAY, nothing_changes, send, tell
from tests.federation.holders import Holder, page

pytestmark = pytest.mark.asyncio(loop_scope="session")

MINT = """mutation($licence: String!, $audience: [String!], $uses: [String!], $key: String) {
  mintToken(licence: $licence, audience: $audience, uses: $uses, key: $key) {
    ... on LicenceToken { token audience expiresIn } ... on Refused { code message } } }"""
CRAWLER = CrawlKey.generate()
KEY = json.dumps(CRAWLER.public.public_jwk())
ORIGIN = "https://news.example"


async def mint(small, code=HUB, licence="HUB-000001"):
    minted = await small.lab("lab-one", code).ask(MINT, licence=licence, key=KEY)
    assert (minted["audience"], minted["expiresIn"]) == ([f"{HUB_ENTITY}/rs/members"], 3600)
    return minted["token"]


@pytest.mark.parametrize("code", [HUB, "DE", "FR"])
async def test_a_token_minted_anywhere_opens_a_members_site_to_its_crawler(shop, tmp_path, code):
    config = GateConfig(
        policy=await Holder.of(shop),
        spool=Spool(tmp_path / "spool", fsync=False),
        nonces=NonceStore(tmp_path / "nonces.sqlite"),
        clock=lambda: DAY,
        origins=[ORIGIN],
    )
    token = await mint(shop, code)
    shown = {"Authorization": f"License {token}", "X-Licence-Use": "TRAIN"}
    signed = shown | sign_request(
        CRAWLER, method="GET", url=f"{ORIGIN}/de/1", headers=shown, now=DAY
    )

    transport = httpx.ASGITransport(AsgiGate(page, Gate(config)))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        statuses = [
            (await client.get("/de/1", headers=headers)).status_code
            for headers in (shown, signed, signed)
        ]

    assert statuses == [401, 200, 401]


async def test_a_bound_token_says_what_its_licence_grants(shop):
    issuers = (await Holder.of(shop)).held.issuers

    token = open_licence_token(await mint(shop), issuers=issuers, hub=HUB_ENTITY, now=DAY)

    assert (token.issuer, token.licensee, token.licence) == (HUB_ENTITY, "lab-one", "HUB-000001")
    assert (token.uses, token.key_id) == (("GROUND", "TRAIN"), CRAWLER.kid)
    assert (token.territory, token.repertoire) == (("*",), ("*",))
    assert token.status == reference_of(HUB_ENTITY, "HUB-000001")


REFUSED = {
    "prefixes beside a key": ({"audience": [f"{ORIGIN}/de/"]}, "INVALID_GRANT"),
    "a use not granted": ({"uses": ["SEARCH"]}, "OUTSIDE_LICENCE"),
    "another's licence": ({"licence": "HUB-000002"}, "UNKNOWN_LICENCE"),
    "neither": ({"key": None}, "OUTSIDE_LICENCE"),
    "no JSON": ({"key": "opensesame"}, "INVALID_KEY"),
    "an empty text": ({"key": ""}, "INVALID_KEY"),
    "a list": ({"key": "[]"}, "INVALID_KEY"),
    "a list of lists": ({"key": "[" * 1000}, "INVALID_KEY"),
    "a member twice": ({"key": KEY[:-1] + ', "kty": "OKP"}'}, "INVALID_KEY"),
    "more than 1 KB": ({"key": KEY + " " * 1024}, "INVALID_KEY"),
    "a private key": ({"key": KEY[:-1] + ', "d": "AA"}'}, "INVALID_KEY"),
    "a key of small order": (
        {"key": json.dumps(CRAWLER.public.public_jwk() | {"x": "A" * 43})},
        "INVALID_KEY",
    ),
}


@pytest.mark.parametrize("code", [HUB, "DE"])
@pytest.mark.parametrize("name", REFUSED)
async def test_what_no_site_would_honour_is_not_minted(shop, name, code):
    changes, refusal = REFUSED[name]
    asked = {"licence": "HUB-000001", "key": KEY} | changes

    async with nothing_changes(shop, code):
        answer = await tell(shop, code, shop.lab("lab-one", code), MINT, **asked)

    assert answer.code == refusal


async def test_who_asks_online_about_a_bound_token_is_told_that_nobody_can_tell(shop):
    """One that is none of ours is called invalid all the same."""
    token = await mint(shop)
    asked = {"publisher_id": "de-a", "url": f"{ORIGIN}/de/1", "use": "TRAIN"}

    answers = [
        await send(shop, "DE", "/validate", msgspec.json.encode(asked | {"token": each}))
        for each in (token, token[:-4] + "AAAA")
    ]

    assert [(each.status, each.body["valid"], each.code) for each in answers] == [
        (403, False, "BOUND_TOKEN"),
        (403, False, "INVALID_TOKEN"),
    ]
    assert answers[1].body["reason"] == "The signed token is not valid."  # why is in the log
