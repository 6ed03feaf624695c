"""What is registered written row by row, so that the readers of this room give it back."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Protocol
from xml.sax.saxutils import escape

import msgspec

from federation.registryfiles.columns import TABLES, shown
from federation.registryfiles.formats import UnknownFormatError
from federation.registryfiles.onix_codes import (
    FORMS,
    ID_TYPE_CODES,
    LANGUAGE_CODES,
    OTHER_FORM,
    ROLE_CODES,
)
from federation.registryfiles.rows import FileFormat, FileKind, instant_text
from federation.works.work import Work

_ISO_639_2: Final = 3


class Writer(Protocol):
    """Writes the parts of a file: its head, its rows in order, its tail.

    `names_originals` says whether a row names what it is a copy of, and has to come behind it.
    """

    media_type: ClassVar[str]
    names_originals: ClassVar[bool]

    def head(self) -> bytes:
        """Return what stands before the first row."""
        ...

    def row(self, thing: str, starts_at: datetime, body: Any) -> bytes:
        """Return one row: an id, from when on it is so, and what is said."""
        ...

    def tail(self) -> bytes:
        """Return what stands behind the last row."""
        ...


class CsvWriter:
    """Writes CSV with all columns: commas, UTF-8, CR LF."""

    media_type: ClassVar[str] = "text/csv"
    names_originals: ClassVar[bool] = True

    def __init__(self, kind: FileKind) -> None:
        self._table = TABLES[kind]
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)

    def head(self) -> bytes:
        """Return the names of the columns."""
        return self._line(self._table.header)

    def row(self, thing: str, starts_at: datetime, body: Any) -> bytes:
        """Return one line."""
        return self._line([shown(thing), instant_text(starts_at), *self._table.cells(body)])

    def tail(self) -> bytes:
        """Return nothing: the last line is a row."""
        return b""

    def _line(self, cells: list[str]) -> bytes:
        self._text.seek(0)
        self._text.truncate()
        self._writer.writerow(cells)
        return self._text.getvalue().encode()


class NdjsonWriter:
    """Writes one object a line, without fields of which nothing is known."""

    media_type: ClassVar[str] = "application/x-ndjson"
    names_originals: ClassVar[bool] = True

    def __init__(self, kind: FileKind) -> None:
        self._table = TABLES[kind]
        self._encode = msgspec.json.Encoder().encode

    def head(self) -> bytes:
        """Return nothing: the first line is a row."""
        return b""

    def row(self, thing: str, starts_at: datetime, body: Any) -> bytes:
        """Return one line: the id and the instant, then the fields of the body."""
        names = {self._table.id: thing, self._table.starts_at: instant_text(starts_at)}
        return self._encode({**names, **msgspec.to_builtins(body), **names}) + b"\n"

    def tail(self) -> bytes:
        """Return nothing."""
        return b""


class OnixWriter:
    """Writes a message of ONIX 3 (reference names): what it has a place for, and no more."""

    media_type: ClassVar[str] = "application/xml"
    names_originals: ClassVar[bool] = False

    def __init__(self, sender: str, sent_at: datetime) -> None:
        self._sender, self._sent_at = sender, sent_at

    def head(self) -> bytes:
        """Return the header of the message."""
        sent = self._sent_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ONIXMessage release="3.0" xmlns="http://ns.editeur.org/onix/3.0/reference">\n'
            f"<Header><Sender>{_tag('SenderName', self._sender)}</Sender>"
            f"{_tag('SentDateTime', sent)}</Header>\n"
        ).encode()

    def row(self, thing: str, starts_at: datetime, body: Any) -> bytes:  # noqa: ARG002 - not in ONIX
        """Return one product."""
        parts = (
            _tag("RecordReference", thing),
            _tag("NotificationType", "03"),
            *_identifiers(thing, body),
            f"<DescriptiveDetail>{''.join(_details(body))}</DescriptiveDetail>",
            _published(body),
        )
        return f"<Product>{''.join(parts)}</Product>\n".encode()

    def tail(self) -> bytes:
        """Return the end of the message."""
        return b"</ONIXMessage>\n"


def writer_of(kind: FileKind, form: FileFormat, sender: str, at: datetime) -> Writer:
    """Return what writes a file of a kind in a format, as of an instant (UNKNOWN_FORMAT)."""
    known: dict[FileFormat, Callable[[], Writer]] = {
        FileFormat.CSV: lambda: CsvWriter(kind),
        FileFormat.NDJSON: lambda: NdjsonWriter(kind),
    }
    if kind is FileKind.WORKS:
        known[FileFormat.ONIX] = lambda: OnixWriter(sender, at)
    if form not in known:
        raise UnknownFormatError(f"{kind} as {form}")
    return known[form]()


def _tag(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _group(name: str, **texts: str) -> str:
    return f"<{name}>{''.join(_tag(*each) for each in texts.items())}</{name}>"


def _identifiers(thing: str, work: Work) -> list[str]:
    """Write ISBN and DOI; a product has an identifier, so one without has its own id."""
    found: list[str] = []
    for text in work.identifiers:
        scheme, _, value = text.partition(":")
        if scheme in ID_TYPE_CODES:
            code = ID_TYPE_CODES[scheme]
            found.append(_group("ProductIdentifier", ProductIDType=code, IDValue=value))
    own = {"ProductIDType": "01", "IDTypeName": "work id", "IDValue": thing}
    return found or [_group("ProductIdentifier", **own)]


def _details(work: Work) -> list[str]:
    found = [_tag("ProductComposition", "00")]
    found.append(_tag("ProductForm", FORMS.get(work.content_type, OTHER_FORM)))
    for number, title in enumerate((work.title, *work.other_titles)):
        kind = "00" if number else "01"
        element = _group("TitleElement", TitleElementLevel="01", TitleText=title)
        found.append(f"<TitleDetail>{_tag('TitleType', kind)}{element}</TitleDetail>")
    for number, creator in enumerate(work.creators, start=1):
        said = {"ContributorRole": ROLE_CODES[creator.role], "PersonName": creator.name}
        found.append(_group("Contributor", SequenceNumber=str(number), **said))
    for tag in work.languages:
        code = LANGUAGE_CODES.get(tag, tag)
        if len(code) == _ISO_639_2:
            found.append(_group("Language", LanguageRole="01", LanguageCode=code))
    return found


def _published(work: Work) -> str:
    if work.published_on is None:
        return ""
    day = f"{work.published_on:%Y%m%d}"
    said = _group("PublishingDate", PublishingDateRole="01", Date=day)
    return f"<PublishingDetail>{said}</PublishingDetail>"
