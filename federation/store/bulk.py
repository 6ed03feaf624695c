"""Rows by the thousand: driver tuples instead of ORM objects (four to eight times faster)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

CHUNK = 5_000


async def insert_rows(
    session: AsyncSession,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    ignore_conflicts: bool = False,
) -> int:
    """Insert tuples in the order of `columns`; return how many rows are new.

    Values are what the driver takes (microseconds for instants, text for big counts). With
    `ignore_conflicts` a row whose key is there is left as it is.
    """
    connection = await session.connection()
    # Not SQLite's INSERT OR IGNORE, which drops rows that break a CHECK or NOT NULL as well.
    tail = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    if connection.dialect.name == "sqlite":
        marks = ",".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({','.join(columns)}) VALUES ({marks}){tail}"  # noqa: S608
    else:
        arrays = ",".join(
            f"${number}::{_postgres_type(table, name)}[]"
            for number, name in enumerate(columns, start=1)
        )
        statement = (
            f"INSERT INTO {table.name} ({','.join(columns)}) SELECT * FROM unnest({arrays}){tail}"  # noqa: S608
        )
    inserted = 0
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        if connection.dialect.name == "sqlite":
            result = await connection.exec_driver_sql(statement, list(chunk))
        else:
            turned = tuple(list(column) for column in zip(*chunk, strict=True))
            result = await connection.exec_driver_sql(statement, turned)
        inserted += result.rowcount
    return inserted


def _postgres_type(table: Table, column: str) -> str:
    name = str(table.c[column].type.compile(dialect=_POSTGRES)).lower()
    return "text" if name.startswith("varchar") else name


def _postgres_dialect() -> Any:
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - only to spell the types

    return postgresql.dialect()  # type: ignore[no-untyped-call]


_POSTGRES = _postgres_dialect()


async def set_column(
    session: AsyncSession,
    table: Table,
    column: str,
    keys: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Set one column of many rows: each tuple is (new value, *key values)."""
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        where = " AND ".join(f"{key} = ?" for key in keys)
        statement = f"UPDATE {table.name} SET {column} = ? WHERE {where}"  # noqa: S608
    else:
        names = [column, *keys]
        arrays = ",".join(
            f"${number}::{_postgres_type(table, name)}[]"
            for number, name in enumerate(names, start=1)
        )
        where = " AND ".join(f"t.{key} = new.{key}" for key in keys)
        statement = (
            f"UPDATE {table.name} AS t SET {column} = new.{column} "  # noqa: S608
            f"FROM unnest({arrays}) AS new({','.join(names)}) WHERE {where}"
        )
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql(statement, list(chunk))
        else:
            turned = tuple(list(values) for values in zip(*chunk, strict=True))
            await connection.exec_driver_sql(statement, turned)
