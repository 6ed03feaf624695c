"""Collectives that together say they have more than the whole of one right, over HTTP.

The hub finds it, tells both, and holds what is beyond the whole; all else is paid.
"""

import msgspec
import pytest

from federation.mandates.placing import source_of
from federation.mandates.records import Subject, SubjectKind
from federation.settlement.arithmetic import largest_remainder
from federation.values.party import HUB
from tests.federation.correcting import publish_rates
from tests.federation.disputing import (
    CONFIRM,
    CONSENT,
    OPEN,
    PROPOSE,
    WORK_LIST,
)
from tests.federation.harness import (
    DAY,
    PERIOD,
    a_line,
    month_over,
    nothing_changes,
    report_lines,
    resumed,
)
from tests.federation.holding import CLAIM, DISPUTE, LATER, balances, code_of, moved

PAGE = "https://news.example/de/1"
PLACE = "news.example/de/1$"
RECORD = """mutation($subject: String!, $bps: Int!, $use: String!, $right: EntrustedRight!,
    $territories: [String!]!, $from: DateTime!, $to: DateTime) {
  recordConsent(reason: "their contract", record: {subject: $subject, state: OPTED_IN, use: $use,
    right: $right, territories: $territories, shareBps: $bps, effectiveAt: $from, endsAt: $to,
    declaredBy: "the publisher"}) {
    __typename ... on Proposal { id } ... on Refused { code message } } }"""
END = """mutation($id: ID!, $at: DateTime!) { endConsent(id: $id, at: $at, reason: "as agreed") {
    __typename ... on Proposal { id } ... on Refused { code message } } }"""
CONFIRM_PROPOSAL = """mutation($id: ID!) { confirmProposal(id: $id) {
    __typename ... on RegistryDone { consentRecords } ... on Refused { code message } } }"""
CONFLICTS = """{ conflicts(first: 10) { edges { node {
  id claim dispute days { startsOn endsOn } sides { party claim countsFrom countsTo }
  shares { use right territory startsAt endsAt totalBps parts { party bps } } } } } }"""
START = "2026-01-01T00:00:00Z"


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        yield small


async def done_by_two(small, code, document, **given):
    """Let one registry officer propose and another confirm; return the records that came."""
    proposed = await small.at(code, "registry").ask(document, **given)
    assert proposed["__typename"] == "Proposal", proposed
    other = small.at(code, "second-registry", "registry_officer")
    done = await other.ask(CONFIRM_PROPOSAL, id=proposed["id"])
    await small.silence()
    return done["consentRecords"]


async def says(small, code, bps, subject=PLACE, **other):
    """Record a share at a collective; return the record."""
    given = {"use": "*", "right": "ALL", "territories": [], "from": START, "to": None} | other
    [number] = await done_by_two(small, code, RECORD, subject=subject, bps=bps, **given)
    return number


async def over_at(small, code, who=None):
    """Return the conflicts over shares that a server lists."""
    person = small.at(code, who or ("settlement" if code == HUB else "registry"))
    return [row for row in await person.rows(CONFLICTS) if row["shares"]]


async def items_at(small, code, who):
    rows = await small.at(code, who).ask(WORK_LIST)
    return [row for row in rows if row["kind"] == "conflict" and "shares" in row["why"]]


