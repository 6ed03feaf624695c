"""Give a document its number, once."""

from collections.abc import Callable
from datetime import date
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from federation.settlement.documents.tables import Document, Series
from federation.store.canonical import sha256_hex

SeriesName = Literal["INV", "CN", "FEE", "RUN", "STM", "ADV", "PAY"]


async def issue(
    session: AsyncSession,
    *,
    issuer: str,
    series: SeriesName,
    subject: str,
    issued_on: date,
    write: Callable[[str], bytes],
    period: str | None = None,
    media_type: str = "application/json",
) -> Document:
    """Issue a document under the next number of its series, `INV-HUB-000001`.

    `write` makes the body from the number. The same issuer, series and subject again return the
    document that is there: nothing is numbered twice. Numbers have no gaps because they are given
    in the transaction that keeps the document.
    """
    known = await find(session, issuer, series, subject)
    if known is not None:
        return known
    counter = await session.get(Series, (issuer, series), with_for_update=True)
    if counter is None:
        counter = Series(issuer=issuer, series=series, last=0)
        session.add(counter)
    counter.last += 1
    number = f"{series}-{issuer}-{counter.last:06d}"
    body = write(number)
    document = Document(
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
    session.add(document)
    await session.flush()
    return document


async def find(
    session: AsyncSession, issuer: str, series: SeriesName, subject: str
) -> Document | None:
    """Return the document of a subject."""
    return await session.scalar(
        select(Document).where(
            Document.issuer == issuer, Document.series == series, Document.subject == subject
        )
    )
