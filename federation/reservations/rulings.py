"""What published sources say, as facts for whoever decides: one for each rule, use and list."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from federation.reservations import store
from federation.reservations.service import get_source, list_of
from federation.reservations.tables import KeptList, Source
from federation.store.sessions import ReadSession


class Ruling(NamedTuple):
    """One rule for one use (`*`: every use), in force from `effective_at` to before `ends_at`.

    `source` names the list of rules that it is weighed against, and no other is: the longest that
    matches wins (`addresses.matching.rule_length`), what allows before what disallows; an address
    is reserved if one list reserves it. `path` is the subject of an opt-out.
    """

    host: str
    path: str
    wildcard: bool
    use: str
    effective_at: datetime
    ends_at: datetime | None
    allow: bool
    source: str


async def rulings_of(
    session: ReadSession, source_id: int, known_at: datetime | None = None
) -> list[Ruling]:
    """Return what a source says as it is known, or was at an instant (UNKNOWN_SOURCE).

    What waits to end holds on; what ended is there with its end.
    """
    source = await get_source(session, source_id)
    return rulings(source, await store.lists(session, source_id, known_at))


def name_of(row: KeptList) -> str:
    """Return the name of a list, by which its rules are told from those of others."""
    return f"published-{row.source_id}-{row.digest[:24]}"


def rulings(source: Source, rows: Sequence[KeptList]) -> list[Ruling]:
    """Return what some lists of a source say. A file speaks for its host and no subdomain."""
    return [
        Ruling(
            host=source.host,
            path=path,
            wildcard=False,
            use=use,
            effective_at=row.effective_at,
            ends_at=row.ends_at,
            allow=allow,
            source=name_of(row),
        )
        for row in rows
        if row.ends_at is None or row.effective_at < row.ends_at
        for path, allow in dict.fromkeys((rule.path, rule.allow) for rule in list_of(row).rules)
        for use in row.uses.split()
    ]
