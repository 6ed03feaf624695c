"""Who authenticated what of a work: recorded, withdrawn for a reason, told in the feed, refused."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from federation.errors import RefusalError
from federation.history import feed_store
from federation.history.kinds import Moment, Saying
from federation.provenance import service, store
from federation.provenance.statements import DraftStatement, state_at
from federation.values.papers import Paper
from federation.works import service as works
from federation.works.work import DraftWork
from tests.databases import refused

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = works.Rules("GB", ["standard"])
REPORT = Paper("expert's report", "British Library 12/2026", "ab" * 32)
GENUINE = DraftStatement(
    "AUTHENTICITY",
    "the manuscript is in the author's hand",
    "Dr Ling",
    NOON - 2 * DAY,
    "comparison with letters",
    [REPORT],
)


def saying(now=NOON, reason="letter of 3 May"):
    return Saying("rosa", reason, now)


@pytest.fixture
async def works_there(database):
    """W-1 is there for ten days, W-2 was merged into it five days ago, W-3 begins tomorrow."""
    async with database.write("test") as session:
        for name, starts_at in (("W-1", -10), ("W-2", -10), ("W-3", 1)):
            await works.acts_by(RULES).register(
                session,
                name,
                DraftWork(name),
                starts_at=NOON + starts_at * DAY,
                saying=saying(),
            )
        await works.acts_by(RULES).merge(session, "W-2", "W-1", at=NOON - 5 * DAY, saying=saying())
    return database


async def recorded(database, draft=GENUINE, now=NOON, work="W-1"):
    async with database.write("test") as session:
        return (await service.record(session, work, draft, saying(now))).id


async def withdrawn(database, number, at, now):
    async with database.write("test") as session:
        await service.withdraw(session, number, at, saying(now, "the letters were forged"))


async def said(database, at, known_at=None, work="W-1"):
    """Return {number: its state} of what had been said of a work by an instant."""
    moment = Moment(at, known_at)
    async with database.read() as session:
        rows = await store.of_work(session, work, moment, after=0, limit=9)
        return {row.id: str(state_at(row, moment)) for row in rows}


async def feed(database):
    async with database.read() as session:
        rows = await feed_store.changes_after(session, 0, 9, ["PROVENANCE"])
        return [(row.thing, row.act, row.starts_at, row.recorded_by, row.reason) for row in rows]


async def test_what_somebody_authenticated_is_kept_with_its_evidence(works_there):
    number = await recorded(works_there)

    async with works_there.read() as session:
        row = await store.find(session, number)
    assert (row.work, row.kind, row.authenticated_by, row.authenticated_at, row.ground) == (
        "W-1",
        "AUTHENTICITY",
        "Dr Ling",
        NOON - 2 * DAY,
        "comparison with letters",
    )
    assert msgspec.json.decode(row.papers) == [msgspec.to_builtins(REPORT)]
    assert await feed(works_there) == [
        (str(number), "REGISTERED", NOON - 2 * DAY, "rosa", "letter of 3 May")
    ]


async def test_it_is_shown_as_of_an_instant_and_as_known_then(works_there):
    number = await recorded(works_there)
    await withdrawn(works_there, number, NOON + DAY, NOON + 3 * DAY)

    stands, gone = {number: "STANDS"}, {number: "WITHDRAWN"}
    assert await said(works_there, NOON - 3 * DAY) == {}
    assert await said(works_there, NOON - 2 * DAY) == stands
    assert await said(works_there, NOON + DAY) == gone
    assert await said(works_there, NOON + 4 * DAY) == gone
    assert await said(works_there, NOON, NOON - DAY) == {}
    assert await said(works_there, NOON + 2 * DAY, NOON + 2 * DAY) == stands
    assert await said(works_there, NOON + 2 * DAY, NOON + 3 * DAY) == gone
    assert [row[:3] for row in await feed(works_there)] == [
        (str(number), "REGISTERED", NOON - 2 * DAY),
        (str(number), "WITHDRAWN", NOON + DAY),
    ]


async def test_what_was_withdrawn_may_be_said_again(works_there):
    first = await recorded(works_there)
    await withdrawn(works_there, first, NOON, NOON)
    second = await recorded(works_there, now=NOON + DAY)

    assert await said(works_there, NOON) == {first: "WITHDRAWN", second: "STANDS"}


@pytest.mark.parametrize(
    ("work", "changed", "code"),
    [
        ("W-1", {"kind": "RUMOUR"}, "BAD_PROVENANCE"),
        ("W-1", {"statement": " "}, "BAD_PROVENANCE"),
        ("W-1", {"authenticated_by": ""}, "BAD_PROVENANCE"),
        ("W-1", {"ground": ""}, "BAD_PROVENANCE"),
        ("W-1", {"papers": []}, "BAD_PROVENANCE"),
        ("W-1", {"papers": [REPORT, REPORT]}, "BAD_PROVENANCE"),
        ("W-1", {"papers": [Paper("report", "x", "AB" * 32)]}, "BAD_PROVENANCE"),
        ("W-1", {"authenticated_at": NOON + timedelta(microseconds=1)}, "BAD_PROVENANCE"),
        # Before the work is there.
        ("W-1", {"authenticated_at": NOON - 11 * DAY}, "NOT_REGISTERED_THEN"),
        ("W-3", {}, "NOT_REGISTERED_THEN"),
        ("W-9", {}, "NOT_REGISTERED_THEN"),
        ("W-2", {}, "MERGED"),
    ],
)
async def test_what_cannot_be_said_of_a_work_is_refused(works_there, work, changed, code):
    draft = msgspec.structs.replace(GENUINE, **changed)

    async def act(session):
        await service.record(session, work, draft, saying())

    assert (await refused(works_there, RefusalError, act)).code == code


async def test_the_same_is_said_once_while_it_stands(works_there):
    await recorded(works_there)

    async def again(session):
        await service.record(session, "W-1", GENUINE, saying(NOON + DAY))

    assert (await refused(works_there, RefusalError, again)).code == "SAID_ALREADY"


@pytest.mark.parametrize("at", [NOON - 3 * DAY, NOON + timedelta(microseconds=1)])
async def test_a_statement_is_withdrawn_from_no_instant_outside_its_life(works_there, at):
    number = await recorded(works_there)

    async def act(session):
        await service.withdraw(session, number, at, saying())

    assert (await refused(works_there, RefusalError, act)).code == "NOT_STANDING"


async def test_a_statement_is_withdrawn_once_and_only_one_that_is_there(works_there):
    number = await recorded(works_there)
    await withdrawn(works_there, number, NOON, NOON)

    async def again(session):
        await service.withdraw(session, number, NOON, saying())

    async def unknown(session):
        await service.withdraw(session, number + 1, NOON, saying())

    assert (await refused(works_there, RefusalError, again)).code == "NOT_STANDING"
    assert (await refused(works_there, RefusalError, unknown)).code == "UNKNOWN_PROVENANCE"
