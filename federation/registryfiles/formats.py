"""Which format is read and written for what."""

from collections.abc import Callable
from typing import Any, ClassVar

from federation.errors import RefusalError
from federation.registryfiles.csv_reader import CsvReader
from federation.registryfiles.ndjson import NdjsonReader
from federation.registryfiles.onix import OnixReader
from federation.registryfiles.rows import FileFormat, FileKind, Reader
from federation.registryfiles.sitemaps import SitemapReader


class UnknownFormatError(RefusalError):
    """Works are read from csv, ndjson, onix and sitemap, all else from csv and ndjson."""

    code: ClassVar[str] = "UNKNOWN_FORMAT"


_READERS: dict[tuple[FileKind, FileFormat], Callable[[], Reader[Any]]] = {
    (FileKind.WORKS, FileFormat.CSV): lambda: CsvReader(FileKind.WORKS),
    (FileKind.WORKS, FileFormat.NDJSON): lambda: NdjsonReader(FileKind.WORKS),
    (FileKind.WORKS, FileFormat.ONIX): OnixReader,
    (FileKind.WORKS, FileFormat.SITEMAP): SitemapReader,
    (FileKind.RIGHTHOLDERS, FileFormat.CSV): lambda: CsvReader(FileKind.RIGHTHOLDERS),
    (FileKind.RIGHTHOLDERS, FileFormat.NDJSON): lambda: NdjsonReader(FileKind.RIGHTHOLDERS),
    (FileKind.CONSENTS, FileFormat.CSV): lambda: CsvReader(FileKind.CONSENTS),
    (FileKind.CONSENTS, FileFormat.NDJSON): lambda: NdjsonReader(FileKind.CONSENTS),
}


def reader_of(kind: FileKind, form: FileFormat) -> Reader[Any]:
    """Return what reads a file of a kind in a format (UNKNOWN_FORMAT)."""
    if (kind, form) not in _READERS:
        raise UnknownFormatError(f"{kind} as {form}")
    return _READERS[kind, form]()


def require_format(kind: str, form: str) -> tuple[FileKind, FileFormat]:
    """Read the names of a kind and a format (UNKNOWN_FORMAT)."""
    try:
        found = FileKind(kind), FileFormat(form)
    except ValueError as error:
        raise UnknownFormatError(f"{kind[:40]} as {form[:40]}") from error
    reader_of(*found)
    return found
