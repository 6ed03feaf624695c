"""The keys of tokens are changed under traffic: no good token is refused, and no old one taken."""

import asyncio
import json
from datetime import timedelta

import pytest

from federation.cli import own_keys as command
from federation.scenario import documents as ask
from federation.signing.tokens import Grant, mint_licence_token, mint_staff_token
from federation.trust.key_life import PUBLISHED_BEFORE, VERIFIES_FOR, KeyTooYoungError
from federation.trust.own_keys import KeyUntoldError
from federation.values.party import HUB
from tests.federation.harness import DAY, nothing_changes, resumed, send, soon, tell
from tests.federation.key_changes import ORIGIN, Site, is_listed, kid_of, made_next, minted

ISSUERS = (HUB, "GB")


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        small.set_clock(DAY)
        yield small


@pytest.fixture
async def site(small, tmp_path):
    site = Site(small, tmp_path)
    await site.refresh()
    yield site
    await asyncio.to_thread(site.gate.background.stop)


async def jwks(small, code, **headers):
    url = f"{small.running[code].url}/.well-known/jwks.json"
    async with small.http.get(url, headers=headers) as response:
        return response.status, response.headers.copy(), await response.read()


async def published(small, code):
    return {key["kid"] for key in json.loads((await jwks(small, code))[2])["keys"]}


async def publishes(small, code, kids):
    """Wait until a server has seen what a command did to its database."""

    async def does():
        return await published(small, code) == kids

    await soon(does, what=f"the keys of {code}")


async def traffic_until_signed_with(small, site, new):
    """Mint at every issuer and ask at the gate, over and over, until the new keys sign."""
    count, signing = 0, {}
    while signing != new:
        for code in ISSUERS:
            token = await minted(small, code)
            signing[code] = kid_of(token)
            assert await site.get(token) == 200, (code, signing)
            count += 1
    return count


async def test_keys_change_under_traffic_and_no_good_token_is_refused(small, site):
    old = {code: small.token_key(code) for code in ISSUERS}
    earlier = {code: await minted(small, code) for code in ISSUERS}
    new = {code: await made_next(small, code) for code in ISSUERS}
    small.hurry()
    await small.silence()
    for code in ISSUERS:
        await publishes(small, code, {old[code].kid, new[code]})
        assert kid_of(await minted(small, code)) == old[code].kid
    await is_listed(small, "GB", new["GB"])

    small.set_clock(DAY + PUBLISHED_BEFORE)
    await site.refresh()
    before = {code: await minted(small, code) for code in ISSUERS}
    for code in ISSUERS:
        await command.activate(small.keepers[code].config, new[code], None, small.clock)
    assert await traffic_until_signed_with(small, site, new) >= len(ISSUERS)
    for code in ISSUERS:
        assert kid_of(before[code]) == old[code].kid
        assert await site.get(before[code]) == 200  # signed by the old key, and not over yet
        assert await site.get(earlier[code]) == 401  # over
        auditor = small.at(code, "auditor")  # whose token the old key signed
        assert await auditor.ask(ask.DELIVERIES) is not None

    small.set_clock(DAY + PUBLISHED_BEFORE + VERIFIES_FOR)
    for code in ISSUERS:
        await command.retire(small.keepers[code].config, old[code].kid, None, small.clock)
        await small.running[code].open()
    small.hurry()
    await small.silence()
    await site.refresh()
    for code in ISSUERS:
        await publishes(small, code, {new[code]})
        assert await site.get(forged(small, code, old[code])) == 401
        assert await site.get(await minted(small, code)) == 200
        staff = mint_staff_token(
            old[code],
            server=small.running[code].config.entity_id,
            subject="auditor",
            role="auditor",
            now=small.clock(),
        )
        query = json.dumps({"query": ask.DELIVERIES}).encode()
        kind = {"Content-Type": "application/json"}
        answer = await send(small, code, "/graphql", query, token=staff, headers=kind)
        assert answer.code == "NOT_AUTHENTICATED"


def forged(small, code, key):
    issuer = small.running[code].config.entity_id
    grant = Grant(issuer, "lab-one", [f"{ORIGIN}/"], "HUB-000001", ["TRAIN"])
    return mint_licence_token(key, grant, now=small.clock())


async def test_a_hub_holds_what_a_node_published_and_lists_it(small):
    kid = await made_next(small, "GB")
    small.hurry()
    await small.silence()

    async with small.databases[HUB].read() as session:
        party = await command.store.find_party(session, "GB")
    kept = [jwk["kid"] for jwk in json.loads(party.token_jwks)]
    assert set(kept) == {small.key("GB").kid, kid}
    assert json.loads(party.jwk)["kid"] == small.key("GB").kid


