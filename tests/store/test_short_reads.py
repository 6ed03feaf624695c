"""At SQLite a short read is answered in the loop's own thread, a long one beside it."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import MissingGreenlet

from federation.store import short_reads, sqlite
from federation.store.database import READERS_MAX, Database
from federation.store.tables import Lease

LONG = text(
    "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 300000) "
    "SELECT count(*), sum(x) FROM n"
)

FEW = text("SELECT n FROM numbers WHERE n < 3 ORDER BY n")
ALL = text("SELECT n FROM numbers ORDER BY n")


@pytest.fixture
async def database(tmp_path):
    """A SQLite database with one table of 2,000 rows."""
    opened = Database(f"sqlite+aiosqlite:///{tmp_path}/reads.sqlite")
    async with opened.write("test") as session:
        await session.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))
        for start in range(0, 2_000, 500):
            rows = ",".join(f"({n})" for n in range(start, start + 500))
            await session.execute(text(f"INSERT INTO numbers VALUES {rows}"))
    yield opened
    await opened.close()


@pytest.fixture
def errands(monkeypatch):
    """What is sent to the thread of a connection that reads."""
    sent = []
    errand = sqlite.Connection.errand

    async def counted(self, function, *arguments):
        if self.reads_here:
            sent.append(function.__name__)
        return await errand(self, function, *arguments)

    monkeypatch.setattr(sqlite.Connection, "errand", counted)
    return sent


@pytest.fixture
def never_long(monkeypatch):
    """However busy the machine is, no read takes too long to be answered here."""
    monkeypatch.setattr(sqlite, "HERE_SECONDS", 600)


@pytest.fixture
def always_long(monkeypatch):
    """Whatever SQLite asks about has taken too long already: a thousand steps of a statement."""
    monkeypatch.setattr(sqlite, "HERE_SECONDS", 0)


async def one(database, n):
    async with database.read() as session:
        return await session.scalar(text("SELECT n FROM numbers WHERE n = :n"), {"n": n})


@pytest.mark.usefixtures("never_long")
async def test_a_short_read_is_sent_to_no_other_thread(database, errands):
    assert [await one(database, n) for n in (0, 7, 1_999, 2_000)] == [0, 7, 1_999, None]
    assert errands == []


@pytest.mark.usefixtures("always_long")
async def test_a_statement_that_is_used_for_ever_is_answered_every_time(database):
    # SQLite counts a statement's steps over all its uses, those of BEGIN too.
    assert [await one(database, n) for n in range(2_000)] == list(range(2_000))


@pytest.mark.usefixtures("always_long")
async def test_a_long_read_is_begun_again_beside_the_loop_and_is_right(database, errands):
    async with database.read() as session:
        assert (await session.execute(LONG)).all() == [(300_000, 45_000_150_000)]
    assert errands == ["_execute"]


@pytest.mark.usefixtures("never_long")
async def test_the_rest_of_many_rows_is_fetched_beside_the_loop(database, errands):
    async with database.read() as session:
        rows = await session.scalars(text("SELECT n FROM numbers ORDER BY n"))
        assert list(rows) == list(range(2_000))
    assert errands == ["fetchall"]


@pytest.mark.usefixtures("always_long")
async def test_a_transaction_keeps_its_view_when_a_long_statement_moves(database):
    async with database.read() as session:
        before = await session.scalar(text("SELECT count(*) FROM numbers"))
        async with database.write("test") as writing:
            await writing.execute(text("DELETE FROM numbers WHERE n >= 1000"))
        await session.execute(LONG)
        during = await session.scalar(text("SELECT count(*) FROM numbers"))
    async with database.read() as session:
        after = await session.scalar(text("SELECT count(*) FROM numbers"))
    assert (before, during, after) == (2_000, 2_000, 1_000)


@pytest.mark.usefixtures("never_long")
async def test_what_a_reader_cannot_do_is_refused_where_it_is_asked(database, errands):
    with pytest.raises(Exception, match="readonly"):
        async with database.read() as session:
            await session.execute(text("DELETE FROM numbers"))
    with pytest.raises(Exception, match="no such table"):
        async with database.read() as session:
            await session.execute(text("SELECT 1 FROM nowhere"))
    assert errands == []
    assert await one(database, 1_999) == 1_999


@pytest.mark.usefixtures("always_long")
async def test_long_rows_are_fetched_here_for_as_long_as_a_read_may_take(database, errands):
    async with database.read() as session:
        rows = await session.scalars(text("SELECT n FROM numbers WHERE n < 200 ORDER BY n"))
        assert list(rows) == list(range(200))
    assert errands == ["fetchall"]  # the first fifty were read here


@pytest.mark.usefixtures("always_long")
async def test_a_read_that_nobody_waits_for_ends(database):
    endless = text(
        "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    )

    async def read():
        async with database.read() as session:
            await session.execute(endless)

    reading = [asyncio.create_task(read()) for _ in range(READERS_MAX)]
    for _ in range(20):
        await asyncio.sleep(0)
    for task in reading:
        task.cancel()
    assert [type(end) for end in await asyncio.gather(*reading, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * READERS_MAX
    assert await one(database, 7) == 7


@pytest.mark.usefixtures("never_long")
async def test_reads_that_follow_each_other_let_others_have_their_turn(database, monkeypatch):
    monkeypatch.setattr(short_reads, "TURN_SECONDS", -1)

    async def read():
        for n in range(1_000):
            await one(database, n)

    reading = asyncio.create_task(read())
    for _ in range(3):
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.usefixtures("never_long")
async def test_a_stream_that_was_left_keeps_no_view_for_whoever_reads_next(database):
    async with database.read() as session:
        rows = await session.stream(ALL, execution_options={"yield_per": 100})
        async for row in rows:
            assert row == (0,)
            break
    async with database.write("test") as session:
        await session.execute(text("INSERT INTO numbers VALUES (2000)"))
    assert [await one(database, 2_000) for _ in range(READERS_MAX)] == [2_000] * READERS_MAX
    del rows  # it was there until now


@pytest.mark.usefixtures("never_long")
async def test_rows_that_were_read_outlive_their_transaction(database):
    async with database.write("test") as session:
        await (await session.connection()).run_sync(
            Lease.metadata.tables[Lease.__tablename__].create
        )
        session.add(Lease(name="relay", owner="hub", expires=1.0))
    async with database.read() as session:
        few, many = await session.execute(select(Lease)), await session.execute(ALL)
    assert [row.owner for row in few.scalars()] == ["hub"]
    assert len(many.all()) == 2_000


@pytest.mark.usefixtures("never_long")
async def test_only_what_is_awaited_reads(database):
    async with database.read() as session:
        await session.execute(FEW)
        with pytest.raises(MissingGreenlet):
            session.sync_session.execute(FEW)


async def test_two_that_read_through_one_transaction_do_not_meet(database, monkeypatch):
    monkeypatch.setattr(short_reads, "TURN_SECONDS", -1)
    async with database.read() as session:
        rows = await session.stream(ALL, execution_options={"yield_per": 100})

        async def stream():
            return [n async for (n,) in rows]

        async def ask():
            return [await session.scalar(text("SELECT 7")) for _ in range(100)]

        found, answers = await asyncio.gather(stream(), ask())
    assert (found, answers) == (list(range(2_000)), [7] * 100)
