"""A database that was lent before is as one that is new."""

from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text

from tests.databases import a_party, contents, opened
from tests.kept import LENT_MAX, KeptDatabases


@pytest.fixture
async def kept(postgres):
    kept = KeptDatabases(postgres._made, postgres._dropped, postgres._server.get_uri)
    yield kept
    await kept.end()


@pytest.fixture
def lent(kept, postgres):
    @asynccontextmanager
    async def lent():
        name = await kept.borrow()
        yield postgres._url(name)
        await kept.give_back(name)

    return lent


async def test_what_a_test_left_is_not_there_for_the_next(lent):
    drawn = text("SELECT nextval('trust_invitation_id_seq')")
    async with lent() as first, opened(first) as database:
        async with database.write("test") as session:
            session.add(a_party("GB"))
            [[number]] = await session.execute(drawn)
        assert list(await contents(database)) == ["trust_party"]
    async with lent() as second, opened(second) as database:
        assert second == first
        assert await contents(database) == {}
        async with database.write("test") as session:
            assert (await session.execute(drawn)).all() == [(number,)]


@pytest.mark.parametrize(
    "change", ["CREATE TABLE one (n int)", "DROP INDEX ix_registry_opt_out_source"]
)
async def test_one_of_which_more_than_rows_changed_is_lent_no_more(lent, change):
    async with lent() as first:
        connection = await asyncpg.connect(first.replace("+asyncpg", ""))
        await connection.execute(change)
        await connection.close()
    async with lent() as second:
        assert second != first


async def test_one_to_which_somebody_is_connected_is_lent_no_more(lent):
    async with lent() as first:
        left = await asyncpg.connect(first.replace("+asyncpg", ""))
    async with lent() as second:
        assert second != first
    left.terminate()


async def test_one_is_lent_so_many_times(lent):
    names = []
    for _ in range(LENT_MAX + 1):
        async with lent() as url:
            names.append(url)
    assert names[:-1] == names[:1] * LENT_MAX
    assert names[-1] != names[0]
