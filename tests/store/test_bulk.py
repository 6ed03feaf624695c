"""Rows by the thousand: the same counts, the same rules, the same values on both backends."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from federation.store.asked import among
from federation.store.base import to_micros
from federation.store.bulk import COPIED_MIN, insert_rows, set_column
from federation.store.plain import BadParameterError
from federation.store.tables import IdempotentResult, Lease, OutboxMessage
from tests.databases import contents, refused

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
COLUMNS = ["name", "owner", "expires"]
IDEMPOTENT = ["principal", "field", "key", "input_digest", "result_id", "recorded_at"]


async def insert(database, rows, *, table=Lease, columns=COLUMNS, **options):
    async with database.write("insert") as session:
        return await insert_rows(session, table, columns, rows, **options)


async def assign(database, table, column, keys, rows):
    async with database.write("set") as session:
        await set_column(session, table, column, keys, rows)


def leases(*names, owner="o"):
    return [(name, owner, 1.5) for name in names]


async def test_rows_are_inserted_and_counted(database):
    assert await insert(database, leases("a", "b")) == 2
    assert await insert(database, []) == 0
    assert await contents(database) == {"store_lease": [("a", "o", 1.5), ("b", "o", 1.5)]}


async def test_columns_come_in_any_order_and_values_of_every_kind(database):
    columns = ["body", "kind", "sequence", "target", "created_at", "attempts", "last_error"]
    row = (b"\x00\xff", "näte", 7, "https://gb.example", to_micros(NOON), 0, None)
    assert await insert(database, [row], table=OutboxMessage, columns=columns) == 1

    async with database.read() as session:
        found = await session.scalar(select(OutboxMessage))
    assert (found.body, found.kind, found.sequence) == (b"\x00\xff", "näte", 7)
    assert (found.created_at, found.delivered_at, found.last_error) == (NOON, None, None)


@pytest.mark.parametrize("more", [0, COPIED_MIN])
async def test_a_key_that_is_there_refuses_all_rows(database, more):
    await insert(database, leases("b", owner="first"))
    rows = leases("a", "b", "c", *(f"d{number}" for number in range(more)))

    await refused(
        database, IntegrityError, lambda session: insert_rows(session, Lease, COLUMNS, rows)
    )


async def test_many_rows_go_in_with_every_value(database):
    columns = ["body", "kind", "sequence", "target", "created_at", "attempts", "last_error"]
    rows = [
        (b"\x00\xff", "näte", number, "https://gb.example", to_micros(NOON), 0, None)
        for number in range(COPIED_MIN)
    ]
    assert await insert(database, rows, table=OutboxMessage, columns=columns) == COPIED_MIN

    async with database.read() as session:
        found = list(await session.scalars(select(OutboxMessage).order_by(OutboxMessage.sequence)))
    assert [one.sequence for one in found] == list(range(COPIED_MIN))
    assert {(one.body, one.kind, one.created_at, one.last_error) for one in found} == {
        (b"\x00\xff", "näte", NOON, None)
    }


async def test_a_key_that_is_there_may_be_passed_over_and_stays_as_it_was(database):
    await insert(database, leases("b", owner="first"))

    assert await insert(database, leases("a", "b", "c"), ignore_conflicts=True) == 2
    assert await insert(database, leases("a", "b", "c"), ignore_conflicts=True) == 0
    assert await insert(database, leases("d", "d"), ignore_conflicts=True) == 1
    assert await contents(database) == {
        "store_lease": [*leases("a"), *leases("b", owner="first"), *leases("c", "d")]
    }


async def test_passing_over_keys_passes_over_no_broken_rule(database):
    rows = [*leases("a"), ("b", None, 1.5)]

    await refused(
        database,
        IntegrityError,
        lambda session: insert_rows(session, Lease, COLUMNS, rows, ignore_conflicts=True),
    )


async def test_more_rows_than_a_statement_takes_go_in_and_are_counted(database):
    names = [f"{number:05d}" for number in range(5_000 + 2)]
    await insert(database, leases(names[0], names[-1], owner="first"))

    assert await insert(database, leases(*names), ignore_conflicts=True) == 5_000
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Lease)) == 5_000 + 2


async def test_one_column_of_the_named_rows_is_set(database):
    await insert(database, leases("a", "b", "c"))

    await assign(database, Lease, "owner", ["name"], [("x", "a"), ("y", "c"), ("z", "nobody")])
    await assign(database, Lease, "owner", ["name"], [])

    assert await contents(database) == {
        "store_lease": [("a", "x", 1.5), ("b", "o", 1.5), ("c", "y", 1.5)]
    }


async def test_rows_with_several_keys_are_told_apart(database):
    rows = [
        (principal, "f", key, "0" * 64, "old", to_micros(NOON))
        for principal in "ab"
        for key in "12"
    ]
    await insert(database, rows, table=IdempotentResult, columns=IDEMPOTENT)

    keys = ["principal", "key"]
    await assign(database, IdempotentResult, "result_id", keys, [("new", "a", "2")])

    async with database.read() as session:
        found = await session.execute(
            select(
                IdempotentResult.principal, IdempotentResult.key, IdempotentResult.result_id
            ).order_by(IdempotentResult.principal, IdempotentResult.key)
        )
    assert [tuple(row) for row in found] == [
        ("a", "1", "old"),
        ("a", "2", "new"),
        ("b", "1", "old"),
        ("b", "2", "old"),
    ]


async def test_a_column_of_more_rows_than_a_statement_takes_is_set(database):
    names = [f"{number:05d}" for number in range(5_000 + 1)]
    await insert(database, leases(*names, "untouched"))

    await assign(database, Lease, "owner", ["name"], [("new", name) for name in names])

    async with database.read() as session:
        found = await session.execute(select(Lease.owner, func.count()).group_by(Lease.owner))
        assert sorted(map(tuple, found)) == [("new", 5_000 + 1), ("o", 1)]


@pytest.mark.parametrize("value", [None, to_micros(NOON)])
async def test_an_optional_column_may_be_emptied_and_filled(database, value):
    columns = ["target", "sequence", "kind", "body", "created_at", "attempts"]
    row = ("t", 1, "k", b"", 0, 0)
    await insert(database, [row], table=OutboxMessage, columns=columns)

    await assign(database, OutboxMessage, "delivered_at", ["target", "sequence"], [(value, "t", 1)])

    async with database.read() as session:
        found = await session.scalar(select(OutboxMessage.delivered_at))
    assert found == (NOON if value else None)


async def test_rows_are_found_by_many_texts_each_as_it_is(database):
    length = Lease.__table__.c.name.type.length
    whole = "x" * length
    names = ["a", "näte", "it's", '"[]\\', "", whole, *(f"{number:05d}" for number in range(1_000))]
    await insert(database, leases("b", *names))

    async def found(*texts):
        async with database.read() as session:
            query = select(Lease.name).where(among(session, Lease.name, texts))
            return sorted(await session.scalars(query))

    assert await found(*names, "nobody", "a") == sorted(names)
    assert await found(f"{whole}x", "A", "0000") == []
    assert await found() == []
    with pytest.raises(BadParameterError):
        await found("a", "a\0")
