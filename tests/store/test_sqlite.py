"""What SQLAlchemy is given of SQLite: every row once, however many there are and whoever stops."""

import sqlite3
from contextlib import AsyncExitStack, closing

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from federation.store.database import READERS_MAX, Database
from federation.store.sqlite import ROWS_FETCHED_AT_ONCE, WAL_TRIES, connect, make_wal
from federation.store.tables import Lease

CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"
AT_ONCE = ROWS_FETCHED_AT_ONCE
SIZES = (0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE + 7)
NUMBERS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :size)"
               " SELECT i FROM n WHERE :size > 0")  # fmt: skip


@pytest.fixture
async def database(sqlite):
    async with sqlite.url(migrated=True) as url:
        database = Database(url)
        yield database
        await database.close()


@pytest.mark.parametrize("size", SIZES)
async def test_every_row_comes_once_and_in_order(database, size):
    async with database.read() as session:
        rows = await session.execute(NUMBERS, {"size": size})

    assert [i for (i,) in rows] == list(range(1, size + 1))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("at_a_time", [1, 7, AT_ONCE, AT_ONCE + 1])
async def test_every_row_of_a_stream_comes_once_and_in_order(database, size, at_a_time):
    if at_a_time == 1 and size > AT_ONCE + 1:
        at_a_time = 3  # one by one is shown by the smaller ones
    options = {"yield_per": at_a_time}
    async with database.read() as session:
        rows = await session.stream(NUMBERS, {"size": size}, execution_options=options)
        found = [i async for (i,) in rows]

    assert found == list(range(1, size + 1))


async def test_a_stream_given_up_in_the_middle_keeps_nothing_open(database):
    leases = [{"name": f"{n:05}", "owner": "", "expires": 0} for n in range(5 * AT_ONCE)]
    async with database.write("many") as session:
        await session.execute(Lease.__table__.insert(), leases)
    async with database.read() as session:
        query = select(Lease.name).order_by(Lease.name).execution_options(yield_per=10)
        rows = await session.stream_scalars(query)
        assert await rows.fetchmany(3) == ["00000", "00001", "00002"]
        await rows.close()

    async with database._reader.connect() as connection:
        await connection.rollback()
        driver = (await connection.get_raw_connection()).driver_connection
        busy = await driver.errand(lambda: driver.driver.execute(CHECKPOINT).fetchone()[0])
    assert busy == 0  # no reader holds the log


async def test_an_error_is_the_drivers_own_and_the_connection_goes_on(database):
    async with database.read() as session:
        with pytest.raises(OperationalError, match="no such table"):
            await session.execute(text("SELECT * FROM nowhere"))
        assert await session.scalar(text("SELECT 1")) == 1

    lease = {"name": "a", "owner": "", "expires": 0}
    with pytest.raises(IntegrityError, match="UNIQUE"):
        async with database.write("twice") as session:
            await session.execute(Lease.__table__.insert(), [lease, lease])
    async with database.read() as session:
        assert (await session.scalars(select(Lease.name))).all() == []


async def test_it_is_known_how_many_rows_a_statement_changed(database):
    async with database.write("three") as session:
        leases = [{"name": name, "owner": "", "expires": 0} for name in "abc"]
        await session.execute(Lease.__table__.insert(), leases)
        changed = await session.execute(text("UPDATE store_lease SET owner = 'o' WHERE name < 'c'"))

    assert changed.rowcount == 2


async def test_a_commit_gives_the_memory_of_its_pages_back(database):
    said = []
    async with database._writer.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.errand(driver.driver.set_trace_callback, said.append)
    async with database.write("one") as session:
        session.add(Lease(name="a", owner="", expires=0))

    assert said[-2:] == ["COMMIT", "PRAGMA shrink_memory"]


async def test_one_reader_does_what_one_can_do_alone(database):
    """Each has a cache of its own, which is filled as it is used."""
    used = []
    async with AsyncExitStack() as at_once:
        for _ in range(READERS_MAX):
            await at_once.enter_async_context(database._reader.connect())
    for _ in range(READERS_MAX):
        async with database._reader.connect() as connection:
            used.append((await connection.get_raw_connection()).driver_connection)

    assert used == used[:1] * READERS_MAX


class Contended:
    """A cursor that is refused some times, as where two make one new file WAL at once."""

    def __init__(self, path, refusals):
        self.connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        self.other = sqlite3.connect(path, isolation_level=None)
        self.left, self.asked = refusals, 0

    def execute(self, statement):
        self.other.execute("BEGIN IMMEDIATE" if self.left > 0 else "SELECT 1")
        self.left, self.asked = self.left - 1, self.asked + 1
        try:
            return self.connection.execute(statement)
        finally:
            if self.other.in_transaction:
                self.other.execute("ROLLBACK")


@pytest.mark.parametrize("refusals", [0, 1, WAL_TRIES - 1])
def test_a_new_file_that_two_open_at_once_is_made_wal_by_both(tmp_path, refusals):
    cursor = Contended(tmp_path / "new.sqlite", refusals)
    make_wal(cursor)

    mode = cursor.connection.execute("PRAGMA journal_mode").fetchone()
    assert (mode, cursor.asked) == (("wal",), refusals + 1)


def test_a_file_that_stays_locked_is_not_asked_for_ever(tmp_path):
    cursor = Contended(tmp_path / "new.sqlite", WAL_TRIES)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        make_wal(cursor)

    assert cursor.asked == WAL_TRIES


@pytest.mark.parametrize("how", ["close", "stop"])
async def test_a_connection_that_was_closed_holds_no_lock_whoever_holds_its_statements(
    tmp_path, how
):
    """As the traceback of a cancelled writer does: all other writers waited for their time-out."""
    path = str(tmp_path / "some.sqlite")
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE rows (number INTEGER)")
        made.executemany("INSERT INTO rows VALUES (?)", [(number,) for number in range(2_000)])
        made.commit()
    opened = await connect(path)
    held = [opened.cursor() for _ in range(3)]
    for cursor, sql in zip(
        held,
        ("BEGIN IMMEDIATE", "INSERT INTO rows VALUES (-1)", "SELECT number FROM rows"),
        strict=True,
    ):
        await cursor.execute(sql)

    await getattr(opened, how)()

    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert other.execute("SELECT count(*), min(number) FROM rows").fetchone() == (2_000, 0)
