"""Bring a database to the schema of this code: one linear Alembic history, inside the wheel."""

import warnings
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from federation.errors import RefusalError
from federation.store.database import Database
from federation.store.database_url import is_sqlite, locate
from federation.store.dialects import engine_of
from federation.store.failures import (
    DatabaseDownError,
    DatabaseUnusableError,
    explained_opening,
    why,
)

_NOT_COMPARED = (
    "Skipped unsupported reflection of expression-based index",
    "autogenerate skipping metadata-specified expression-based index",
)
_HERE = Path(__file__).resolve().parent.parent


class NotMigratedError(RefusalError):
    """The database is not at the revision of this code; run `federation db upgrade` first."""

    code = "NOT_MIGRATED"


class NewerDatabaseError(RefusalError):
    """The database is of a newer version than this code: install that version, or a later one."""

    code = "DATABASE_NEWER"


def migrations_folder() -> Path:
    """Return the folder of the history: in the wheel, or beside the package in a checkout."""
    packaged = _HERE / "_migrations"
    return packaged if packaged.is_dir() else _HERE.parent / "migrations"


def alembic_config(connection: Connection) -> Config:
    """Return a configuration bound to one open connection."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run every migration that is not yet in."""
    command.upgrade(alembic_config(connection), revision)


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Go back, dropping what the later migrations made."""
    command.downgrade(alembic_config(connection), revision)


def check(connection: Connection) -> None:
    """Raise when the tables in code differ from what the history makes.

    Indexes of expressions are not compared: SQLite does not say what they are made of.
    """
    with warnings.catch_warnings():
        for message in _NOT_COMPARED:
            warnings.filterwarnings("ignore", message=message)
        command.check(alembic_config(connection))


@cache
def head_revision() -> str | None:
    """Return the newest revision this code knows; every migration is read for it, once."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    return ScriptDirectory.from_config(config).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """Return the revision a database stands at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def known_revisions() -> frozenset[str]:
    """Return every revision of the history of this code."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    return frozenset(each.revision for each in ScriptDirectory.from_config(config).walk_revisions())


def require_head(revision: str | None) -> None:
    """Refuse a database at another revision than this code's (NOT_MIGRATED, DATABASE_NEWER)."""
    require_no_newer(revision)
    if revision != head_revision():
        raise NotMigratedError(f"at {revision or 'none: it is empty'}, code at {head_revision()}")


def require_no_newer(revision: str | None) -> None:
    """Refuse a database that a later version has migrated (DATABASE_NEWER)."""
    if revision is not None and revision not in known_revisions():
        raise NewerDatabaseError(f"at {revision}, code at {head_revision()}")


async def require_migrated(db: Database) -> None:
    """Refuse a database that cannot be used, or is not at the revision of this code."""
    try:
        async with db.read() as session:
            connection = await session.connection()
            revision = await connection.run_sync(current_revision)
    except DatabaseDownError as refusal:
        raise _unusable(db.url, refusal.__cause__ or refusal) from refusal
    except SQLAlchemyError as error:  # SQLite: not even the first question could be asked
        raise _unusable(db.url, error) from error
    require_head(revision)


async def upgrade_database(url: str) -> None:
    """Bring a database to the newest revision."""
    async with _connection(url) as connection:
        require_no_newer(await connection.run_sync(current_revision))
        await connection.run_sync(upgrade)


async def check_database(url: str) -> None:
    """Refuse a database that is not at the newest revision, or whose tables differ from it."""
    async with _connection(url) as connection:
        require_head(await connection.run_sync(current_revision))
        await connection.run_sync(check)


async def table_names(url: str) -> list[str]:
    """Return the names of a database's tables, those of any other program too."""
    async with _connection(url) as connection:
        return await connection.run_sync(lambda here: inspect(here).get_table_names())


@asynccontextmanager
async def _connection(url: str) -> AsyncGenerator[AsyncConnection]:
    """Open a connection of its own, committed at the end (BAD_DATABASE_URL, DATABASE_UNUSABLE)."""
    engine = engine_of(url)
    if is_sqlite(url):
        _begin_by_statement(engine)
    try:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(engine.connect())
                _ = await stack.enter_async_context(connection.begin())
            except Exception as error:
                if explained_opening(error) is None and not isinstance(error, SQLAlchemyError):
                    raise
                raise _unusable(url, error) from error
            yield connection
    finally:
        await engine.dispose()


def _begin_by_statement(engine: AsyncEngine) -> None:
    """Have SQLite make tables within the transaction too: a migration is done whole or not at all.

    Left to itself its driver commits before each statement that makes or alters one.
    """

    @event.listens_for(engine.sync_engine, "connect")
    def by_statement(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _unusable(url: str, error: BaseException) -> DatabaseUnusableError:
    return DatabaseUnusableError(f"{locate(url).place}: {why(error)}")
