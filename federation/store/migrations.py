"""Bring a database to the schema of this code: one linear Alembic history, inside the wheel."""

import warnings
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from federation.errors import RefusalError
from federation.store.database import Database

_NOT_COMPARED = (
    "Skipped unsupported reflection of expression-based index",
    "autogenerate skipping metadata-specified expression-based index",
)
_HERE = Path(__file__).resolve().parent.parent


class NotMigratedError(RefusalError):
    """The database is not at the revision of this code; run `federation db upgrade` first."""

    code = "NOT_MIGRATED"


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


async def require_migrated(db: Database) -> None:
    """Refuse a database that is not at the revision of this code."""
    async with db.read() as session:
        connection = await session.connection()
        revision = await connection.run_sync(current_revision)
    if revision != head_revision():
        raise NotMigratedError(f"at {revision}, code at {head_revision()}")


async def upgrade_database(url: str) -> None:
    """Bring a database to the newest revision."""
    engine = create_async_engine(make_url(url))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


async def check_database(url: str) -> None:
    """Refuse a database that is not at the newest revision, or whose tables differ from it."""
    engine = create_async_engine(make_url(url))
    try:
        async with engine.connect() as connection:
            revision = await connection.run_sync(current_revision)
            if revision != head_revision():
                raise NotMigratedError(f"at {revision}, code at {head_revision()}")
            await connection.run_sync(check)
    finally:
        await engine.dispose()
