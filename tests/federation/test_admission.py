"""The admission desk between real servers: who squats keeps nobody out, who is refused comes again.

The hub calls no applicant, and none of those it admitted at an address inside its own network.
"""

import msgspec
import pytest

from federation.scenario import documents as ask
from federation.scenario.servers import HUB_ENTITY
from federation.signing.keys import SigningKey
from federation.signing.tokens import mint_server_token
from federation.trust.admission import particulars
from federation.trust.membership import Apply
from federation.values.party import HUB
from tests.adversary.rogue import rows
from tests.federation.harness import (
    MEMBERS,
    OPTOUTS,
    TOML,
    WORKS,
    nothing_changes,
    send,
    small_federation,
    soon,
    tell,
    write_scenario,
)

REFUSE = """mutation($id: ID!, $reason: String!) {
  refuseAdmission(application: $id, reason: $reason) {
    __typename ... on Application { state reason decidedBy } ... on Refused { code message } } }"""
OWN = "{ ownApplication { state reason } }"
COLLECTIVES = "{ collectives { code } }"
WHY_NOT = "not public, and in none of `peer_networks` in the configuration"
NOT_PUBLIC = f"127.0.0.1 is {WHY_NOT}"


@pytest.fixture
async def small(backend, tmp_path):
    """A hub that has admitted nobody, and GB, which is to apply; there is no other."""
    head, *tables = TOML.split("\n[[")
    scenario = write_scenario(
        tmp_path / "files",
        scenario_toml="\n[[".join(
            [head, *(text for text in tables if 'code = "GB"' in text or "licensee]]" in text)]
        ),
        members_csv=of_gb(MEMBERS),
        works_csv=of_gb(WORKS),
        optouts_csv=of_gb(OPTOUTS),
    )
    async with small_federation(backend, scenario, tmp_path) as small:
        yield small


def of_gb(table):
    """Leave the head of a table and what is GB's."""
    head, *lines = table.splitlines(keepends=True)
    return "".join([head, *(line for line in lines if line.startswith("GB,"))])


async def invited(small):
    return (await small.at(HUB, "operator").ask(ask.INVITE, note="GB"))["code"]


async def own(small):
    return await small.at("GB", "node-operator").ask(OWN)


async def applies(small, invitation):
    """GB applies; return where its application stands once the hub has been asked."""
    await small.at("GB", "node-operator").ask(ask.APPLY, invitation=invitation)


async def stands(small, state, why=""):
    """Wait until GB has read this of its application, for a reason in which the words are."""

    async def read():
        found = await own(small)
        return found["state"] == state and why in (found["reason"] or "")

    await soon(read, what=f"{state} {why}")
    return (await own(small))["reason"]


async def applications(small, state):
    """Wait for an application in a state; return the ids of all of them, newest first."""

    async def there():
        found = await small.at(HUB, "operator").walk(ask.APPLICATIONS)
        return [row["id"] for row in found if row["state"] == state]

    return await soon(there, what=f"an application {state}")


async def squat(small, key, invitation):
    """Somebody applies as GB, with a key of his own."""
    config = small.running["GB"].config
    message = Apply(
        config.entity_id,
        "http://127.0.0.1:9",
        key.public_jwk(),
        particulars(config),
        invitation,
    )
    token = mint_server_token(key, caller=config.entity_id, callee=HUB_ENTITY, now=small.clock())
    body = msgspec.json.encode(message)
    return await send(small, HUB, "/federation/admission", body, token=token)


async def admitted(small, number):
    await small.at(HUB, "operator").ask(ask.RECOMMEND, id=number)
    await small.at(HUB, "second-operator").ask(ask.APPROVE, id=number)


