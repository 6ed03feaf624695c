"""Rules of the filter of identifiers that a node tells its hub: read here by its written form."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from federation.conformance.trial import Trial
from federation.conformance.verdicts import BrokenError, Rules
from federation.signing.jose import InvalidTokenError, verify

RULES: Final = Rules()
SOURCE: Final = "decision 0060; federation/holdings/bloom.py"
FILTERED, ADDED, STREAM = "identifiers.filtered", "identifiers.added", "identifiers"
SECONDS, PAUSE_SECONDS = 90.0, 0.2
BITS_OF_A_KEY, PLACES, KEY_BYTES, SIZE_MIN = 20, 12, 8, 8
PART_BYTES: Final = 1024 * 1024
_Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    node: str
    epoch: _Number
    part: _Number
    parts: Annotated[int, Meta(ge=1, le=64)]
    keys: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    seed: Annotated[bytes, Meta(min_length=16, max_length=16)]
    sha256: str
    as_of: Annotated[datetime, Meta(tz=True)]
    data: Annotated[bytes, Meta(min_length=1, max_length=PART_BYTES)]
    signature: str = ""

    @property
    def statement(self) -> dict[str, Any]:
        """What is signed of the whole filter."""
        as_of = self.as_of.astimezone(UTC).isoformat()
        said = {"node": self.node, "epoch": self.epoch, "parts": self.parts, "keys": self.keys}
        return {**said, "seed": self.seed.hex(), "sha256": self.sha256, "as_of": as_of}


class _Added(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    node: str
    epoch: _Number
    number: _Number
    as_of: Annotated[datetime, Meta(tz=True)]
    keys: Annotated[bytes, Meta(max_length=160_000)]
    signature: str = ""

    @property
    def statement(self) -> dict[str, Any]:
        """What is signed of new keys."""
        as_of = self.as_of.astimezone(UTC).isoformat()
        said = {"node": self.node, "epoch": self.epoch, "number": self.number, "as_of": as_of}
        return {**said, "sha256": sha256(self.keys).hexdigest()}


Shape = TypeVar("Shape")


class Told(NamedTuple):
    """What a node has told of its identifiers: the newest filter, and the keys since."""

    seed: bytes
    data: bytes
    keys: int
    added: frozenset[int]
    as_of: datetime
    messages: tuple[_Part | _Added, ...]

    def may_hold(self, identifier: str) -> bool:
        """Tell whether an identifier may be there; False is certain."""
        key = int.from_bytes(blake2b(identifier.encode(), digest_size=8, key=self.seed).digest())
        return key in self.added or self._is_put(key)

    def _is_put(self, key: int) -> bool:
        bits = len(self.data) * 8
        step, place = key // bits % bits, key % bits
        for number in range(1, PLACES + 1):
            if not self.data[place >> 3] >> (place & 7) & 1:
                return False
            place, step = (place + step) % bits, step + number
        return True


def told(trial: Trial, node: str) -> Told | None:
    """Put together what the hub has heard; None as long as no filter is whole (BrokenError)."""
    bodies = [(one.kind, one.body) for one in trial.hub.heard if one.stream == STREAM]
    parts = [_read(body, _Part) for kind, body in bodies if kind == FILTERED]
    if not parts:
        return None
    newest = max(part.epoch for part in parts)
    whole = {part.part: part for part in parts if part.epoch == newest}
    first = next(iter(whole.values()))
    _require_alike(list(whole.values()), node)
    if len(whole) < first.parts:
        return None
    data = b"".join(whole[number].data for number in sorted(whole))
    if sha256(data).hexdigest() != first.sha256:
        raise BrokenError("the parts of the filter have not the digest that they name")
    if len(data) != max(SIZE_MIN, -(-first.keys * BITS_OF_A_KEY // 8)):
        raise BrokenError(f"a filter of {first.keys} keys has {len(data)} bytes")
    news = [_read(body, _Added) for kind, body in bodies if kind == ADDED]
    news = [one for one in news if one.epoch == newest]
    if [one.number for one in news] != list(range(1, len(news) + 1)):
        raise BrokenError("what came since the filter is not numbered without a gap")
    added = frozenset(key for one in news for key in _keys(one.keys))
    as_of = max([first.as_of, *(one.as_of for one in news)])
    return Told(first.seed, data, first.keys, added, as_of, (*whole.values(), *news))


def _require_alike(parts: list[_Part], node: str) -> None:
    first = parts[0]
    for one in parts:
        said = one.parts, one.keys, one.seed, one.sha256, one.as_of
        if said != (first.parts, first.keys, first.seed, first.sha256, first.as_of):
            raise BrokenError("two parts of a filter say other things of the whole")
        if one.node != node or one.part > one.parts:
            raise BrokenError(f"part {one.part} of {one.parts} is of {one.node}")
        if one.part < one.parts and len(one.data) != PART_BYTES:
            raise BrokenError(f"part {one.part} has {len(one.data)} bytes, not {PART_BYTES}")


def _read(body: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokenError(f"a message of identifiers has not its form: {error}") from error


def _keys(data: bytes) -> list[int]:
    if len(data) % KEY_BYTES:
        raise BrokenError("keys are not of 8 bytes each")
    return [int.from_bytes(data[at : at + KEY_BYTES]) for at in range(0, len(data), KEY_BYTES)]


async def heard(trial: Trial) -> Told:
    """Return the first filter that a node tells of works with identifiers."""
    await trial.works()
    node = (await trial.joined()).code
    async for found in _looks(trial, node):
        if found is not None:
            return found
    raise BrokenError(f"no filter came within {SECONDS:.0f} seconds of works with identifiers")


async def _looks(trial: Trial, node: str) -> AsyncIterator[Told | None]:
    """Give what the node has told by now, again and again, until the time is over."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        yield told(trial, node)
        await asyncio.sleep(PAUSE_SECONDS)
        trial.wire.budget.left()


@RULES.rule("holdings.told", SOURCE)
async def is_told(trial: Trial) -> None:
    """A node tells its hub the filter of its identifiers: whole, of one size, with its digest."""
    await trial.judge("filter", lambda: heard(trial))


@RULES.rule("holdings.signed", "decision 0067; federation/holdings/messages.py")
async def is_signed(trial: Trial) -> None:
    """The filter, and what came since, are signed with the key that the node applied with."""
    found = await trial.need("filter", lambda: heard(trial))
    for one in found.messages:
        try:
            said = verify(one.signature, typ="identifiers+jwt", keys=trial.hub.node_keys())
        except InvalidTokenError as refusal:
            raise BrokenError(f"the signature is not good: {refusal.message}") from refusal
        if said != one.statement:
            raise BrokenError(f"something else was signed: {sorted(said)}")


@RULES.rule("holdings.held", SOURCE)
async def held(trial: Trial) -> None:
    """No identifier that a work has is absent by the filter and what came since, once told of."""
    await trial.need("filter", lambda: heard(trial))
    works, node = await trial.works(), (await trial.joined()).code
    absent = works
    async for found in _looks(trial, node):
        if found is None:
            continue
        absent = [work for work in works if not found.may_hold(work.identifier)]
        if not absent or found.as_of >= trial.works_at:
            break
    if absent:
        raise BrokenError(f"{absent[0].identifier} of {absent[0].id} is absent by the filter")
