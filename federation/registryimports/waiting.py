"""Rows that wait for another person: what they describe, as it is kept until then; pure."""

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from federation.mandates.records import DraftRecord
from federation.registryimports.verdicts import RowVerdict


class Waiting(NamedTuple):
    """A row of a batch, 0 is the first, and the consent record that it describes."""

    at: int
    draft: DraftRecord


class Judged(NamedTuple):
    """The verdicts of a batch, and which of its rows wait."""

    verdicts: list[RowVerdict]
    waiting: Sequence[Waiting] = ()


_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(list[Waiting])


def packed_waiting(waiting: Sequence[Waiting]) -> bytes | None:
    """Write what waits as it is kept; None is nothing."""
    return zlib.compress(_packer.encode(waiting), 1) if waiting else None


def unpacked_waiting(data: bytes | None) -> list[Waiting]:
    """Read what waits as it is kept."""
    return [] if data is None else _unpacker.decode(zlib.decompress(data))


def with_states(text: str, waiting: Iterable[Waiting]) -> str:
    """Count what waits of another batch into {state: rows}, kept as JSON."""
    counts: dict[str, int] = msgspec.json.decode(text)
    for one in waiting:
        counts[one.draft.state] = counts.get(one.draft.state, 0) + 1
    return msgspec.json.encode(counts, order="sorted").decode()
