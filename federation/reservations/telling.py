"""How the rules of a source come to count: as rulings of the registry, by its one door.

What a source says now is held against the rulings that stand for it, and only the difference is
written: so the claim index, the gates of sites and every answer follow in the same transaction.
"""

from datetime import datetime
from typing import NamedTuple

from federation.addresses.urls import ClaimKey
from federation.consent.states import State
from federation.history.kinds import Saying
from federation.registry import edits
from federation.registry.edit_store import rulings_from
from federation.registry.edits import Edit, GoneOptOut
from federation.registry.imports import NewOptOut
from federation.registry.tables import OptOut
from federation.reservations import store
from federation.reservations.rulings import Ruling, name_of, rulings_of
from federation.store.sessions import WriteSession


class _Told(NamedTuple):
    """What one rule says, as the registry keeps it."""

    host: str | None
    path: str | None
    use: str
    effective_at: datetime
    ends_at: datetime | None
    state: str
    source: str | None


async def tell(session: WriteSession, node: str, source_id: int, saying: Saying) -> None:
    """Let the registry say what a source says by now, and no more (UNKNOWN_SOURCE)."""
    wanted = {_told(one): one for one in await rulings_of(session, source_id)}
    names = {name_of(row) for row in await store.lists(session, source_id)}
    standing = await rulings_from(session, names)
    known = {_kept(row): row for row in standing}
    gone = [GoneOptOut(row, saying.now) for told, row in known.items() if told not in wanted]
    new = [(_entered(one), one.ends_at, None) for told, one in wanted.items() if told not in known]
    if gone or new:
        await edits.write(session, node, Edit(gone_opt_outs=gone, opt_outs=new), saying)


def _told(one: Ruling) -> _Told:
    state = State.PUBLISHED_ALLOW if one.allow else State.PUBLISHED_DISALLOW
    return _Told(
        one.host, one.path, one.use, one.effective_at, one.ends_at, state.value, one.source
    )


def _kept(row: OptOut) -> _Told:
    return _Told(row.host, row.path, row.use, row.effective_at, row.ends_at, row.state, row.source)


def _entered(one: Ruling) -> NewOptOut:
    key = ClaimKey(one.host, one.path, one.wildcard)
    state = State.PUBLISHED_ALLOW if one.allow else State.PUBLISHED_DISALLOW
    return NewOptOut(None, key, one.use, one.effective_at, state, one.source)