async def test_what_is_over_the_whole_is_listed_at_the_hub_and_at_both(small):
    await says(small, "DE", 7_000)
    assert await over_at(small, HUB) == []
    await says(small, "FR", 3_000)
    assert [await over_at(small, code) for code in small.codes] == [[], [], [], []]
    more = await says(small, "FR", 3_000, use="TRAIN", to="2026-09-11T00:00:00Z")

    shown = [await over_at(small, code) for code in (HUB, "DE", "FR")]
    assert await over_at(small, "GB") == []
    for [one] in shown:
        assert (one["claim"], one["dispute"]) == (PLACE, None)
        assert one["days"] == [{"startsOn": "2026-01-01", "endsOn": "2026-09-11"}]
        assert [(s["party"], s["claim"], s["countsFrom"]) for s in one["sides"]] == [
            ("DE", None, "2026-01-01"),
            ("FR", None, "2026-01-01"),
        ]
        [what] = one["shares"]
        assert (what["use"], what["right"], what["territory"]) == ("TRAIN", "ALL", None)
        assert what["totalBps"] == 13_000
        assert what["parts"] == [{"party": "DE", "bps": 7_000}, {"party": "FR", "bps": 6_000}]
    turns = [(HUB, "settlement"), ("DE", "registry"), ("FR", "registry")]
    for code, who in turns:
        [item] = await items_at(small, code, who)
        assert item["subject"] == PLACE
        assert item["why"] == "DE 7000, FR 6000: 13000 of 10000 shares since 2026-01-01"
    async with nothing_changes(small):
        [one] = shown[1]
        assert await code_of(small.at("DE", "registry").ask(OPEN, id=one["id"])) == "NOT_CONTESTED"

    await done_by_two(small, "FR", END, id=more, at=START.replace("00:00:00", "00:00:01"))

    [one] = await over_at(small, "DE")
    assert one["shares"][0]["endsAt"].startswith("2026-01-01T00:00:01")
    assert one["days"] == [{"startsOn": "2026-01-01", "endsOn": "2026-01-02"}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"use": "TRAIN"}, {"use": "SEARCH"}),
        ({"territories": ["DE"]}, {"territories": ["FR"]}),
        ({"right": "DATABASE"}, {"right": "ADAPTATION"}),
        ({"to": "2026-09-10T00:00:00Z"}, {"from": "2026-09-10T00:00:00Z"}),
        ({}, {"subject": "news.example/de/2$"}),
    ],
)
async def test_what_does_not_meet_is_none(small, one, other):
    await says(small, "DE", 7_000, **one)
    await says(small, "GB", 7_000, **other)
    assert [await over_at(small, code) for code in small.codes] == [[], [], [], []]


async def settled(small):
    """Settle a month in which a page of DE's and one of GB's were used."""
    small.set_clock(DAY)
    before = await balances(small)
    lines = [
        a_line("s-1", "HUB-000001", PAGE, units=5_000),
        a_line("s-2", "HUB-000001", "https://news.example/gb/1", units=2_001),
        a_line("s-3", "HUB-000001", PAGE, units=333, use="GROUND"),
    ]
    await report_lines(small.at("DE", "sites"), lines)
    month_over(small)
    await publish_rates(small)
    await small.story().settle(PERIOD)
    await small.silence()
    small.set_clock(LATER)
    return moved(before, await balances(small))


async def test_what_is_beyond_the_whole_is_held_and_all_else_is_paid(small):
    await says(small, "DE", 7_000)
    await says(small, "FR", 6_000, use="TRAIN")
    changes = await settled(small)

    names = {"DE": "Due:DE", "GB": "Due:GB", "~DISPUTED": "Suspense:Disputed"}
    booked = {
        party: -sum(
            amount
            for (code, account, currency, _), amount in changes.items()
            if (code, account, currency) == (HUB, f"Liabilities:HUB:{name}", "EUR")
        )
        for party, name in names.items()
    }
    train, ground = 5_000 * 3_000 * 1_000, 333 * 3_000 * 1_500
    weights = {
        "DE": train * 7_000 + ground * 10_000,
        "GB": 2_001 * 3_000 * 1_000 * 10_000,
        "~DISPUTED": train * 3_000,
    }
    held = booked["~DISPUTED"]
    rows = await small.at(HUB, "auditor").rows(RUN_SHARES)
    shares = {row["party"]: int(row["amount"]["minor"]) for row in rows}
    total = sum(shares.values())
    assert shares == largest_remainder(total, weights, scope=f"{PERIOD}/HUB-000001")
    assert held == shares["~DISPUTED"] > 0


RUN_SHARES = "{ x }"
