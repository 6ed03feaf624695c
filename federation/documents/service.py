"""Give a document its number, once, in the transaction of what it documents."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import ClassVar, Literal

from federation.documents import store
from federation.documents.tables import Document, DocumentForm, Series
from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal
from federation.values.month import Month
from federation.values.roles import MAY_READ_DOCUMENTS

SeriesName = Literal["INV", "CN", "FEE", "RUN", "STM", "ADV", "PAY"]
JSON, CSV = "application/json", "text/csv"
TO_LICENSEES = ("INV", "CN")


class UnknownDocumentError(RefusalError):
    """No document of this number was issued or received here."""

    code: ClassVar[str] = "UNKNOWN_DOCUMENT"


async def issue(
    session: WriteSession,
    *,
    issuer: str,
    series: SeriesName,
    subject: str,
    issued_on: date,
    write: Callable[[str], bytes],
    period: Month | None = None,
    media_type: str = JSON,
    also: Mapping[str, Callable[[str], bytes]] | None = None,
) -> Document:
    """Issue a document under the next number of its series, `INV-HUB-000001`.

    `write` makes the body from the number, `also` the same in other media types. The same issuer,
    series and subject again return the document that is there: nothing is numbered twice. Numbers
    have no gaps because they are given in the transaction that keeps the document.
    """
    known = await store.document_of(session, issuer, series, subject)
    if known is not None:
        return known
    counter = await session.get(Series, (issuer, series), with_for_update=True)
    if counter is None:
        counter = Series(issuer=issuer, series=series, last=0)
        session.add(counter)
    counter.last += 1
    number = f"{series}-{issuer}-{counter.last:06d}"
    forms = {kind: make(number) for kind, make in (also or {}).items()}
    document = new_document(
        number, issuer, series, subject, period, issued_on, (media_type, write(number))
    )
    await keep(session, document, forms)
    return document


def new_document(
    number: str,
    issuer: str,
    series: str,
    subject: str,
    period: Month | None,
    issued_on: date,
    main: tuple[str, bytes],
) -> Document:
    """Return a row for a document whose main form is (media type, body)."""
    media_type, body = main
    return Document(
        number=number,
        issuer=issuer,
        series=series,
        subject=subject,
        period=period,
        issued_on=issued_on,
        media_type=media_type,
        body=body,
        sha256=sha256_hex(body),
    )


async def keep(session: WriteSession, document: Document, forms: Mapping[str, bytes]) -> None:
    """Keep a document with its other forms."""
    session.add(document)
    await session.flush()
    for media_type, body in forms.items():
        session.add(
            DocumentForm(
                number=document.number, media_type=media_type, body=body, sha256=sha256_hex(body)
            )
        )
    await session.flush()


async def get_document(session: ReadSession, number: str) -> Document:
    """Return a document, or refuse."""
    row = await store.find_document(session, number)
    if row is None:
        raise UnknownDocumentError(number[:40])
    return row


async def document_for(session: ReadSession, number: str, who: Principal) -> Document:
    """Return a document to staff, or to a lab if it is an invoice or credit note of its own."""
    licensee = who.whose(MAY_READ_DOCUMENTS)
    row = await get_document(session, number)
    if licensee is not None:
        licence = await licensing.find_licence(session, row.subject)
        is_own = licence is not None and licence.licensee == licensee
        if row.series not in TO_LICENSEES or not is_own:
            raise UnknownDocumentError(number[:40])
    return row


async def content(
    session: ReadSession, number: str, media_type: str | None = None
) -> tuple[str, bytes]:
    """Return (media type, bytes) of a document as they were issued, in one of its forms."""
    row = await get_document(session, number)
    if media_type in (None, row.media_type):
        return row.media_type, row.body
    form = await store.find_form(session, number, media_type or "")
    if form is None:
        raise UnknownDocumentError(f"{number} as {media_type}")
    return form.media_type, form.body
