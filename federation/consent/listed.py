"""A line of the list of what is withheld, as the hub writes it and who keeps a copy reads it; pure.

A part of the list is what one collective says: a head, its claims and rulings, and at the end the
version of its registry up to which the part goes. What came and went since a version has the same
lines. An entry is known by what it says: each is there once, however often it is told.
"""

from datetime import date, datetime
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from federation.consent.states import Reason

FORMAT: Final = 1
_Version = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Head(msgspec.Struct, frozen=True, tag="part", tag_field="kind", rename="camel"):
    """Which part it is, of which uses (none: of all), and up to which version it goes.

    `since` is None where it is the whole part, else the version from behind which changes are told.
    `as_of` is when the last change came that is in it, None if none is known. `after` is the mark
    behind which it goes on, None where it begins: what has one is no part without what came before.
    """

    node: str
    version: _Version
    since: _Version | None
    as_of: datetime | None
    uses: list[str]
    after: str | None = None
    format: int = FORMAT


class Claim(
    msgspec.Struct,
    frozen=True,
    tag="claim",
    tag_field="kind",
    rename="camel",
    omit_defaults=True,
):
    """Where somebody whom the collective represents has pages: there its rulings count.

    On the UTC days from `starts_on` to before `ends_on`. `original` is the address that it is a
    copy of. `id` and `holder` are opaque.
    """

    node: str
    id: str
    host: str
    path: str
    subdomains: bool
    holder: str
    starts_on: date
    ends_on: date | None = None
    original: str | None = None


class Ruling(
    msgspec.Struct,
    frozen=True,
    tag="ruling",
    tag_field="kind",
    rename="camel",
    omit_defaults=True,
):
    """What is said of a place and what lies below it, or of all that a `holder` has, and of a use.

    From `starts_at` to before `ends_at`. `reason` is by what it refuses, none where it says yes.
    `said_from` is from when on it has been said, where that is earlier; `source` is whose word it
    is, opaque.
    """

    node: str
    use: str
    state: str
    starts_at: datetime
    reason: Reason | None = None
    host: str | None = None
    path: str | None = None
    subdomains: bool = False
    holder: str | None = None
    ends_at: datetime | None = None
    said_from: datetime | None = None
    source: str | None = None


Entry: TypeAlias = Claim | Ruling


class Gone(msgspec.Struct, frozen=True, tag="gone", tag_field="kind"):
    """An entry that is no more."""

    entry: Entry


class Mark(msgspec.Struct, frozen=True, tag="mark", tag_field="kind"):
    """So many entries of the part were sent by now; who was cut off goes on `after` it."""

    entries: int
    after: str


class End(msgspec.Struct, frozen=True, tag="end", tag_field="kind"):
    """All of the part is sent: so many entries, up to a version. Without an end it is not whole."""

    entries: int
    version: _Version


Line: TypeAlias = Head | Claim | Ruling | Gone | Mark | End
_READ: Final[msgspec.json.Decoder[Line]] = msgspec.json.Decoder(Line)


def read_line(line: bytes) -> Line:
    """Read a line (msgspec.ValidationError)."""
    return _READ.decode(line)


def written(lines: list[Line]) -> bytes:
    """Write lines as NDJSON."""
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
