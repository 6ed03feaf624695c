"""When each client was last heard of: noted in memory, written down now and then.

A request of a client must not cost a write, and to the minute is exact enough to see who is gone.
"""

from datetime import datetime

from federation.clients import store
from federation.store.database import Database


class LastUse:
    """What one server process heard since it last wrote it down; at most one entry per client."""

    def __init__(self) -> None:
        self._heard: dict[str, datetime] = {}

    def note(self, client_id: str, now: datetime) -> None:
        """Note that a client, known by now, was heard of."""
        self._heard[client_id] = now

    async def write_down(self, db: Database) -> int:
        """Write down what was heard and return of how many clients; of none, nothing is written."""
        heard, self._heard = self._heard, {}
        if not heard:
            return 0
        try:
            async with db.write("clients.last_use") as session:
                await store.note_last_use(session, heard)
        except Exception:
            self._heard = {**heard, **self._heard}
            raise
        return len(heard)
