"""What a reader of a registry file gives: rows, each with its place, and why a file breaks off."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar

from federation.errors import RefusalError
from federation.values.fields import Fault

ROW_BYTES_MAX: Final = 1024 * 1024
"""A row, a line or a record has at most so many bytes."""
BAD_ROW: Final = "BAD_ROW"
"""The code of a row that is none; whatever else is wrong has the code of its rule."""

Draft_co = TypeVar("Draft_co", covariant=True)


class FileKind(StrEnum):
    """What a registry file is about."""

    WORKS = "works"
    RIGHTHOLDERS = "rightholders"
    CONSENTS = "consents"


class FileFormat(StrEnum):
    """How a registry file is written."""

    CSV = "csv"
    NDJSON = "ndjson"
    ONIX = "onix"
    SITEMAP = "sitemap"


class BadRegistryFileError(RefusalError):
    """The file cannot be read from here on; what was read before stays."""

    code: ClassVar[str] = "BAD_REGISTRY_FILE"

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(f"{place}: {reason}")


class Row(NamedTuple, Generic[Draft_co]):
    """One row: where it stands, the id, from when on it is so, and what is described.

    `draft` is None where the row cannot be read; `fault` says why then. `starts_at` is None where
    the row does not say. `altered` is what the reader took otherwise than it was written.
    """

    place: str
    thing: str = ""
    starts_at: datetime | None = None
    draft: Draft_co | None = None
    fault: str = ""
    altered: tuple[Fault, ...] = ()


class Reader(Protocol[Draft_co]):
    """Takes a file in parts, in its order, and gives its rows. It holds one row at a time."""

    @property
    def read_as(self) -> str:
        """How the file is read: what the reader found out about it."""
        ...

    def feed(self, data: bytes) -> Iterator[Row[Draft_co]]:
        """Yield the rows that end in the next part of the file (BAD_REGISTRY_FILE)."""
        ...

    def end(self) -> Iterator[Row[Draft_co]]:
        """Yield the row that the end of the file ends, if there is one (BAD_REGISTRY_FILE)."""
        ...


def instant_text(at: datetime) -> str:
    """Write an instant as files have it: 2026-09-01T00:00:00Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
