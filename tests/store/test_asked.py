"""A long list is one parameter on both databases, and rows of a long read have names."""

import pytest
from sqlalchemy import select

from federation.store.asked import asked, is_sqlite, parameters_of
from federation.values.plain import BadTextError
from tests.databases import opened


@pytest.fixture
async def database(backend):
    async with backend.url(migrated=True) as url, opened(url) as database:
        yield database


async def read(database, columns, rows, *, many, **kind):
    async with database.read() as session:
        sqlite = is_sqlite(session)
        there = asked(columns, sqlite=sqlite, **kind)
        statement = select(*(there.c[name] for name in columns))
        parameters = parameters_of(columns, rows, sqlite=sqlite)
        return await session.rows(statement, parameters, many=many)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("count", [0, 1, 3_000])
async def test_what_is_asked_for_stands_in_a_table(database, count, many):
    rows = [(f"h{number}", f"/'\"é{number}") for number in range(count)]

    found = await read(database, ("host", "path"), rows, many=many)

    assert sorted(map(tuple, found)) == sorted(rows)
    assert sorted(row.path for row in found) == sorted(path for _, path in rows)


async def test_numbers_stay_numbers(database):
    rows = [(f"h{number}", number) for number in (1, 2, 2**53 + 1)]

    found = await read(database, ("host", "id"), rows, many=False, numbers=["id"])

    assert [tuple(row) for row in found] == rows


async def test_no_text_with_a_zero_reaches_a_database(database):
    with pytest.raises(BadTextError):
        await read(database, ("host",), [("a\x00",)], many=False)
