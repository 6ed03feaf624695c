"""The claim index as a list that others keep a copy of: one part for each collective.

What a part says is enough to decide as the index does, and no more: names of holders and of whose
word it is are given anew, and say nothing of anybody elsewhere.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64Error
from collections.abc import Callable, Collection
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from federation.claimindex import followed_store, index_store
from federation.claimindex.followed_store import Followed, Stage
from federation.consent import deciding
from federation.consent.listed import Claim, Entry, Gone, Line, Mark, Ruling
from federation.consent.states import PARTY
from federation.errors import RefusalError
from federation.values.cursors import BadCursorError

_NAME_LENGTH: Final = 24
Seal = Callable[[bytes], bytes]
"""Makes of a text 32 bytes that only this server can make of it, the same each time."""


class ListGapError(RefusalError):
    """The changes since this version are not known one by one: fetch the whole part again."""

    code: ClassVar[str] = "LIST_GAP"


class Resumed(msgspec.Struct, frozen=True, array_like=True):
    """Where a part is gone on with: the version it goes up to, the stage, and behind what.

    So many `entries` of it were sent by then.
    """

    until: int
    stage: Stage
    version: int
    key: str
    entries: int


class Of(NamedTuple):
    """What a cursor is of: a part or its changes, of some uses."""

    node: str
    since: int | None
    uses: Collection[str]

    @property
    def said(self) -> bytes:
        """Return it as bytes."""
        return msgspec.json.encode([self.node, self.since, sorted(self.uses)])


def resumed(cursor: str | None, of: Of, seal: Seal) -> Resumed | None:
    """Read where a part is gone on with; taken back is only what was given out (BAD_CURSOR)."""
    if cursor is None:
        return None
    try:
        sent = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        said = _cipher(seal).decrypt(sent, [of.said])
    except (NoBase64Error, ValueError, InvalidTag) as error:
        raise BadCursorError(cursor[:40]) from error
    return msgspec.json.decode(said, type=Resumed)


def mark(of: Of, until: int, stage: Stage, row: Any, seal: Seal, entries: int) -> Mark:
    """Say where who was cut off goes on, behind a row of a stage.

    It is encrypted: the index's own ids could be told from guesses.
    """
    at = Resumed(until, stage, *followed_store.place_of(stage, row), entries)
    sealed = _cipher(seal).encrypt(msgspec.json.encode(at), [of.said])
    return Mark(entries, urlsafe_b64encode(sealed).decode().rstrip("="))


def _cipher(seal: Seal) -> AESSIV:
    return AESSIV(seal(b"cursors of what is withheld"))


def check_since(since: int | None, now: Followed) -> None:
    """Refuse a version from which on the changes cannot be told (LIST_GAP)."""
    if since is not None and not now.followed_from <= since <= now.version:
        raise ListGapError(f"since {since}: told are {now.followed_from} to {now.version}")


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
    return seal(msgspec.json.encode(["withheld", node, name])).hex()[:_NAME_LENGTH]
