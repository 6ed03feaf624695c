"""A database that lasts as long as what is tried in it: in a folder, and gone with it."""

import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from federation.store.base import Base
from federation.store.database import Database

_PREFIX: Final = "stage-"
_HELD: Final = "held"  # the file that a process holds while its stage is in use


@asynccontextmanager
async def opened_stage(folder: Path, tables: Sequence[type[Base]]) -> AsyncGenerator[Database]:
    """Lend an empty SQLite database with some tables, in a folder of the server's own."""
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder) as place,
        (Path(place) / _HELD).open("w", encoding="utf-8") as file,
    ):
        _hold(file)
        url = f"sqlite+aiosqlite:///{Path(place) / 'stage.sqlite'}"
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(_create, [table.__table__ for table in tables])
        await engine.dispose()
        stage = Database(url)
        try:
            yield stage
        finally:
            await stage.close()


def clear_stages(folder: Path) -> None:
    """Remove what a process left that died; of one that lives, on the same folder, nothing."""
    for left in folder.glob(f"{_PREFIX}*"):
        try:
            with (left / _HELD).open("a", encoding="utf-8") as file:
                _hold(file)
        except OSError:
            continue
        shutil.rmtree(left, ignore_errors=True)


def _hold(file: IO[str]) -> None:
    """Hold a file until it is closed; raises OSError where somebody holds it."""
    if sys.platform == "win32":  # processes share no folder there
        return
    import fcntl  # noqa: PLC0415 - it is not there on Windows

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _create(connection: Connection, tables: Sequence[Any]) -> None:
    Base.metadata.create_all(connection, tables)
    for table in tables:
        if "words" in table.columns:  # nobody searches here: no index of words, a plain table
            connection.exec_driver_sql(f"CREATE TABLE {table.name}_words (words TEXT)")
