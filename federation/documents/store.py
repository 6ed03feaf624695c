"""Every SQL statement about documents that were issued. Nothing here commits."""

from collections.abc import AsyncIterator, Collection
from typing import NamedTuple

from sqlalchemy import LargeBinary, Select, func, select
from sqlalchemy.orm import defer

from federation.documents.tables import Document, DocumentForm
from federation.store.sessions import ReadSession
from federation.values.month import Month

PART_BYTES = 1024 * 1024  # of a document that are in memory while it is sent


class Bytes(NamedTuple):
    """What is sent of a document in one form: how many bytes, their SHA-256, and a part at a time.

    The parts are read for as long as their session is open.
    """

    media_type: str
    size: int
    sha256: str
    parts: AsyncIterator[bytes]


async def find_document(
    session: ReadSession, number: str, *, with_body: bool = True
) -> Document | None:
    """Return the document of a number; its body may be left where it is."""
    query = select(Document).where(Document.number == number)
    return await session.scalar(_less_body(query, with_body=with_body))


async def document_of(
    session: ReadSession, issuer: str, series: str, subject: str, *, with_body: bool = True
) -> Document | None:
    """Return the document an issuer gave to a subject in a series."""
    query = select(Document).where(
        Document.issuer == issuer, Document.series == series, Document.subject == subject
    )
    return await session.scalar(_less_body(query, with_body=with_body))


def _less_body(query: Select[Document], *, with_body: bool) -> Select[Document]:
    return query if with_body else query.options(defer(Document.body, raiseload=True))


async def find_bytes(session: ReadSession, number: str, media_type: str | None) -> Bytes | None:
    """Return a document in one of its forms, as issued if none is named, to be read in parts."""
    for table in (Document, DocumentForm):
        query = select(table.media_type, func.length(table.body), table.sha256)
        query = query.where(table.number == number)
        if media_type is not None:
            query = query.where(table.media_type == media_type)
        found = (await session.execute(query)).first()
        if found is not None:
            form, size, sha256 = found
            return Bytes(form, size, sha256, _parts(session, table, number, form, size))
        if media_type is None:
            return None
    return None


async def _parts(
    session: ReadSession,
    table: type[Document | DocumentForm],
    number: str,
    media_type: str,
    size: int,
) -> AsyncIterator[bytes]:
    for start in range(1, size + 1, PART_BYTES):
        part = func.substr(table.body, start, PART_BYTES, type_=LargeBinary())
        query = select(part).where(table.number == number, table.media_type == media_type)
        yield bytes((await session.execute(query)).scalar_one())


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
    series: Collection[str] | None = None,
    period: Month | None = None,
    after: str = "",
    limit: int,
) -> list[Document]:
    """Return documents by number, a page at a time."""
    query = select(Document).where(Document.number > after).order_by(Document.number)
    if series is not None:
        query = query.where(Document.series.in_(series))
    if period is not None:
        query = query.where(Document.period == period)
    return list(await session.scalars(query.limit(limit)))


async def to_licensees(
    session: ReadSession, licences: Collection[str]
) -> dict[tuple[str, str], Document]:
    """Return {(INV or CN, licence): document} of a page of licences."""
    query = select(Document).where(
        Document.series.in_(("INV", "CN")), Document.subject.in_(licences)
    )
    return {(row.series, row.subject): row for row in await session.scalars(query)}


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
