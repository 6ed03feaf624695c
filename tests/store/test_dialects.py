from contextlib import AsyncExitStack

from sqlalchemy import literal, select
from sqlalchemy.engine.interfaces import CacheStats

from federation.store.database import Database
from federation.store.dialects import PostgresDialect, SqliteDialect
from tests.databases import opened


async def how_compiled(database: Database, label: str) -> CacheStats:
    """Execute a statement that no other test knows; return whether it was known."""
    async with database.write("test") as session:
        connection = await session.connection()
        found = await connection.execute(select(literal(1).label(label)))
        assert found.scalar_one() == 1
        return found.context.cache_hit


async def test_what_one_server_compiled_the_one_beside_it_uses(backend):
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(backend.url(migrated=False)) for _ in range(2)]
        first, second = [await stack.enter_async_context(opened(url)) for url in urls]
        label = f"compiled_once_{type(backend).__name__}"

        assert [await how_compiled(database, label) for database in (first, second, second)] == [
            CacheStats.CACHE_MISS,
            CacheStats.CACHE_HIT,
            CacheStats.CACHE_HIT,
        ]


def test_dialects_are_equal_to_their_kind_alone():
    assert (SqliteDialect(), PostgresDialect()) == (SqliteDialect(), PostgresDialect())
    assert hash(SqliteDialect()) == hash(SqliteDialect())
    assert SqliteDialect() != PostgresDialect()
    assert SqliteDialect() != SqliteDialect.__mro__[2]()
