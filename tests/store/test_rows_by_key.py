"""A row by its key is the row that is there, whoever reads it and however."""

import asyncio
import sqlite3
from contextlib import AsyncExitStack, closing, suppress
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import OperationalError

from federation.store import short_reads, sqlite
from federation.store.base import Base, BigCount, Instant
from federation.store.database import READERS_MAX, Database
from federation.store.plain import BadParameterError
from federation.store.tables import (
    IdempotentResult,
    InboxMessage,
    Lease,
    OutboxMessage,
)
from federation.trust.tables import Party
from tests.databases import a_party

AT = datetime(2026, 9, 20, 12, 30, 15, 123_456, tzinfo=UTC)
KEY = ("lab-1", "licence.accept", "key-1")
SAMPLES = {int: 7, str: "text", bytes: b"\x00\xff", bool: True, float: 0.1, date: AT.date()}


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
    monkeypatch.setattr(sqlite, "HERE_SECONDS", 600)  # however busy the machine is
    return sent


@pytest.fixture
async def on_sqlite(sqlite):
    async with sqlite.url(migrated=True) as url:
        database = Database(url)
        yield database
        await database.close()


async def owner_of(database):
    async with database.read() as session:
        return (await session.get(Lease, "relay")).owner


async def leased(database, owner="hub"):
    """Have a lease, and a reader's connection that is open and free."""
    async with database.write("test") as session:
        row = await session.get(Lease, "relay")
        if row is None:
            session.add(Lease(name="relay", owner=owner, expires=1.5))
        else:
            row.owner = owner
    assert await owner_of(database) == owner


def values(row):
    """What is read with a row; the rest is read apart."""
    read = [one.key for one in inspect(type(row)).column_attrs]
    return {name: getattr(row, name) for name in read}


async def test_every_value_comes_back_by_a_key_of_several_columns(database):
    result = {"input_digest": "d" * 64, "result_id": "HUB-000001", "recorded_at": AT}
    message = {"kind": "licence.issued", "body": b"\x00{}", "created_at": AT, "attempts": 2}
    async with database.write("test") as session:
        session.add(
            IdempotentResult(**dict(zip(("principal", "field", "key"), KEY, strict=True)), **result)
        )
        session.add(OutboxMessage(id=3, target="hub", stream="s", sequence=1, **message))
    async with database.read() as session:
        kept = await session.get(IdempotentResult, KEY)
        sent = await session.get(OutboxMessage, 3)
        assert await session.get(IdempotentResult, (*KEY[:2], "key-2")) is None
    assert values(kept) == {"principal": KEY[0], "field": KEY[1], "key": KEY[2], **result}
    rest = {"id": 3, "target": "hub", "stream": "s", "sequence": 1}
    assert values(sent) == {**rest, **message, "delivered_at": None, "last_error": None}


async def test_every_kind_of_row_is_read_as_sqlalchemy_reads_it(on_sqlite):
    with closing(sqlite3.connect(on_sqlite.url.partition("///")[2])) as plain:
        plain.execute("PRAGMA ignore_check_constraints=ON")
        plain.commit()
        for mapper in Base.registry.mappers:
            names = [column.name for column in mapper.local_table.columns]
            marks = ",".join("?" * len(names))
            plain.execute(
                f"INSERT INTO {mapper.local_table.name} ({','.join(names)}) VALUES ({marks})",
                [stored(column) for column in mapper.local_table.columns],
            )
        plain.commit()
    read = set()
    for mapper in Base.registry.mappers:
        key = tuple(sample(column) for column in mapper.primary_key)
        async with on_sqlite.read() as session:
            short = await session.get(mapper.class_, key)
        async with on_sqlite.read() as session:
            assert values(short) == values(await session.scalar(select(mapper.class_)))
        assert None not in values(short).values()
        read.add(mapper.local_table.name)
    assert read == set(Base.metadata.tables)


def sample(column):
    if isinstance(column.type, Instant):
        return AT
    return 10**30 if isinstance(column.type, BigCount) else SAMPLES[column.type.python_type]


def stored(column):
    """A sample as it stands in a file of SQLite."""
    value = sample(column)
    if isinstance(value, datetime):
        return 1_789_907_415_123_456
    if isinstance(column.type, BigCount):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


