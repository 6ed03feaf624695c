"""Bring a database to the schema of this code: one linear Alembic history, inside the wheel."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_HERE = Path(__file__).resolve().parent.parent


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
    """Raise when the tables in code differ from what the history makes."""
    command.check(alembic_config(connection))


def head_revision() -> str | None:
    """Return the newest revision this code knows."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    return ScriptDirectory.from_config(config).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """Return the revision a database stands at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()