async def test_who_squats_keeps_the_real_one_out_neither_before_nor_after_its_admission(small):
    squatter = SigningKey.generate()
    first = await squat(small, squatter, await invited(small))
    await applies(small, await invited(small))
    [real, squatted] = await soon_two(small)

    await admitted(small, real)
    await stands(small, "ADMITTED")
    small.hurry()
    await small.silence()
    operator = small.at(HUB, "operator")
    async with nothing_changes(small, HUB):
        taken = await tell(small, HUB, operator, ask.RECOMMEND, id=squatted)
        waiting = await squat(small, squatter, "x" * 32)
    again = await invited(small)
    await operator.ask(REFUSE, id=squatted, reason="this is not GB")
    async with nothing_changes(small, HUB):
        refused = await squat(small, squatter, "x" * 32)
        anew = await squat(small, squatter, again)

    assert (first.status, first.body) == (200, {"state": "APPLIED"})
    assert taken.code == "APPLICATION_REFUSED"
    assert (waiting.status, waiting.body) == (200, {"state": "APPLIED"})
    assert (refused.status, refused.code) == (422, "INVITATION")
    assert (anew.status, anew.code) == (422, "APPLICATION_REFUSED")
    [(jwk,)] = await rows(small, HUB, "SELECT jwk FROM trust_party WHERE code = 'GB'")
    assert msgspec.json.decode(jwk) == small.key("GB").public_jwk()


async def soon_two(small):
    async def two():
        found = await applications(small, "APPLIED")
        return found if len(found) == 2 else []

    return await soon(two, what="two applications")


async def test_a_refused_applicant_reads_why_and_comes_again_with_a_new_invitation(small):
    first = await invited(small)
    await applies(small, first)
    [number] = await applications(small, "APPLIED")
    said = await small.at(HUB, "operator").ask(REFUSE, id=number, reason="the statutes are missing")

    why = await stands(small, "REFUSED")
    async with nothing_changes(small, HUB):
        await applies(small, first)
        with_the_old = await stands(small, "REFUSED")
    await applies(small, await invited(small))
    [again] = await applications(small, "APPLIED")
    async with nothing_changes(small, HUB):
        early = await tell(small, HUB, small.at(HUB, "operator"), ask.APPROVE, id=again)
    assert early.code == "NOT_RECOMMENDED"
    await admitted(small, again)
    await stands(small, "ADMITTED")

    assert said == {
        "__typename": "Application",
        "state": "REFUSED",
        "reason": "the statutes are missing",
        "decidedBy": "operator",
    }
    assert why == with_the_old == "the statutes are missing"
    assert again != number
    assert await rows(
        small, HUB, "SELECT id, state, decided_by FROM trust_application ORDER BY id"
    ) == [(int(number), "REFUSED", "operator"), (int(again), "ADMITTED", "second-operator")]


async def with_networks(small, *blocks):
    """Let the hub begin anew; beside public addresses it may call these."""
    keeper = small.keepers[HUB]
    await small.stop(HUB)
    keeper.config = msgspec.structs.replace(keeper.config, peer_networks=blocks)
    await small.start(HUB)


async def test_a_hub_that_may_call_public_addresses_only_calls_none_of_its_own_network(small):
    await with_networks(small)
    invitation = await invited(small)
    async with nothing_changes(small, HUB):
        await applies(small, invitation)
        refused = await stands(small, "SENT", "ADDRESS_REFUSED")
    await with_networks(small, "127.0.0.0/8")
    [number] = await applications(small, "APPLIED")  # GB asks until it has an answer
    await with_networks(small)
    await admitted(small, number)
    await stands(small, "ADMITTED")

    async def tried():
        found = await rows(small, HUB, "SELECT last_error FROM store_outbox WHERE attempts > 0")
        return [error for (error,) in found]

    [error] = await soon(tried, what="a delivery")
    assert NOT_PUBLIC in error
    assert f"127.0.0.1 is at 127.0.0.1, which is {WHY_NOT}" in refused
    assert await rows(small, "GB", "SELECT * FROM store_inbox") == []

    await with_networks(small, "127.0.0.0/8")
    await small.silence()
    assert await small.at("GB", "auditor").ask(COLLECTIVES) == [{"code": HUB}, {"code": "GB"}]
