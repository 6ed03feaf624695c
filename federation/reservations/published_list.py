"""The list of what sites publish, as everybody may read it: sources with their rules in force."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from federation.history.kinds import Place
from federation.published.rules import RULES_MAX
from federation.reservations import store
from federation.reservations.tables import KeptList, Source
from federation.store.sessions import ReadSession

LOOKED_AT_MAX: Final = 1_000
"""So many sources in order are looked at for a page; it may have fewer, and the list go on."""


class InForce(NamedTuple):
    """A source, and those of its lists of rules that are in force."""

    source: Source
    lists: Sequence[KeptList]

    @property
    def place(self) -> Place:
        """Return where it stands: by its host, then by its number as text."""
        return Place(self.source.host, str(self.source.source_id))


class InForcePage(NamedTuple):
    """A page of sources, and after which place the next one begins, None where it ends."""

    found: list[InForce]
    after: Place | None


async def in_force(
    session: ReadSession, at: datetime, *, after: Place | None, host: str | None, limit: int
) -> InForcePage:
    """Return sources by host of which a list is in force `at` an instant, as is known now.

    What waits to end holds on. A page ends early behind as many rules as one source may have.
    """
    last = await store.place_after(session, after, LOOKED_AT_MAX, host)
    rows = await store.sources_in_force(
        session, at, after=after, to=last, host=host, limit=limit + 1
    )
    taken, rules = list[Source](), 0
    for source, many in rows[:limit]:
        rules += many
        if taken and rules > RULES_MAX:
            break
        taken.append(source)
    lists: dict[int, list[KeptList]] = {source.source_id: [] for source in taken}
    for row in await store.lists_in_force(session, lists, at):
        lists[row.source_id].append(row)
    found = [InForce(source, lists[source.source_id]) for source in taken]
    return InForcePage(found, found[-1].place if len(taken) < len(rows) else last)
