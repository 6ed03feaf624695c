"""At the hub: take what nodes tell of their identifiers, and say whom to ask for one.

Only what a filter says certainly spares a node a question. Without a filter, or with one that is
too old or that its node has not signed, the node is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar, Final, NamedTuple

from federation.errors import RefusalError
from federation.holdings import bloom, store
from federation.holdings.messages import (
    PART_BYTES,
    SIGNATURE_TYP,
    IdentifiersAdded,
    IdentifiersFiltered,
    unpacked,
)
from federation.holdings.tables import HeldFilter
from federation.signing.jose import InvalidTokenError, verify
from federation.signing.keys import Keys
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import NotAllowedError

GOOD_FOR: Final = timedelta(hours=1)
"""A node whose filter is older is asked anyway."""
AHEAD_MAX: Final = timedelta(minutes=5)  # a node's clock may be so much ahead
ADDED_MAX: Final = 200_000  # keys after a filter
KEPT_BYTES_MAX: Final = 1 << 30  # of filters in memory


class BadFilterError(RefusalError):
    """This is no filter of identifiers, or not the next of what a node tells of them."""

    code: ClassVar[str] = "BAD_FILTER"


class Age(NamedTuple):
    """Of when a node's filter is: it has all identifiers until then."""

    node: str
    epoch: int
    as_of: datetime


class Routed(NamedTuple):
    """Whom to ask for an identifier, and of whom it is certain that they did not have it."""

    asked: list[str]
    skipped: list[Age]


@dataclass(slots=True)
class Filters:
    """Filters in memory, the ones read last, by node."""

    kept: dict[str, tuple[int, bytes]] = field(default_factory=dict[str, tuple[int, bytes]])
    size: int = 0

    async def get(self, session: ReadSession, held: HeldFilter) -> bytes:
        """Return a filter; it is read once for each epoch."""
        found = self.kept.get(held.node)
        if found is not None and found[0] == held.epoch:
            return found[1]
        data = await store.data_of(session, held)
        self._forget(held.node)
        while self.kept and self.size + len(data) > KEPT_BYTES_MAX:
            self._forget(next(iter(self.kept)))
        self.kept[held.node] = held.epoch, data
        self.size += len(data)
        return data

    def _forget(self, node: str) -> None:
        _, data = self.kept.pop(node, (0, b""))
        self.size -= len(data)


async def whom_to_ask(
    session: ReadSession, filters: Filters, nodes: Sequence[str], identifier: str, now: datetime
) -> Routed:
    """Return which of some nodes can have, or have had, a work with an identifier in plain form."""
    held = await store.whole_filters(session)
    good = {code: held[code] for code in nodes if code in held and _is_good(held[code], now)}
    keys = {code: bloom.key_of(identifier, row.seed) for code, row in good.items()}
    asked = await store.have_added(session, keys)
    for code, row in good.items():
        if code not in asked and bloom.may_hold(await filters.get(session, row), keys[code]):
            asked.add(code)
    skipped = [Age(code, row.epoch, row.as_of) for code, row in good.items() if code not in asked]
    away = {age.node for age in skipped}
    return Routed([code for code in nodes if code not in away], skipped)


def _is_good(held: HeldFilter, now: datetime) -> bool:
    return held.is_signed and now - held.as_of <= GOOD_FOR


async def receive_part(
    session: WriteSession, sender: str, message: IdentifiersFiltered, keys: Keys, now: datetime
) -> None:
    """Keep a part of a node's filter; with the last one it takes the place of the one before.

    Refused where it is another's (NOT_ALLOWED), of an epoch that is over, not the next part, not
    what the parts before said of the whole, or signed by none of the node's `keys` (BAD_FILTER).
    """
    _require_own(sender, message.node)
    _require_instant(message.as_of, now)
    _require_fitting(message)
    is_signed = _is_signed(message, keys)
    known = await store.filters_of(session, sender)
    whole = next((row for row in known if row.is_whole), None)
    coming = next((row for row in known if not row.is_whole), None)
    if whole is not None and message.epoch <= whole.epoch:
        raise BadFilterError(f"epoch {message.epoch}, after {whole.epoch}")
    if message.part == 1:
        coming = await _begin(session, coming, message, is_signed=is_signed)
    elif coming is None or message.part != coming.taken + 1 or _whole(coming) != _whole(message):
        raise BadFilterError(f"part {message.part} of epoch {message.epoch} is not the next")
    await store.add_part(session, coming, message.part, message.data)
    if coming.is_whole:
        found = sha256(await store.data_of(session, coming)).hexdigest()
        if found != coming.sha256:
            raise BadFilterError(f"epoch {coming.epoch}: the parts have another digest")
        if whole is not None:
            await store.drop(session, whole)


