"""The audit log on both databases: written with the act, never changed, checked whole, read."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from federation.clock import SettableClock
from federation.people import invariants, store
from federation.people.audit import Act, record
from federation.people.chain import GENESIS
from federation.store.database import Database
from tests.databases import contents, refused
from tests.tampering import found_after

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
DONE = [
    ("anna", Act.LICENCE_ISSUE, "HUB-000001", {"offer": "O-1"}),
    ("bert", Act.LICENCE_REVOKE, "HUB-000001", {"version": "2", "reason": "unpaid"}),
    ("anna", Act.RUN_APPROVE, "9f", {}),
]


@pytest.fixture
async def log(backend):
    """A server's database with three acts in it, at noon."""
    async with backend.url(migrated=True) as url:
        database = Database(url, clock=SettableClock(NOON))
        for actor, act, subject, detail in DONE:
            async with database.write("test") as session:
                await record(session, actor, act, subject, detail)
        yield database
        await database.close()


async def stored(database):
    async with database.read() as session:
        return await store.acts(session, before=None, subject=None, act=None, limit=100)


async def test_acts_are_numbered_and_chained_in_business_time(log):
    third, second, first = await stored(log)

    assert [(row.number, row.at) for row in (first, second, third)] == [
        (1, NOON),
        (2, NOON),
        (3, NOON),
    ]
    assert (second.actor, second.act, second.subject) == ("bert", "licence.revoke", "HUB-000001")
    assert second.detail == '{"reason":"unpaid","version":"2"}'
    assert [first.previous, second.previous, third.previous] == [GENESIS, first.hash, second.hash]


async def test_an_act_that_is_undone_leaves_nothing(log):
    async def act(session):
        await record(session, "anna", Act.RUN_APPROVE, "a1", {})
        raise LookupError

    await refused(log, LookupError, act)


async def test_acts_of_one_transaction_follow_each_other(log):
    async with log.write("test") as session:
        await record(session, "anna", Act.PAYMENT_APPROVE, "P-1", {})
        await record(session, "anna", Act.PAYMENT_APPROVE, "P-2", {})

    newest = await stored(log)
    assert [(row.number, row.subject) for row in newest[:2]] == [(5, "P-2"), (4, "P-1")]
    assert newest[0].previous == newest[1].hash
    async with log.read() as session:
        assert await invariants.audit_log_chained(session, "HUB") == (5, [])


@pytest.mark.parametrize(
    ("subject", "detail"),
    [("", {}), ("x" * 256, {}), ("x", {"reason": "x" * 16 * 1024})],
)
async def test_what_is_too_long_is_a_defect_and_not_kept(log, subject, detail):
    await refused(
        log, ValueError, lambda session: record(session, "anna", Act.RUN_APPROVE, subject, detail)
    )


COLUMNS = "number, at, actor, act, subject, detail, previous, hash"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE people_act SET actor = 'nobody' WHERE number = 2",
        "UPDATE people_act SET number = 9 WHERE number = 3",
        "DELETE FROM people_act",
        "DELETE FROM people_act WHERE number = 3",
        (
            f"INSERT INTO people_act ({COLUMNS}) SELECT 9, at, actor, act, subject, detail, "
            "previous, '0' FROM people_act WHERE number = 2"
        ),
    ],
)
async def test_the_database_takes_no_change_no_deletion_and_no_fork(log, statement):
    await refused(log, DBAPIError, lambda session: session.execute(text(statement)))


async def test_neither_database_has_a_way_round(log):
    statement = "TRUNCATE people_act"
    if log.is_sqlite:  # it deletes without running the triggers of DELETE
        statement = (
            f"INSERT OR REPLACE INTO people_act ({COLUMNS}) SELECT number, at, 'nobody', act, "
            "subject, detail, previous, hash FROM people_act WHERE number = 2"
        )

    await refused(log, DBAPIError, lambda session: session.execute(text(statement)))


BREAKS = {
    "an actor": (
        ["UPDATE people_act SET actor = 'cara' WHERE number = 2"],
        ["act 2: its content is not what was recorded"],
    ),
    "an instant": (
        ["UPDATE people_act SET at = at + 1 WHERE number = 1"],
        ["act 1: its content is not what was recorded"],
    ),
    "a detail": (
        ["""UPDATE people_act SET detail = '{"version":"2"}' WHERE number = 2"""],
        ["act 2: its content is not what was recorded"],
    ),
    "blanks in a detail": (
        ["""UPDATE people_act SET detail = '{ }' WHERE number = 3"""],
        ["act 3: its content is not what was recorded"],
    ),
    "one missing": (["DELETE FROM people_act WHERE number = 2"], ["act 2: missing"]),
    "the first missing": (["DELETE FROM people_act WHERE number = 1"], ["act 1: missing"]),
    "two swapped": (
        [
            "UPDATE people_act SET number = 9 WHERE number = 1",
            "UPDATE people_act SET number = 1 WHERE number = 2",
            "UPDATE people_act SET number = 2 WHERE number = 9",
        ],
        [
            "act 1: does not follow the act before it",
            "act 1: its content is not what was recorded",
            "act 2: does not follow the act before it",
            "act 2: its content is not what was recorded",
            "act 3: does not follow the act before it",
        ],
    ),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_a_check_names_what_was_changed_behind_the_servers_back(log, name):
    statements, wrong = BREAKS[name]

    assert await found_after(log, "HUB", *statements) == {"audit_log_chained": wrong}


async def test_a_check_finds_nothing_while_nothing_is_changed(log):
    assert await found_after(log, "HUB") == {}


async def test_acts_are_read_newest_first_by_page_subject_and_word(log):
    async def numbers(**wanted):
        asked = {"before": None, "subject": None, "act": None, "limit": 100} | wanted
        async with log.read() as session:
            return [row.number for row in await store.acts(session, **asked)]

    assert await numbers() == [3, 2, 1]
    assert await numbers(limit=2) == [3, 2]
    assert await numbers(before=2) == [1]
    assert await numbers(subject="HUB-000001") == [2, 1]
    assert await numbers(subject="HUB-000001", act="licence.issue") == [1]
    assert await numbers(act="run.approve") == [3]
    assert await numbers(subject="hub-000001") == []


async def test_a_long_log_is_walked_whole(log, monkeypatch):
    monkeypatch.setattr(store, "WALK_ACTS", 2)
    async with log.read() as session:
        assert await invariants.audit_log_chained(session, "HUB") == (3, [])
    assert len((await contents(log))["people_act"]) == 3
