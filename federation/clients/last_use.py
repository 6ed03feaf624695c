"""When each client was last heard of: noted in memory, written down now and then by the edge.

A request of a client must not cost a write, and to the minute is exact enough to see who is gone.
"""

from collections.abc import Mapping
from datetime import datetime


class LastUse:
    """What one server process heard since it last wrote it down; at most one entry per client."""

    def __init__(self) -> None:
        self._heard: dict[str, datetime] = {}

    def note(self, client_id: str, now: datetime) -> None:
        """Note that a client, known by now, was heard of."""
        self._heard[client_id] = now

    def take(self) -> dict[str, datetime]:
        """Return {client: when it was heard of} and forget it."""
        heard, self._heard = self._heard, {}
        return heard

    def put_back(self, heard: Mapping[str, datetime]) -> None:
        """Note again what could not be written down; what was heard since is newer."""
        self._heard = {**heard, **self._heard}
