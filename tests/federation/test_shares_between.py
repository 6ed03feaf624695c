"""Collectives that together say they have more than the whole of one right, over HTTP.

The hub finds it, tells both, and holds what is beyond the whole; all else is paid.
"""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from federation.claimindex.messages import Over, SharesOver
from federation.claimindex.tables import IndexShare
from federation.mandates.meaning import source_of
from federation.mandates.records import Subject, SubjectKind
from federation.months.tables import Run
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.computed import read_run
from federation.values.party import HUB
from federation.values.right import Right
from tests.adversary.forged import Forged, HostileHub
from tests.federation.callers import on_one_database
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
from tests.federation.holding import CLAIM, DISPUTE, LATER, LIST, balances, code_of, moved
from tests.federation.sharing import PLACE, START, done_by_two, says
from tests.tampering import found_after

PAGE = "https://news.example/de/1"
END = """mutation($id: ID!, $at: DateTime!) {
  endConsent(id: $id, endsAt: $at, reason: "as agreed") {
    __typename ... on Proposal { id } ... on Refused { code message } } }"""
CONFLICTS = """{ conflicts(first: 10) { edges { node {
  id claim dispute days { startsOn endsOn } sides { party claim countsFrom countsTo }
  shares { use right territory startsAt endsAt totalBps parts { party bps } } } } } }"""
CORRECT = """mutation($id: ID!, $subject: String!, $from_: DateTime!) {
  correctConsent(id: $id, reason: "a slip", record: {subject: $subject, state: OPTED_IN,
    shareBps: 0, effectiveAt: $from_, declaredBy: "the publisher"}) {
    __typename ... on Proposal { id } ... on Refused { code message } } }"""
TURNS = [(HUB, "settlement"), ("DE", "registry"), ("FR", "registry")]


@pytest.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        yield small


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
    for code, who in TURNS:
        [item] = await items_at(small, code, who)
        assert item["subject"] == PLACE
        assert item["why"] == "DE 7000, FR 6000: 13000 of 10000 shares since 2026-01-01"
    async with nothing_changes(small):
        [one] = shown[1]
        assert await code_of(small.at("DE", "registry").ask(OPEN, id=one["id"])) == "NOT_CONTESTED"

    await done_by_two(small, "FR", END, id=more, at="2026-09-01T12:00:00Z")

    for code in (HUB, "DE", "FR"):
        [one] = await over_at(small, code)
        assert one["shares"][0]["endsAt"] == "2026-09-01T12:00:00+00:00"
        assert one["days"] == [{"startsOn": "2026-01-01", "endsOn": "2026-09-02"}]


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


async def shares_of_the_licence(small):
    """Return {party: its share in minor units} of the hub's one licence that was used."""
    async with small.databases[HUB].read() as session:
        [row] = await session.scalars(select(Run))
    run = read_run(row.document)
    licence = run.result.licences["HUB-000001"]
    return dict(licence.shares)


def owed_by_the_hub(changes, name):
    """Return what the hub's account has more of, in EUR."""
    account = f"Liabilities:HUB:{name}"
    return -sum(change for key, change in changes.items() if key[:3] == (HUB, account, "EUR"))


async def test_what_is_beyond_the_whole_is_held_and_all_else_is_paid(small):
    await says(small, "DE", 7_000)
    await says(small, "FR", 6_000, use="TRAIN")

    changes = await settled(small)

    train, ground = 5_000 * 3_000 * 1_000, 333 * 3_000 * 1_500
    weights = {
        "DE": train * 7_000 + ground * 10_000,
        "GB": 2_001 * 3_000 * 1_000 * 10_000,
        "~DISPUTED": train * 3_000,
    }
    shares = await shares_of_the_licence(small)
    assert shares == largest_remainder(sum(shares.values()), weights, scope=f"{PERIOD}/HUB-000001")
    held = shares["~DISPUTED"]
    assert owed_by_the_hub(changes, "Suspense:Disputed") == held > 10_000
    [listed] = await small.at("DE", "settlement").rows(LIST)
    assert (listed["url"], listed["reason"]) == ("news.example/de/1", "DISPUTED")

    sven, anton = small.at(HUB, "settlement"), small.at(HUB, "approver")
    filed = await small.at("DE", "settlement").ask(CLAIM, url=PAGE, member="de-a")
    await small.silence()
    [conflict] = await over_at(small, HUB)
    made = await sven.ask(OPEN, id=conflict["id"])
    assert [side["party"] for side in made["sides"]] == ["DE", "FR"]
    assert await items_at(small, HUB, "settlement") == []
    decide = {"url": PAGE, "node": "DE", "claim": filed["claimId"]}
    async with nothing_changes(small):
        assert await code_of(anton.ask(DISPUTE, **decide)) == "DISPUTE_OPEN"
    outcome = {"kind": "WITHDRAWN", "inFavourOf": "DE", "on": "2026-11-01"}
    await small.at(HUB, "two-hats", "settlement_officer").ask(
        PROPOSE, id=made["id"], outcome=outcome
    )
    async with nothing_changes(small):
        assert await code_of(anton.ask(CONFIRM, id=made["id"])) == "CONSENT_MISSING"
    await sven.ask(CONSENT, id=made["id"], party="FR")
    await anton.ask(CONFIRM, id=made["id"])
    before = await balances(small)

    await anton.ask(DISPUTE, **decide)

    await small.silence()
    released = moved(before, await balances(small))
    assert owed_by_the_hub(released, "Suspense:Disputed") == -held
    assert owed_by_the_hub(released, "Due:DE") == held
    fee = held * 1_000 // 10_000
    assert -released["DE", "Income:DE:AdminFee", "EUR", ""] == fee
    assert -released["DE", "Liabilities:DE:Members", "EUR", "de-a"] == held - fee
    assert not [key for key in released if key[0] in {"FR", "GB"}]


