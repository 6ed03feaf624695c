"""Every SQL statement about documents that were issued. Nothing here commits."""

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from federation.metering.tables import Line, Portion, RoutedLine
from federation.metering.verdicts import MATCHED
from federation.settlement.documents.tables import Document, DocumentForm
from federation.settlement.tables import JournalEntry, JournalPosting

PAGE_MAX = 100
DAY = 24 * 60 * 60 * 1_000_000  # microseconds
EPOCH = date(1970, 1, 1)
RUN_ENTRIES = ("run", "clearing", "distribution")  # how a run's documents in the journal begin
PAID_ENTRIES = ("payment/", "remittance/")


async def find_document(session: AsyncSession, number: str) -> Document | None:
    """Return the document of a number."""
    return await session.get(Document, number)


async def find_form(session: AsyncSession, number: str, media_type: str) -> DocumentForm | None:
    """Return another form of a document."""
    return await session.get(DocumentForm, (number, media_type))


async def forms_of(session: AsyncSession, numbers: list[str]) -> dict[str, list[str]]:
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
    session: AsyncSession,
    *,
    series: str | None = None,
    period: str | None = None,
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
    session: AsyncSession, issuer: str, series: str, before: str
) -> Document | None:
    """Return the newest document of a series for a month before `before`."""
    return await session.scalar(
        select(Document)
        .where(Document.issuer == issuer, Document.series == series, Document.period < before)
        .order_by(Document.period.desc(), Document.number.desc())
        .limit(1)
    )


async def moved_since_last_run(
    session: AsyncSession, account: str, currency: str, period: str
) -> tuple[int, int]:
    """Return what an account's holder was paid, and what else was entered, since the last run.

    Both in minor units, above 0 where the balance went down by payment, and up by the rest. The
    entries of `period`'s own run are left out.
    """
    runs = [JournalEntry.document.startswith(f"{kind}/") for kind in RUN_ENTRIES]
    own = [JournalEntry.document.startswith(f"{kind}/{period}") for kind in RUN_ENTRIES]
    last = select(func.max(JournalEntry.id)).where(or_(*runs), not_(or_(*own)))
    rows = await session.execute(
        select(JournalEntry.document, JournalPosting.debit, JournalPosting.amount)
        .join(JournalPosting, JournalPosting.entry_id == JournalEntry.id)
        .where(
            JournalEntry.id > (await session.scalar(last) or 0),
            not_(or_(*own)),
            JournalPosting.currency == currency,
            or_(JournalPosting.debit == account, JournalPosting.credit == account),
        )
    )
    paid = adjusted = 0
    for document, debit, amount in rows:
        up = amount if debit == account else -amount
        if document.startswith(PAID_ENTRIES):
            paid -= up
        else:
            adjusted += up
    return paid, adjusted


async def balances_due(session: AsyncSession, party: str, currency: str) -> dict[str, int]:
    """Return {other party: what the books say is due to it}, minor units; negative if it owes."""
    prefix = f"Liabilities:{party}:Due:"
    rows = await session.execute(
        select(JournalPosting.debit, JournalPosting.credit, JournalPosting.amount).where(
            JournalPosting.currency == currency,
            JournalPosting.debit.startswith(prefix) | JournalPosting.credit.startswith(prefix),
        )
    )
    found: dict[str, int] = {}
    for debit, credit, amount in rows:
        for account, signed in ((debit, -amount), (credit, amount)):
            if account.startswith(prefix):
                other = account.removeprefix(prefix)
                found[other] = found.get(other, 0) + signed
    return found


async def member_portions(
    session: AsyncSession, periods: Collection[str], member: str, use: str, licence: str
) -> list[Portion]:
    """Return what a member's usage of some months weighs for a use of a licence."""
    rows = await session.scalars(
        select(Portion)
        .where(
            Portion.period.in_(periods),
            Portion.member == member,
            Portion.use == use,
            or_(Portion.licence == licence, Portion.licence.startswith(f"{licence}/")),
        )
        .order_by(Portion.id)
    )
    return list(rows)


async def units_by_day(
    session: AsyncSession, periods: Collection[str], licence: str, use: str
) -> list[tuple[str, date, int]]:
    """Return (URL, day, units) of the lines of some months that count here for a use."""
    found: list[tuple[str, date, int]] = []
    for table in (Line, RoutedLine):
        day = table.occurred_at // DAY
        rows = await session.execute(
            select(table.url, day, func.sum(table.units))
            .where(
                table.period.in_(periods),
                table.verdict == MATCHED,
                table.licence == licence,
                table.use == use,
            )
            .group_by(table.url, day)
        )
        found += [(url, EPOCH + timedelta(days=int(n)), int(units)) for url, n, units in rows]
    return found


async def cleared_for(session: AsyncSession, document: str, currency: str) -> int:
    """Return what a journal entry left due to somebody in the clearing currency."""
    rows = await session.execute(
        select(JournalPosting.credit, JournalPosting.debit, JournalPosting.amount)
        .join(JournalEntry, JournalPosting.entry_id == JournalEntry.id)
        .where(JournalEntry.document == document, JournalPosting.currency == currency)
    )
    return sum(
        amount
        for credit, debit, amount in rows
        if ":Due:" in credit and debit.startswith("Equity:")
    )
