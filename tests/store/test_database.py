"""Transactions on both backends: serial writers, consistent readers, numbers kept exactly."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from federation.months.tables import Standing
from federation.store.bulk import insert_rows
from federation.store.database import announce
from federation.store.failures import DatabaseBusyError
from federation.store.tables import InboxMessage, Lease
from federation.values.plain import BadTextError
from tests.databases import contents, opened, refused

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


class CrashError(Exception):
    """What a boundary raises in place of a power cut."""


async def set_counter(database, value=0):
    async with database.write("set") as session:
        session.add(Lease(name="counter", owner="", expires=value))


async def increment(database):
    async with database.write("increment") as session:
        counter = await session.get_one(Lease, "counter")
        counter.expires += 1


async def counted(database):
    async with database.read() as session:
        return await session.scalar(select(Lease.expires).where(Lease.name == "counter"))


async def test_two_hundred_concurrent_increments_lose_none(database):
    await set_counter(database)

    await asyncio.gather(*(increment(database) for _ in range(200)))

    assert await counted(database) == 200


async def test_two_processes_on_one_database_lose_no_increment(database):
    await set_counter(database)

    async with opened(database.url) as other:
        await asyncio.gather(*(increment(each) for _ in range(50) for each in (database, other)))

    assert await counted(database) == 100


async def test_a_reader_cannot_write(database):
    async with database.read() as session:
        session.add(Lease(name="a", owner="", expires=0))
        with pytest.raises(DBAPIError):
            await session.flush()

    assert await contents(database) == {}


async def test_what_a_reader_adds_is_never_written(database):
    async with database.read() as session:
        session.add(Lease(name="a", owner="", expires=0))

    assert await contents(database) == {}


async def test_rows_stay_readable_when_their_reader_has_ended(database):
    await set_counter(database, 3)

    async with database.read() as session:
        row = await session.get_one(Lease, "counter")

    assert (row.name, row.expires) == ("counter", 3)


async def test_a_reader_sees_one_moment(database):
    await set_counter(database)

    async with database.read() as session:
        query = select(Lease.expires)
        seen = [await session.scalar(query)]
        await increment(database)
        seen.append(await session.scalar(query))

    assert seen == [0, 0]
    assert await counted(database) == 1


async def test_writers_that_wait_hold_up_no_reader(database):
    await set_counter(database)

    async with database.write("slow") as session:
        waiting = [asyncio.create_task(increment(database)) for _ in range(10)]
        for _ in range(50):  # each answer lets the others come as far as they may
            await session.execute(text("SELECT 1"))
        assert await counted(database) == 0
    await asyncio.gather(*waiting)

    assert await counted(database) == 10


async def test_a_block_that_fails_leaves_nothing(database):
    async def act(session):
        session.add(Lease(name="a", owner="", expires=0))
        await session.flush()
        raise CrashError

    await refused(database, CrashError, act)

    assert await contents(database) == {}


async def test_the_boundary_stands_on_both_sides_of_each_commit(database):
    moments = []

    async with opened(database.url, boundary=lambda *moment: moments.append(moment)) as watched:
        async with watched.write("first") as session:
            session.add(Lease(name="a", owner="", expires=0))
            moments.append("inside")
        async with watched.read() as session:
            await session.scalar(select(func.count()).select_from(Lease))
        async with watched.write("second"):
            pass

    assert moments == [
        "inside",
        ("first", "before"),
        ("first", "after"),
        ("second", "before"),
        ("second", "after"),
    ]


async def test_a_transaction_that_fails_reaches_no_boundary(database):
    moments = []

    async with opened(database.url, boundary=lambda *moment: moments.append(moment)) as watched:
        with pytest.raises(CrashError):
            async with watched.write("first"):
                raise CrashError

    assert moments == []


@pytest.mark.parametrize(("crash_at", "kept"), [("before", 0), ("after", 1)])
async def test_a_crash_before_the_commit_leaves_nothing_and_one_after_it_all(
    database, crash_at, kept
):
    def crash(_name, moment):
        if moment == crash_at:
            raise CrashError

    async with opened(database.url, boundary=crash) as crashing:
        with pytest.raises(CrashError):
            async with crashing.write("first") as session:
                session.add(Lease(name="a", owner="", expires=0))

    assert len((await contents(database)).get("store_lease", [])) == kept


async def test_a_rule_broken_at_the_end_of_a_block_reaches_no_boundary(database):
    moments = []

    async with opened(database.url, boundary=lambda *moment: moments.append(moment)) as watched:
        with pytest.raises(DBAPIError):
            async with watched.write("first") as session:
                session.add(Lease(name="a", owner=None, expires=0))

    assert moments == []
    assert await contents(database) == {}


async def test_a_count_of_any_size_comes_back_exactly(database):
    numbers = [0, 1, -1, 2**63, 10**60, -(10**60) - 1]
    async with database.write("test") as session:
        session.add_all(
            Standing(period=str(place), licence="L", recognised=number, carried_forward=-number)
            for place, number in enumerate(numbers)
        )

    async with database.read() as session:
        rows = await session.execute(
            select(Standing.recognised, Standing.carried_forward).order_by(Standing.period)
        )
    assert [tuple(row) for row in rows] == [(number, -number) for number in numbers]


INSTANTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
    NOON,
    NOON + timedelta(microseconds=1),
    datetime(2026, 9, 1, 17, 30, 0, 5, timezone(timedelta(hours=5, minutes=30))),
    datetime(2026, 9, 1, 12, 0, 0, 999_999, UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
]


async def test_instants_come_back_to_the_microsecond_in_utc_and_in_order(database):
    async with database.write("test") as session:
        session.add_all(
            InboxMessage(sender="a", sequence=number, kind="k", digest="d", received_at=instant)
            for number, instant in enumerate(INSTANTS)
        )

    async with database.read() as session:
        query = select(InboxMessage.received_at).order_by(InboxMessage.received_at)
        found = list(await session.scalars(query))
        later = await session.scalar(select(func.count()).where(InboxMessage.received_at > NOON))
    assert found == INSTANTS
    assert {instant.utcoffset() for instant in found} == {timedelta()}
    assert later == 4


async def test_an_instant_without_an_offset_is_a_defect(database):
    naive = NOON.replace(tzinfo=None)

    async def act(session):
        session.add(InboxMessage(sender="a", sequence=1, kind="k", digest="d", received_at=naive))

    await refused(database, StatementError, act)


async def test_a_listener_hears_of_what_was_committed_and_of_nothing_else(database):
    heard = []
    database.listen("posted", lambda: heard.append("posted"))

    async with database.write("one") as session:
        announce(session, "posted")
        announce(session, "posted")
        announce(session, "unheard")
        assert heard == []
    assert heard == ["posted"]

    with contextlib.suppress(CrashError):
        async with database.write("two") as session:
            announce(session, "posted")
            raise CrashError
    async with database.write("three"):
        pass
    assert heard == ["posted"]


async def test_who_waits_too_long_for_the_writer_is_told_to_come_again(backend, monkeypatch):
    """Whoever holds the turn, this process or another: the answer is BUSY and nothing else."""
    monkeypatch.setattr("federation.store.database.LOCK_SECONDS", 0.1)
    async with backend.url(migrated=True) as url, opened(url) as one, opened(url) as other:
        async with one.write("long") as session:
            session.add(Lease(name="counter", owner="", expires=1))
            await session.flush()
            for database in (one, other):
                with pytest.raises(DatabaseBusyError) as refusal:
                    await increment(database)
                assert (refusal.value.code, refusal.value.retry_after) == ("BUSY", 5)
        await increment(other)
        assert await counted(one) == 2


async def test_no_more_than_so_many_wait_for_their_turn(database, monkeypatch):
    monkeypatch.setattr("federation.store.database.WAITING_MAX", 3)
    await set_counter(database)
    async with database.write("long"):
        waiting = [asyncio.create_task(increment(database)) for _ in range(3)]
        for _ in range(100):
            await asyncio.sleep(0)
        assert database._waiting == 3
        with pytest.raises(DatabaseBusyError):
            await increment(database)
    await asyncio.gather(*waiting)

    assert await counted(database) == 3


@pytest.mark.parametrize("name", ["a\0b", "\0"])
async def test_a_text_with_a_zero_character_reaches_no_database(database, name):
    async def adding():
        async with database.write("add") as session:
            session.add(Lease(name=name, owner="", expires=1))

    async def asking():
        async with database.read() as session:
            await session.get(Lease, name)

    async def inserting():
        async with database.write("insert") as session:
            await insert_rows(session, Lease, ["name", "owner", "expires"], [(name, "", 1.0)])

    before = await contents(database)
    for act in (adding, asking, inserting):
        with pytest.raises(BadTextError) as refusal:
            await act()
        assert refusal.value.code == "BAD_TEXT"
    assert await contents(database) == before