async def test_exactly_the_whole_holds_nothing(small):
    await says(small, "DE", 7_000)
    await says(small, "FR", 3_000)
    await says(small, "FR", 7_000, territories=["DE"])

    changes = await settled(small)

    [listed] = await over_at(small, "FR")
    assert [row["territory"] for row in listed["shares"]] == ["DE"]
    assert owed_by_the_hub(changes, "Suspense:Disputed") == 0
    assert (await shares_of_the_licence(small)).keys() == {"DE", "GB"}


async def test_what_was_corrected_before_the_month_was_counted_holds_nothing(small):
    await says(small, "DE", 10_000)
    theirs = await says(small, "FR", 10_000)
    [was] = await over_at(small, HUB)
    assert was["shares"][0]["totalBps"] == 20_000
    await done_by_two(small, "FR", CORRECT, id=theirs, subject=PLACE, from_=START)
    assert [await over_at(small, code) for code in small.codes] == [[], [], [], []]
    assert [await items_at(small, *who) for who in TURNS] == [[], [], []]

    changes = await settled(small)

    assert owed_by_the_hub(changes, "Suspense:Disputed") == 0


async def test_the_hub_is_told_no_work_no_name_and_no_ground(small):
    await says(small, "DE", 7_000, territories=["DE", "AT"], right="DATABASE")
    async with small.databases[HUB].read() as session:
        [row] = await session.scalars(select(IndexShare))
    told = {name: getattr(row, name) for name in ("node", "host", "path", "wildcard", "use")}
    assert told == {
        "node": "DE",
        "host": "news.example",
        "path": "/de/1$",
        "wildcard": False,
        "use": "*",
    }
    assert (row.right, row.territories, row.bps) == ("DATABASE", "AT DE", 7_000)
    assert row.source == source_of(Subject(SubjectKind.ADDRESS, PLACE))
    assert not {"declared_by", "evidence", "member"} & set(row.__table__.columns.keys())


def told(*over, path="/de/1$"):
    return SharesOver("news.example", path, wildcard=False, over=list(over))


def an_over(**parts):
    """Return what is over the whole all September."""
    start = datetime(2026, 9, 1, tzinfo=UTC)
    return Over("*", Right.ALL, "", start, start + timedelta(days=30), parts)


async def test_a_node_believes_the_hub_what_it_has_a_share_of(small):
    await says(small, "DE", 7_000)
    hub = await HostileHub.over(small, "DE")
    nobody = "the hub was told of no share there"
    ours = an_over(DE=7_000, FR=6_000)

    await hub.is_refused(
        Forged("a place it said nothing of", told(ours, path="/de/2$"), "BAD_MESSAGE", nobody),
        Forged("others' shares", told(an_over(FR=7_000, GB=6_000)), "BAD_MESSAGE", "of DE"),
        Forged("with others'", told(ours, an_over(FR=7_000, GB=6_000)), "BAD_MESSAGE", "of DE"),
        Forged("a place not normal", told(ours, path="/a/../de/1$"), "BAD_MESSAGE", nobody),
    )
    await hub.is_heard(told(ours))
    [listed] = await over_at(small, "DE")
    assert listed["shares"][0]["totalBps"] == 13_000
    await hub.is_heard(told())
    assert await over_at(small, "DE") == []
    with pytest.raises(ValueError, match="not more than the whole"):
        an_over(DE=7_000, FR=3_000)


CHANGES = [
    (HUB, "UPDATE registry_index_share SET bps = 2999 WHERE node = 'FR'"),
    (HUB, "DELETE FROM registry_shares_over"),
    ("DE", """UPDATE registry_shares_over SET parts = '{"FR":6000,"GB":6000}'"""),
]


@on_one_database
async def test_what_is_noted_is_added_up_again_by_the_check(small):
    await says(small, "DE", 7_000)
    await says(small, "FR", 6_000)
    for code, change in CHANGES:
        found = await found_after(small.databases[code], code, change)
        assert found == {"shares_over_as_told": [PLACE]}, change