async def test_a_node_changes_no_key_that_its_hub_does_not_know(small):
    await small.stop(HUB)
    kid = await made_next(small, "GB")
    small.set_clock(DAY + PUBLISHED_BEFORE)
    config = small.keepers["GB"].config

    async with nothing_changes(small, "GB"):
        with pytest.raises(KeyUntoldError):
            await command.activate(config, kid, None, small.clock)
    said = await command.activate(config, kid, "the disk was stolen", small.clock)

    assert said == f"{kid} signs from now on."
    await small.start(HUB)
    small.hurry()
    await small.silence()


async def test_a_key_that_is_too_young_is_not_activated(small):
    config = small.keepers[HUB].config
    kid = await made_next(small, HUB)
    await command.make_next(config, "FEDERATION", small.clock)
    small.set_clock(DAY + PUBLISHED_BEFORE - timedelta(seconds=1))
    async with small.databases[HUB].read() as session:
        rows = await command.store.own_keys(session)
    [pinned] = [row.kid for row in rows if (row.purpose, row.state) == ("FEDERATION", "NEXT")]

    async with nothing_changes(small, HUB):
        with pytest.raises(KeyTooYoungError):
            await command.activate(config, kid, None, small.clock)
        with pytest.raises(KeyTooYoungError):
            await command.activate(config, pinned, None, small.clock)
    listed = await command.list_keys(config, small.clock)

    assert [line.split()[:3] for line in sorted(listed.splitlines(), key=by_state)] == [
        ["FEDERATION", small.key(HUB).kid, "ACTIVE"],
        ["TOKEN", small.key(HUB).kid, "ACTIVE"],
        ["FEDERATION", pinned, "NEXT"],
        ["TOKEN", kid, "NEXT"],
    ]
    await command.retire(config, pinned, None, small.clock)


def by_state(line):
    purpose, _, state = line.split()[:3]
    return state, purpose


@pytest.mark.parametrize("code", ISSUERS)
async def test_the_keys_of_tokens_may_be_cached_by_anybody(small, code):
    status, headers, body = await jwks(small, code)
    again = await jwks(small, code, **{"If-None-Match": headers["ETag"]})

    assert (status, headers["Cache-Control"]) == (200, "max-age=300")
    assert json.loads(body) == {"keys": [small.token_key(code).public_jwk()]}
    assert (again[0], again[2]) == (304, b"")
    await made_next(small, code)

    async def changed():
        found = await jwks(small, code, **{"If-None-Match": headers["ETag"]})
        return found[0] == 200

    assert await soon(changed, what="another key set")
    small.hurry()
    await small.silence()


OWN_KEYS = "{ ownKeys { kid purpose state jwk reason } }"
NEXT = """mutation($purpose: KeyPurpose!) { makeNextKey(purpose: $purpose) {
  __typename ... on OwnKey { kid state } ... on Refused { code message } } }"""
ACTIVATE = """mutation($key: ID!, $why: String) { activateKey(key: $key, urgentBecause: $why) {
  __typename ... on OwnKey { kid state } ... on Refused { code message } } }"""
RETIRE = ACTIVATE.replace("activateKey", "retireKey")


async def test_an_operator_changes_the_key_of_tokens_in_graphql(small):
    operator, auditor = small.at("GB", "node-operator"), small.at("GB", "auditor")
    old = small.token_key("GB").kid
    async with nothing_changes(small, "GB"):
        wrong = await tell(small, "GB", operator, NEXT, purpose="SESSION")
        none = await tell(small, "GB", operator, ACTIVATE, key="nobody's")
    made = await operator.ask(NEXT, purpose="TOKEN")
    small.hurry()
    await small.silence()
    await is_listed(small, "GB", made["kid"])
    async with nothing_changes(small, "GB"):
        early = await tell(small, "GB", operator, ACTIVATE, key=made["kid"])
        silent = await tell(small, "GB", operator, ACTIVATE, key=made["kid"], why=" ")
        theirs = await tell(small, "GB", auditor, NEXT, purpose="TOKEN")
    signs = await operator.ask(ACTIVATE, key=made["kid"], why="a drill")
    token = await minted(small, "GB")  # at once: this very process changed them
    checks = await tell(small, "GB", operator, RETIRE, key=old)
    small.hurry()
    await small.silence()

    said = [answer.code for answer in (wrong, none, early, silent, theirs, checks)]
    assert said == [
        None,  # the schema has no such word
        "UNKNOWN_KEY",
        "KEY_TOO_YOUNG",
        "REASON",
        "NOT_ALLOWED",
        "KEY_STILL_CHECKED",
    ]
    assert (signs["state"], kid_of(token)) == ("ACTIVE", made["kid"])
    listed = await auditor.ask(OWN_KEYS)
    assert {(row["purpose"], row["kid"], row["state"], row["reason"]) for row in listed} == {
        ("FEDERATION", old, "ACTIVE", None),
        ("TOKEN", old, "VERIFY_ONLY", None),
        ("TOKEN", made["kid"], "ACTIVE", "a drill"),
    }
    assert not any('"d"' in row["jwk"] for row in listed)
