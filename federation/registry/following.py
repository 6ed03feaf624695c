"""The claim index as a list that others keep a copy of: one part for each collective.

What a part says is enough to decide as the index does, and no more: names of holders and of whose
word it is are given anew, and say nothing of anybody elsewhere.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from federation.consent import deciding
from federation.consent.listed import Claim, Entry, Gone, Line, Mark, Ruling
from federation.consent.states import PARTY
from federation.errors import RefusalError
from federation.registry import followed_store, index_store
from federation.registry.followed_store import Followed, Stage
from federation.values.cursors import BadCursorError, cursor_of, key_of

_CURSOR: Final = "withheld"
_NAME_LENGTH: Final = 24
_DIGITS_MAX: Final = 18
Seal = Callable[[bytes], bytes]
"""Makes of a text 32 bytes that only this server can make of it, the same each time."""


class ListGapError(RefusalError):
    """The changes since this version are not known one by one: fetch the whole part again."""

    code: ClassVar[str] = "LIST_GAP"


class Resumed(NamedTuple):
    """Where a part is gone on with: the version it goes up to, the stage, and behind what."""

    until: int
    stage: Stage
    version: int
    key: str


def resumed(cursor: str | None) -> Resumed | None:
    """Read where a part is gone on with (BAD_CURSOR)."""
    found = key_of(_CURSOR, cursor, tuple[int, Stage, int, str])
    if found is None:
        return None
    at = Resumed(*found)
    is_number = at.key.isascii() and at.key.isdigit() and len(at.key) <= _DIGITS_MAX
    if at.stage != "claims" and not is_number:
        raise BadCursorError(at.key[:40])
    return at


def check_since(since: int | None, now: Followed) -> None:
    """Refuse a version from which on the changes cannot be told (LIST_GAP)."""
    if since is not None and not now.followed_from <= since <= now.version:
        raise ListGapError(f"since {since}: told are {now.followed_from} to {now.version}")


def mark(until: int, stage: Stage, row: Any, entries: int) -> Mark:
    """Say where who was cut off goes on, behind a row of a stage."""
    after = followed_store.place_of(stage, row)
    return Mark(entries, cursor_of(_CURSOR, (until, stage, *after)))


def line_of(stage: Stage, row: Any, seal: Seal) -> Line:
    """Return a row of the index as a line of the list."""
    entry: Entry = _claim(row, seal) if stage.endswith("claims") else _ruling(row, seal)
    return Gone(entry) if stage.startswith("gone") else entry


def _claim(row: Any, seal: Seal) -> Claim:
    fact = index_store.claim_fact(row)
    return Claim(
        node=row.node,
        id=_named(row.node, fact.claim_id, seal),
        host=fact.host,
        path=fact.path,
        subdomains=fact.wildcard,
        holder=_named(row.node, fact.holder_id, seal),
        starts_on=fact.counts_from,
        ends_on=fact.counts_to,
        original=fact.canonical,
    )


def _ruling(row: Any, seal: Seal) -> Ruling:
    fact = index_store.opt_out_fact(row)
    said = deciding.Ruling(fact.state, fact.use, fact.effective_at)
    return Ruling(
        node=row.node,
        use=fact.use,
        state=fact.state.value,
        starts_at=fact.effective_at,
        reason=deciding.may_refuse_by(said),
        host=fact.host,
        path=fact.path,
        subdomains=fact.wildcard,
        holder=_named(row.node, fact.holder_id, seal) if fact.holder_id else None,
        ends_at=fact.ends_at,
        said_from=fact.since,
        source=_source(row.node, fact.source, seal),
    )


def _source(node: str, source: str | None, seal: Seal) -> str | None:
    if source is None:
        return None
    name = _named(node, source, seal)
    return PARTY + name if source.startswith(PARTY) else name


def _named(node: str, name: str, seal: Seal) -> str:
    return seal(msgspec.json.encode([_CURSOR, node, name])).hex()[:_NAME_LENGTH]
