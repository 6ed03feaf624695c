"""A database that lasts as long as what is tried in it: in a folder, and gone with it."""

import shutil
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from federation.store.base import Base
from federation.store.database import Database

_PREFIX: Final = "stage-"


@asynccontextmanager
async def opened_stage(folder: Path, tables: Sequence[type[Base]]) -> AsyncGenerator[Database]:
    """Lend an empty SQLite database with some tables, in a folder of the server's own."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder) as place:
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
    """Remove what a process left that died."""
    for left in folder.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def _create(connection: Connection, tables: Sequence[Any]) -> None:
    Base.metadata.create_all(connection, tables)
    for table in tables:
        if "words" in table.columns:  # nobody searches here: no index of words, a plain table
            connection.exec_driver_sql(f"CREATE TABLE {table.name}_words (words TEXT)")