async def test_a_row_by_its_key_makes_no_session_and_no_errand(on_sqlite, errands, monkeypatch):
    await leased(on_sqlite)
    made = []
    initialise = short_reads.ReadSession.__init__
    monkeypatch.setattr(
        short_reads.ReadSession,
        "__init__",
        lambda self, *a, **k: (made.append(1), initialise(self, *a, **k))[1],
    )
    async with on_sqlite.read() as session:
        assert (await session.get(Lease, "relay")).owner == "hub"
        assert (await session.get(Lease, "other")) is None
    assert (errands, made) == ([], [])
    async with on_sqlite.read() as session:
        assert (await session.scalar(select(Lease))).owner == "hub"
    assert (errands, made) == ([], [1])


async def test_a_row_is_found_by_a_column_in_which_no_two_have_the_same(database):
    async with database.write("test") as session:
        session.add(a_party("FR"))
        assert (await session.get_by(Party, "entity_id", "https://fr.example")).code == "FR"
        session.add(a_party("DE"))
    async with database.read() as session:
        found = await session.get_by(Party, "entity_id", "https://de.example")
        assert await session.get_by(Party, "entity_id", "https://es.example") is None
        with pytest.raises(BadParameterError):
            await session.get_by(Party, "entity_id", "https://de.example\0")
    async with database.read() as session:
        query = select(Party).where(Party.entity_id == "https://de.example")
        assert values(found) == values(await session.scalar(query))


async def test_what_is_asked_after_a_row_by_its_key_has_the_same_view(database):
    await leased(database)
    async with database.read() as session:
        first = await session.get(Lease, "relay")
        await leased(database, "node")
        owners = [
            (await session.scalar(select(Lease))).owner,
            (await session.get(Lease, "relay")).owner,
            *[owner async for owner in await session.stream_scalars(select(Lease.owner))],
        ]
    assert await owner_of(database) == "node"
    assert (first.owner, owners) == ("hub", ["hub"] * 3)


async def test_a_row_by_its_key_after_something_else_has_its_view(database):
    await leased(database)
    async with database.read() as session:
        assert await session.scalar(select(Lease.owner)) == "hub"
        await leased(database, "node")
        assert (await session.get(Lease, "relay")).owner == "hub"


class _LeftError(Exception):
    """Whoever read went away."""


async def test_connections_come_back_whatever_was_read(on_sqlite):
    await leased(on_sqlite)
    for number in range(3 * READERS_MAX):
        with suppress(_LeftError):
            async with on_sqlite.read() as session:
                assert (await session.get(Lease, "relay")).owner == "hub"
                if number % 2:
                    assert await session.scalar(select(Lease.owner)) == "hub"
                raise _LeftError
    async with AsyncExitStack() as all_at_once:
        for _ in range(READERS_MAX):
            session = await all_at_once.enter_async_context(on_sqlite.read())
            assert (await session.get(Lease, "relay")).owner == "hub"


async def test_a_row_by_its_key_waits_for_a_connection(on_sqlite):
    await leased(on_sqlite)
    async with AsyncExitStack() as all_at_once:
        for _ in range(READERS_MAX):
            session = await all_at_once.enter_async_context(on_sqlite.read())
            assert (await session.get(Lease, "relay")).owner == "hub"
        waiting = asyncio.create_task(owner_of(on_sqlite))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting == "hub"


async def test_what_cannot_be_read_by_its_key_is_refused_as_any_statement(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/empty.sqlite")
    async with database.write("test"):
        pass
    for _ in range(2):  # with a connection to open, and with one that is open
        with pytest.raises(OperationalError, match="no such table: store_lease"):
            async with database.read() as session:
                await session.get(Lease, "relay")
    await database.close()


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_key_with_zero_in_it_is_refused(database, is_first):
    if not is_first:
        await leased(database)
    async with database.read() as session:
        with pytest.raises(BadParameterError, match="character 3"):
            await session.get(InboxMessage, ("ab\x00", "s", 1))
        with pytest.raises(ValueError, match="argument 2 is"):
            await session.get(InboxMessage, ("ab", "s"))
