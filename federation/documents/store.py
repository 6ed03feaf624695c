"""Every SQL statement about documents that were issued. Nothing here commits."""

from sqlalchemy import select

from federation.documents.tables import Document, DocumentForm
from federation.store.sessions import ReadSession
from federation.values.month import Month

PAGE_MAX = 100


async def find_document(session: ReadSession, number: str) -> Document | None:
    """Return the document of a number."""
    return await session.get(Document, number)


async def document_of(
    session: ReadSession, issuer: str, series: str, subject: str
) -> Document | None:
    """Return the document an issuer gave to a subject in a series."""
    return await session.scalar(
        select(Document).where(
            Document.issuer == issuer, Document.series == series, Document.subject == subject
        )
    )


async def find_form(session: ReadSession, number: str, media_type: str) -> DocumentForm | None:
    """Return another form of a document."""
    return await session.get(DocumentForm, (number, media_type))


async def forms_of(session: ReadSession, numbers: list[str]) -> dict[str, list[str]]:
    """Return {number: media types of its other forms} for a page of documents."""
    rows = await session.execute(
        select(DocumentForm.number, DocumentForm.media_type)
        .where(DocumentForm.number.in_(numbers))
        .order_by(DocumentForm.media_type)
    )
    found: dict[str, list[str]] = {}
    for number, media_type in rows:
        found.setdefault(number, []).append(media_type)
    return found


async def list_documents(
    session: ReadSession,
    *,
    series: str | None = None,
    period: Month | None = None,
    after: str = "",
    limit: int = PAGE_MAX,
) -> list[Document]:
    """Return documents by number, at most 100 at a time."""
    query = select(Document).where(Document.number > after).order_by(Document.number)
    if series is not None:
        query = query.where(Document.series == series)
    if period is not None:
        query = query.where(Document.period == period)
    return list(await session.scalars(query.limit(min(max(limit, 1), PAGE_MAX))))


async def last_document(
    session: ReadSession, issuer: str, series: str, before: str
) -> Document | None:
    """Return the newest document of a series for a month before `before`."""
    return await session.scalar(
        select(Document)
        .where(Document.issuer == issuer, Document.series == series, Document.period < before)
        .order_by(Document.period.desc(), Document.number.desc())
        .limit(1)
    )
