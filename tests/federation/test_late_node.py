"""Who comes late, or back, is told everything; a licence that is stopped is stopped everywhere."""

import json

import msgspec
import pytest

from federation.edge.status_lists import read_bundle
from federation.scenario.servers import HUB_ENTITY
from federation.signing.bound_tokens import open_licence_token
from federation.signing.crawl_keys import CrawlKey
from federation.signing.keys import SigningKey
from federation.signing.statuslist import Status, StatusLists
from federation.signing.tokens import mint_server_token
from federation.trust.admission import particulars
from federation.trust.membership import Apply
from federation.values.licence_key import licensor_of
from federation.values.party import HUB
from tests.federation.harness import (
    DAY,
    admit,
    sell,
    send,
    small_federation,
    soon,
    tell,
    write_scenario,
)
from tests.federation.licence_acts import LICENCES, REINSTATE, REVOKE, SUSPEND

REGISTRATIONS = """query($number: String!) {
  licence(number: $number) { status registrations { node state version } } }"""


MINT = """mutation($licence: String!, $audience: [String!]!) {
  mintToken(licence: $licence, audience: $audience) {
    ... on LicenceToken { token } ... on Refused { code message } } }"""

MINT_BOUND = """mutation($licence: String!, $key: String!) {
  mintToken(licence: $licence, key: $key) {
    ... on LicenceToken { token } ... on Refused { code message } } }"""

COLLECTIVES = "{ collectives { code } }"
FIRST, SECOND, NATIONAL = "HUB-000001", "HUB-000002", "DE-000001"


async def registrations(small, number):
    found = await small.at(HUB, "auditor").ask(REGISTRATIONS, number=number)
    return {row["node"]: (row["state"], row["version"]) for row in found["registrations"]}


async def licences(small, code):
    found = await small.at(code, "auditor").rows(LICENCES)
    return {row["number"]: (row["status"], row["version"]) for row in found}


async def stopped(small):
    """Return what the licensors' status lists say against licences, as the hub passes them on."""
    async with small.http.get(f"{small.running[HUB].url}/federation/statuslists") as response:
        bundle = await response.text()
    issuers = {
        server.config.entity_id: {small.key(code).kid: small.key(code).public}
        for code, server in small.running.items()
    }
    lists = StatusLists.of(
        item.read for item in read_bundle(bundle, issuers, {}, small.clock()).values()
    )
    found = {}
    for number in (FIRST, SECOND, NATIONAL):
        entity = small.running[licensor_of(number)].config.entity_id
        status = lists.status(entity, number, small.clock())
        if status is not Status.VALID:
            found[number] = status.name
    return found


async def reach(small, lab):
    """Return the collectives whose sites a token bound to a key opens, as the hub mints it."""
    key = json.dumps(CrawlKey.generate().public.public_jwk())
    minted = await lab.ask(MINT_BOUND, licence=FIRST, key=key)
    issuers = {HUB_ENTITY: {small.token_key(HUB).kid: small.token_key(HUB).public}}
    return open_licence_token(minted["token"], issuers=issuers, hub=HUB_ENTITY, now=DAY).repertoire


async def change(small, document, number):
    await small.at(number.partition("-")[0], "licensing").ask(document, number=number)


async def validate(small, code, member, token):
    asked = {"token": token, "publisher_id": member, "url": "https://press.example/1"}
    body = msgspec.json.encode(asked)
    return await send(small, code, "/validate", body)


@pytest.fixture
def scenario(tmp_path):
    return write_scenario(tmp_path / "files")


async def registered(small, *codes):
    """Wait until these nodes have registered the newest version of every licence."""

    async def done():
        found = [await registrations(small, number) for number in (FIRST, SECOND, NATIONAL)]
        states = [rows[code] for rows in found for code in codes if code in rows]
        return all(state == "REGISTERED" for state, _ in states)

    await soon(done, what=f"registrations at {codes}")