async def receive_added(
    session: WriteSession, sender: str, message: IdentifiersAdded, keys: Keys, now: datetime
) -> None:
    """Keep keys that came after a node's filter, and until when it is good with them.

    Refused where they are another's (NOT_ALLOWED), after another filter, not the next, too many, or
    signed by none of the node's `keys` (BAD_FILTER).
    """
    _require_own(sender, message.node)
    _require_instant(message.as_of, now)
    known = await store.filters_of(session, sender)
    held = next((row for row in known if row.is_whole), None)
    if held is None or held.epoch != message.epoch:
        raise BadFilterError(f"epoch {message.epoch}, not {held.epoch if held else 'any'}")
    if message.number != held.added + 1:
        raise BadFilterError(f"number {message.number}, expected {held.added + 1}")
    if message.as_of < held.as_of:
        raise BadFilterError(f"as of {message.as_of}, after {held.as_of}")
    found = unpacked(message.keys)
    if held.keys_added + len(found) > ADDED_MAX:
        raise BadFilterError(f"more than {ADDED_MAX} keys after epoch {held.epoch}")
    held.is_signed = _is_signed(message, keys) and held.is_signed
    held.keys_added += await store.add_keys(session, sender, found)
    held.added, held.as_of = message.number, message.as_of
    await session.flush()


def _require_own(sender: str, node: str) -> None:
    if node != sender:
        raise NotAllowedError(f"{sender} speaks for {node}")


def _require_instant(as_of: datetime, now: datetime) -> None:
    if as_of > now + AHEAD_MAX:
        raise BadFilterError(f"as of {as_of}, which is to come")


def _require_fitting(message: IdentifiersFiltered) -> None:
    """Refuse a filter that is not as large as that of its keys, and a part out of its place."""
    size = bloom.size_of(message.keys)
    parts = -(-size // PART_BYTES)
    is_last = message.part == message.parts
    expected = size - (parts - 1) * PART_BYTES if is_last else PART_BYTES
    if message.parts != parts or message.part > parts or len(message.data) != expected:
        raise BadFilterError(
            f"part {message.part} of {message.parts} has {len(message.data)} bytes, "
            f"and {message.keys} keys take {size}"
        )


def _is_signed(message: IdentifiersFiltered | IdentifiersAdded, keys: Keys) -> bool:
    """Tell whether a node signed what it tells; refuse a signature of anything else (BAD_FILTER).

    One of an earlier version does not sign: what it tells is kept, and it is asked anyway.
    """
    if not message.signature:
        return False
    try:
        said = verify(message.signature, typ=SIGNATURE_TYP, keys=keys)
    except InvalidTokenError as error:
        raise BadFilterError(f"epoch {message.epoch}: {error.message}") from error
    if said != message.statement:
        raise BadFilterError(f"epoch {message.epoch}: something else was signed")
    return True


async def _begin(
    session: WriteSession,
    coming: HeldFilter | None,
    message: IdentifiersFiltered,
    *,
    is_signed: bool,
) -> HeldFilter:
    """Begin a filter anew; one that was on its way is forgotten."""
    if coming is not None:
        if message.epoch <= coming.epoch:
            raise BadFilterError(f"epoch {message.epoch} has begun, or is over")
        await store.drop(session, coming)
    held = HeldFilter(
        node=message.node,
        epoch=message.epoch,
        parts=message.parts,
        taken=0,
        keys=message.keys,
        seed=message.seed,
        sha256=message.sha256,
        as_of=message.as_of,
        added=0,
        keys_added=0,
        is_signed=is_signed,
    )
    session.add(held)
    await session.flush()
    return held


def _whole(of: HeldFilter | IdentifiersFiltered) -> tuple[object, ...]:
    """Return what every part says of the whole."""
    return of.epoch, of.parts, of.keys, of.seed, of.sha256, of.as_of
