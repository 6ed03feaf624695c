"""Give a document its number, once, in the transaction of what it documents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from federation.documents import store
from federation.documents.tables import Document, DocumentForm, Series
from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal
from federation.values.choice import one_of
from federation.values.month import Month
from federation.values.roles import MAY_LIST_DOCUMENTS, MAY_READ_BOOKS, MAY_READ_DOCUMENTS

JSON, CSV, XML = "application/json", "text/csv", "application/xml"
TO_LICENSEES = ("INV", "CN")
FOR_THE_BANK = "PAY"
OF_THE_BOOKS = ("RUN", FOR_THE_BANK)  # shown to whom runs and payments are
SERIES = (*TO_LICENSEES, "FEE", "STM", "ADV", *OF_THE_BOOKS)


class UnknownDocumentError(RefusalError):
    """No document of this number was issued or received here."""

    code: ClassVar[str] = "UNKNOWN_DOCUMENT"


@dataclass(frozen=True, slots=True)
class Heading:
    """Who issues a document, of which series, about what, for which month, to be paid until when.

    Series are INV (invoice), CN (credit note), FEE (fee note), RUN (run), STM (statement), ADV
    (remittance advice) and PAY (payment file).
    """

    issuer: str
    series: str
    subject: str
    issued_on: date
    period: Month | None = None
    due_on: date | None = None


async def issue(
    session: WriteSession, heading: Heading, write: Callable[[str], Mapping[str, bytes]]
) -> Document:
    """Issue a document under the next number of its series, `INV-HUB-000001`.

    `write` makes its forms from the number, {media type: body}, the main one first. The same
    issuer, series and subject again return the document that is there: nothing is numbered twice.
    Numbers have no gaps because they are given in the transaction that keeps the document.
    """
    issuer, series = heading.issuer, heading.series
    known = await store.document_of(session, issuer, series, heading.subject)
    if known is not None:
        return known
    counter = await session.get(Series, (issuer, series), with_for_update=True)
    if counter is None:
        counter = Series(issuer=issuer, series=series, last=0)
        session.add(counter)
    counter.last += 1
    number = f"{series}-{issuer}-{counter.last:06d}"
    main, *others = write(number).items()
    return await keep(session, number, heading, main, dict(others))


async def keep(
    session: WriteSession,
    number: str,
    heading: Heading,
    main: tuple[str, bytes],
    others: Mapping[str, bytes],
) -> Document:
    """Keep a document: its main form (media type, body), and the same in other media types."""
    media_type, body = main
    document = Document(
        number=number,
        issuer=heading.issuer,
        series=heading.series,
        subject=heading.subject,
        period=heading.period,
        issued_on=heading.issued_on,
        due_on=heading.due_on,
        media_type=media_type,
        body=body,
        sha256=sha256_hex(body),
    )
    session.add(document)
    await session.flush()
    for kind, text in others.items():
        session.add(
            DocumentForm(number=number, media_type=kind, body=text, sha256=sha256_hex(text))
        )
    await session.flush()
    return document


async def get_document(session: ReadSession, number: str, *, with_body: bool = True) -> Document:
    """Return a document, or refuse; its body may be left where it is."""
    row = await store.find_document(session, number, with_body=with_body)
    if row is None:
        raise UnknownDocumentError(number[:40])
    return row


def series_for(who: Principal, asked: str | None) -> Sequence[str]:
    """Return the series whose documents somebody is listed: the one `asked` for, or all it may.

    Refused are who may list none, or not that one (NOT_ALLOWED), and what is no series
    (UNKNOWN_CHOICE).
    """
    who.whose(MAY_LIST_DOCUMENTS)
    reads_books = not who.roles.isdisjoint(MAY_READ_BOOKS.roles)
    if asked is None:
        return [name for name in SERIES if reads_books or name not in OF_THE_BOOKS]
    if one_of(asked, SERIES, "series") in OF_THE_BOOKS:
        who.whose(MAY_READ_BOOKS)
    return [asked]


async def document_for(
    session: ReadSession, number: str, who: Principal, *, with_body: bool = True
) -> Document:
    """Return a document to staff, or to a lab if it is an invoice or credit note of its own.

    A run or a file for the bank is for whom runs and payments are shown to.
    """
    licensee = who.whose(MAY_READ_DOCUMENTS)
    row = await get_document(session, number, with_body=with_body)
    if licensee is None and row.series in OF_THE_BOOKS:
        who.whose(MAY_READ_BOOKS)
    if licensee is not None:
        licence = await licensing.find_licence(session, row.subject)
        is_own = licence is not None and licence.licensee == licensee
        if row.series not in TO_LICENSEES or not is_own:
            raise UnknownDocumentError(number[:40])
    return row


async def content(session: ReadSession, number: str, media_type: str | None = None) -> store.Bytes:
    """Return the bytes of a document as they were issued, in one of its forms, part by part."""
    found = await store.find_bytes(session, number, media_type)
    if found is None:
        raise UnknownDocumentError(f"{number[:40]} as {media_type}" if media_type else number[:40])
    return found
