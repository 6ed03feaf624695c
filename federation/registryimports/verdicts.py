"""What became of each row of a file, as in the acknowledgement files of works registrations; pure.

The words follow CISAC's CWR: accepted, accepted with changes, duplicate, conflict, refused.
"""

import csv
import io
import zlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from federation.tabular import harmless

REASON_LENGTH_MAX: Final = 1_000
COLUMNS: Final = ("row", "place", "id", "verdict", "code", "reason")


class Verdict(StrEnum):
    """What became of a row.

    ACCEPTED: it is registered as it was described. ACCEPTED_WITH_CHANGES: some of it is kept
    otherwise, and the reason says what. WAITS: it is good, and another person has to confirm the
    proposal of its file. DUPLICATE: the registry says the same already. CONFLICT: it contradicts
    what is registered. REFUSED: it cannot be read, or was not confirmed. Of the last two nothing is
    kept.
    """

    ACCEPTED = "ACCEPTED"
    ACCEPTED_WITH_CHANGES = "ACCEPTED_WITH_CHANGES"
    WAITS = "WAITS"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"
    REFUSED = "REFUSED"


class RowVerdict(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The verdict on one row: its number in the file, its place, its id, the verdict, and why."""

    row: int
    place: str
    id: str
    verdict: Verdict
    code: str = ""
    reason: str = ""


_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(list[RowVerdict])


def packed(verdicts: Sequence[RowVerdict]) -> bytes:
    """Write verdicts as they are kept."""
    return zlib.compress(_packer.encode(verdicts), 1)


def unpacked(data: bytes) -> list[RowVerdict]:
    """Read verdicts as they are kept."""
    return _unpacker.decode(zlib.decompress(data))


def csv_head() -> bytes:
    """Return the first line of an acknowledgement file in CSV."""
    return f"{','.join(COLUMNS)}\r\n".encode()


def as_csv(verdicts: Iterable[RowVerdict]) -> bytes:
    """Write verdicts as lines of CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for one in verdicts:
        cells = (str(one.row), one.place, one.id, one.verdict.value, one.code, one.reason)
        writer.writerow([harmless(cell) for cell in cells])
    return text.getvalue().encode()


def as_ndjson(verdicts: Iterable[RowVerdict]) -> bytes:
    """Write verdicts as lines of JSON."""
    encode = msgspec.json.Encoder().encode
    rows = (dict(zip(COLUMNS, msgspec.structs.astuple(one), strict=True)) for one in verdicts)
    return b"".join(encode(row) + b"\n" for row in rows)
