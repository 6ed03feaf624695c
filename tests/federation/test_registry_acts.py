"""A claim ends while months go on: who may end it, what its usage is then, what stays settled."""

import msgspec
import pytest

from federation.values.party import HUB
from tests.federation.callers import call_token, entity, on_one_database
from tests.federation.correcting import (
    NEWS,
    ON_TIME,
    SEPTEMBER,
    in_force,
    publish_rates,
    report,
    settle,
)
from tests.federation.harness import a_line, nothing_changes, report_lines, resumed, send, tell

OCTOBER = "2026-10"
CLAIMS = """query($at: DateTime, $knownAt: DateTime) {
  claims(first: 100, member: "de-a", at: $at, knownAt: $knownAt) {
    edges { node { id claim validTo replaces } } } }"""
END = """mutation($id: ID!, $on: Date!) { endClaim(id: $id, on: $on, reason: "sold") {
  __typename ... on RegistryDone { claims } ... on Proposal { id state proposedBy }
  ... on Refused { code } } }"""
CONFIRM = """mutation($id: ID!) { confirmProposal(id: $id) {
  __typename ... on RegistryDone { claims member } ... on Refused { code } } }"""
WORK_LIST = "{ workList { kind subject turn } }"
OWNERS = """query($urls: [String!]!, $at: DateTime!, $knownAt: DateTime) {
  owners(urls: $urls, at: $at, knownAt: $knownAt) { state collectives } }"""
RIGHTS = """query($urls: [String!]!, $at: DateTime!, $knownAt: DateTime) {
  rights(urls: $urls, use: "TRAIN", at: $at, knownAt: $knownAt) { items { status } } }"""
FEED = """{ registryChanges(first: 100, kinds: [CLAIM]) { edges { node {
  thing act recordedBy } } } }"""
KNOWN = "2026-09-30T00:00:00Z"
PAGE, THEN, BEFORE = f"{NEWS}/de/1", "2026-10-12T00:00:00Z", "2026-10-05T00:00:00Z"
DURING_OCTOBER = [
    a_line("o-1", "HUB-000001", PAGE, units=10, occurred_at="2026-10-10T23:59:59Z"),
    a_line("o-2", "HUB-000001", PAGE, units=7, occurred_at="2026-10-11T00:00:00Z"),
]


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        await publish_rates(small)
        await report(small, ON_TIME, "first")
        await settle(small, small.story(), SEPTEMBER)
        yield small


async def claim_of(person, **moment):
    page = await person.ask(CLAIMS, **moment)
    [found] = [
        edge["node"] for edge in page["edges"] if edge["node"]["claim"] == "news.example/de/"
    ]
    return found


async def kinds_shown(small, token, kinds):
    """Return of which kinds a caller is shown changes."""
    asked = f"registryChanges(first: 100, kinds: {kinds})"
    document = f"{{ {asked} {{ edges {{ node {{ kind }} }} }} }}"
    body, kind = msgspec.json.encode({"query": document}), {"Content-Type": "application/json"}
    sent = await send(small, "DE", "/graphql", body, token=token, headers=kind)
    return {edge["node"]["kind"] for edge in sent.body["data"]["registryChanges"]["edges"]}


async def last_of_the_feed(person):
    """Return what was done to claims last, and what came of it."""
    page = await person.ask(FEED)
    rows = [edge["node"] for edge in page["edges"][-2:]]
    return [(row["thing"].removeprefix("DE:"), row["act"], row["recordedBy"]) for row in rows]


@on_one_database
async def test_a_claim_ends_by_two_people_and_what_was_settled_stays(small):
    september = await in_force(small, SEPTEMBER)
    rosa, ruth = small.at("DE", "registry"), small.at("DE", "second-registry", "registry_officer")
    anna, hub = small.member("DE", "de-a"), small.at(HUB, "auditor")
    was = await claim_of(anna)

    asked = await anna.ask(END, id=was["id"], on="2026-10-20")
    assert (asked["__typename"], asked["state"]) == ("Proposal", "WAITS")
    proposed = await rosa.ask(END, id=was["id"], on="2026-10-11")
    async with nothing_changes(small):
        answer = await tell(small, "DE", rosa, CONFIRM, id=proposed["id"])
        assert answer.body["data"]["confirmProposal"]["code"] == "SAME_PERSON"
    assert await rosa.ask(WORK_LIST) == [
        {"kind": "proposal", "subject": f"END_CLAIM #{number}", "turn": "registry_officer"}
        for number in (asked["id"], proposed["id"])
    ] + [{"kind": "conflict", "subject": "twins.example/", "turn": "registry_officer"}]
    assert (await hub.ask(OWNERS, urls=[PAGE], at=THEN))[0]["state"] == "ONE"
    done = await ruth.ask(CONFIRM, id=proposed["id"])
    await small.silence()

    ended = await claim_of(anna)
    assert (ended["validTo"], ended["replaces"]) == ("2026-10-11", was["id"])
    assert done == {"__typename": "RegistryDone", "claims": [ended["id"]], "member": "de-a"}
    answer = await tell(small, "DE", ruth, CONFIRM, id=asked["id"])
    assert answer.body["data"]["confirmProposal"]["code"] == "SUPERSEDED"
    assert [
        (
            (await hub.ask(OWNERS, urls=[PAGE], at=at, knownAt=known_at))[0]["state"],
            (await hub.ask(RIGHTS, urls=[PAGE], at=at, knownAt=known_at))["items"][0]["status"],
            (await anna.ask(RIGHTS, urls=[PAGE], at=at, knownAt=known_at))["items"][0]["status"],
        )
        for at, known_at in ((THEN, None), (BEFORE, None), (THEN, KNOWN))
    ] == [
        ("NONE", "NOT_REPRESENTED", "NOT_REPRESENTED"),
        ("ONE", "LICENSABLE", "LICENSABLE"),
        ("ONE", "LICENSABLE", "LICENSABLE"),
    ]
    assert (await claim_of(anna, knownAt=KNOWN)) == was
    assert await last_of_the_feed(rosa) == [
        (was["id"], "ENDED", "registry"),
        (ended["id"], "REGISTERED", "registry"),
    ]
    hub_asks = call_token(small, HUB, entity("DE"), now=small.clock())
    for kinds, seen in (("[MEMBER]", set()), ("[]", {"CLAIM", "OPT_OUT"})):
        assert await kinds_shown(small, hub_asks, kinds) == seen
    assert await kinds_shown(small, rosa._token(), "[MEMBER]") == {"MEMBER"}
    await report_lines(small.at("DE", "sites"), DURING_OCTOBER, "october")
    await settle(small, small.story(), OCTOBER)

    assert await in_force(small, SEPTEMBER) == september
    assert (await in_force(small, OCTOBER))[1] == {
        "MATCHED": (1, "10"),
        "NOT_REPRESENTED": (1, "7"),
    }