async def test_a_node_that_was_down_gets_what_was_sold_and_stopped_meanwhile(
    backend, scenario, tmp_path
):
    async with small_federation(backend, scenario, tmp_path) as small:
        story = small.story()
        await story.join()
        await story.register()
        await small.stop("GB")
        await sell(small)
        await registered(small, "DE", "FR")
        pending = await registrations(small, FIRST)
        small.set_clock(DAY)
        lab, prefix = small.lab("lab-one"), "https://press.example/"
        too_early = await tell(small, HUB, lab, MINT, licence=FIRST, audience=[prefix])
        elsewhere = await lab.ask(MINT, licence=FIRST, audience=["https://journal.example/"])
        partly = await reach(small, lab)
        await small.start("GB")
        small.hurry()
        await small.silence()
        sold = await licences(small, "GB")

        minted = await lab.ask(MINT, licence=FIRST, audience=[prefix])
        wholly = await reach(small, lab)
        await small.stop("GB")
        await change(small, SUSPEND, FIRST)
        await change(small, REVOKE, SECOND)
        await registered(small, "DE", "FR")
        meanwhile = [await licences(small, code) for code in ("DE", "FR")]
        await small.start("GB")
        small.hurry()
        await small.silence()
        after = await licences(small, "GB")
        opened = await validate(small, "GB", "gb-b", minted["token"])
        refused = [
            await tell(
                small, code, small.lab(licensee, code), MINT, licence=number, audience=[prefix]
            )
            for code in small.codes
            for licensee, number in (("lab-one", FIRST), ("lab-two", SECOND))
        ]
        listed = await stopped(small)
        await change(small, REINSTATE, FIRST)
        await small.silence()
        for_good = await tell(small, HUB, small.at(HUB, "licensing"), REINSTATE, number=SECOND)

        assert too_early.code == "NOT_REGISTERED"
        assert elsewhere["token"]
        assert (partly, wholly) == (("DE", "FR"), ("*",))
        assert pending == {"DE": ("REGISTERED", 1), "FR": ("REGISTERED", 1), "GB": ("PENDING", 1)}
        assert sold == dict.fromkeys((FIRST, SECOND, NATIONAL), ("ACTIVE", 1))
        expected = {FIRST: ("SUSPENDED", 2), SECOND: ("REVOKED", 2), NATIONAL: ("ACTIVE", 1)}
        assert [*meanwhile, after] == [expected] * 3
        assert (await registrations(small, SECOND))["GB"] == ("REGISTERED", 2)
        assert opened.status == 403
        assert opened.body == {
            "valid": False,
            "code": "LICENCE_SUSPENDED",
            "reason": f"The licence is suspended until its licensor reinstates it. ({FIRST})",
        }
        assert [answer.code for answer in refused] == ["LICENCE_STATUS"] * 8
        assert listed == {FIRST: "SUSPENDED", SECOND: "INVALID"}
        assert for_good.code == "LICENCE_STATUS"
        for code in small.codes:
            assert (await licences(small, code))[FIRST] == ("ACTIVE", 3)
        assert await stopped(small) == {SECOND: "INVALID"}


async def test_a_collective_that_joins_later_gets_every_licence_sold_before(
    backend, scenario, tmp_path
):
    async with small_federation(backend, scenario, tmp_path, leave_out=["GB"]) as small:
        for code in ("DE", "FR"):
            await admit(small, code)
        await soon(lambda: knows_hub(small, "DE"), what="DE to be in")
        await sell(small)
        await registered(small, "DE", "FR")
        before = await registrations(small, FIRST)
        small.set_clock(DAY)
        await change(small, SUSPEND, FIRST)
        await change(small, REVOKE, NATIONAL)
        await registered(small, "DE", "FR")

        impostor = await apply_as(small, "GB")
        await small.start("GB")
        await admit(small, "GB")
        await small.silence()
        answer = await validate(small, "GB", "gb-b", "no token")

        assert (impostor.status, impostor.code) == (422, "INVITATION")
        assert before == {"DE": ("REGISTERED", 1), "FR": ("REGISTERED", 1)}
        expected = {FIRST: ("SUSPENDED", 2), SECOND: ("ACTIVE", 1), NATIONAL: ("REVOKED", 2)}
        assert {code: await licences(small, code) for code in small.codes} == dict.fromkeys(
            small.codes, expected
        )
        assert await registrations(small, FIRST) == dict.fromkeys(
            ("DE", "FR", "GB"), ("REGISTERED", 2)
        )
        assert await registrations(small, NATIONAL) == dict.fromkeys(
            ("FR", "GB"), ("REGISTERED", 2)
        )
        assert await stopped(small) == {FIRST: "SUSPENDED", NATIONAL: "INVALID"}
        for code in ("DE", "FR", "GB"):
            found = await small.at(code, "auditor").ask(COLLECTIVES)
            assert [item["code"] for item in found] == [HUB, "DE", "FR", "GB"]
        assert (answer.status, answer.code) == (403, "INVALID_TOKEN")


async def apply_as(small, code):
    """Apply under another server's name and an own key, with an invitation nobody made."""
    config, key = small.running[code].config, SigningKey.generate()
    terms = msgspec.structs.replace(particulars(config), code="NOT-IT")
    url = "https://stranger.example"
    message = Apply(config.entity_id, url, key.public_jwk(), terms, "x" * 32)
    token = mint_server_token(key, caller=config.entity_id, callee=HUB_ENTITY, now=small.clock())
    body = msgspec.json.encode(message)
    return await send(small, HUB, "/federation/admission", body, token=token)


async def knows_hub(small, code):
    return [row for row in await small.at(code, "auditor").ask(COLLECTIVES) if row["code"] == HUB]
