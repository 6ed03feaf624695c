"""The first people of a server, named on its own machine."""

from federation.cli.ledger import code_of
from federation.clock import Clock
from federation.config import HubConfig, NodeConfig
from federation.people.bootstrap import take_in_first
from federation.store.database import Database
from federation.store.migrations import require_migrated


async def first(config: HubConfig | NodeConfig, subject: str, name: str, clock: Clock) -> None:
    """Take in one who may change the directory; the server may be running.

    Refuses what `bootstrap.take_in_first` does, and NOT_MIGRATED.
    """
    database = Database(config.database_url, clock=clock)
    try:
        await require_migrated(database)
        async with database.write("people.first") as session:
            await take_in_first(session, subject, name, code_of(config), clock())
    finally:
        await database.close()
