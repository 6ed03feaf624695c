"""The two dialects of SQL that servers speak; every engine of one kind shares what it compiled.

SQLAlchemy keeps what it compiled a statement to for the engine and the dialect that asked. Each
server has two engines, and a scenario has a score of servers in one process: each would compile
every statement, and keep it, for itself. What a statement becomes depends on the kind of database
alone, so here dialects of one kind are equal, and one cache serves all engines of the process.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from federation.store.database_url import locate
from federation.store.plain import plain

STATEMENTS_MAX = 1_000  # compiled and kept; a hub and a node know some hundreds
_NAME = "federation"
_compiled = LRUCache[Any, Any](STATEMENTS_MAX)


class _OfOneKind:
    """Equal to every other dialect of its class."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


class SqliteDialect(_OfOneKind, SQLiteDialect_aiosqlite):
    """SQLite's; it refuses U+0000 in every text it binds (BAD_TEXT)."""

    supports_statement_cache = True
    colspecs = plain(dict(SQLiteDialect_aiosqlite.colspecs))


class PostgresDialect(_OfOneKind, PGDialect_asyncpg):
    """PostgreSQL's; it refuses U+0000 in every text it binds (BAD_TEXT)."""

    supports_statement_cache = True
    colspecs = plain(dict(PGDialect_asyncpg.colspecs))


for _dialect in (SqliteDialect, PostgresDialect):
    registry.register(f"{_dialect.name}.{_NAME}", __name__, _dialect.__name__)


def engine_of(
    url: str, *, server_settings: Mapping[str, str] | None = None, **options: Any
) -> AsyncEngine:
    """Make an engine for a database's URL that speaks one of these dialects.

    `server_settings` are PostgreSQL's for each connection. Raises BadDatabaseUrlError.
    """
    known = locate(url)
    ours = known.url.set(drivername=f"{known.url.get_backend_name()}+{_NAME}")
    arguments = dict(known.arguments)
    if server_settings is not None:
        arguments["server_settings"] = dict(server_settings)
    return create_async_engine(
        ours, connect_args=arguments, execution_options={"compiled_cache": _compiled}, **options
    )
