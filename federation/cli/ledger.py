"""A server's books from its own machine: opened read-only, and written for outside programs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import IO

from federation.config import HubConfig, NodeConfig
from federation.ledger.export import journal_parts
from federation.store.database import Database
from federation.store.migrations import require_migrated
from federation.store.sessions import ReadSession
from federation.values.party import HUB


def code_of(config: HubConfig | NodeConfig) -> str:
    """Return `HUB` or the node's code."""
    return HUB if isinstance(config, HubConfig) else config.code


@asynccontextmanager
async def books_of(config: HubConfig | NodeConfig) -> AsyncIterator[ReadSession]:
    """Open one consistent view of a server's live database; nothing can be written through it."""
    database = Database(config.database_url)
    try:
        await require_migrated(database)
        async with database.read() as session:
            yield session
    finally:
        await database.close()


async def export(
    config: HubConfig | NodeConfig, form: str, until: date | None, out: IO[bytes]
) -> None:
    """Write the journal of a live database, part by part."""
    async with books_of(config) as session:
        async for part in journal_parts(session, code_of(config), form, until):
            out.write(part)
