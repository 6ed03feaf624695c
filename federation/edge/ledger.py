"""A server's journal for outside programs: from a request, or from the command line."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import date

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from federation.config import HubConfig, NodeConfig
from federation.edge.service import require_migrated
from federation.settlement.beancount import ExportEntry, ExportPosting, write_beancount
from federation.settlement.hledger import write_hledger
from federation.settlement.ledger import store
from federation.store.database import Database
from federation.trust.service import HUB

Writer = Callable[[str, Iterable[ExportEntry]], bytes]
WRITERS: Mapping[str, Writer] = {"beancount": write_beancount, "hledger": write_hledger}


async def write_journal(
    session: AsyncSession, code: str, form: str, until: date | None = None
) -> bytes:
    """Write every entry dated by a day (all if None), in a form of `WRITERS`."""
    entries = [
        ExportEntry(
            entry.posted_on,
            entry.document,
            entry.narration,
            [
                ExportPosting(
                    posting.debit,
                    posting.credit,
                    int(posting.amount),
                    posting.currency,
                    msgspec.json.decode(posting.meta, type=dict[str, str]),
                )
                for posting in entry.postings
            ],
        )
        async for entry in store.walk(session)
        if until is None or entry.posted_on <= until
    ]
    return WRITERS[form](f"Journal of {code}", entries)


def code_of(config: HubConfig | NodeConfig) -> str:
    """Return `HUB` or the node's code."""
    return HUB if isinstance(config, HubConfig) else config.code


@asynccontextmanager
async def books_of(config: HubConfig | NodeConfig) -> AsyncIterator[AsyncSession]:
    """Open one consistent view of a server's live database; nothing can be written through it."""
    database = Database(config.database_url)
    try:
        await require_migrated(database)
        async with database.read() as session:
            yield session
    finally:
        await database.close()


async def export(config: HubConfig | NodeConfig, form: str, until: date | None) -> bytes:
    """Write the journal of a live database."""
    async with books_of(config) as session:
        return await write_journal(session, code_of(config), form, until)
