"""The SQL of the ledger's reports: everything is streamed, nothing here commits."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Text, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from federation.settlement.ledger.tables import LedgerHead
from federation.settlement.tables import JournalEntry, JournalPosting

STREAM_ROWS = 5_000
WALK_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class RawPosting:
    """A posting as it is stored: what was tampered with may be no number."""

    debit: str
    credit: str
    amount: str
    currency: str
    meta: str


@dataclass(frozen=True, slots=True)
class RawEntry:
    """An entry as it is stored; `reverses` is the document of the entry it takes back."""

    id: int
    posted_on: date
    document: str
    narration: str
    reverses: str | None
    recorded_at: datetime | None
    previous: str | None
    hash: str | None
    postings: Sequence[RawPosting]


@dataclass(frozen=True, slots=True)
class Move:
    """What one posting moved, minor units, with the day it counts on."""

    posted_on: date
    debit: str
    credit: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One posting seen from an account: positive where it was debited."""

    id: int
    posted_on: date
    recorded_at: datetime | None
    document: str
    narration: str
    other_account: str
    amount: int
    meta: str


async def position(session: AsyncSession, as_of: datetime | None) -> JournalEntry | None:
    """Return the last entry recorded by an instant (now if None); None for an empty journal."""
    query = select(JournalEntry).order_by(JournalEntry.id.desc()).limit(1)
    if as_of is not None:
        query = query.where(
            or_(JournalEntry.recorded_at <= as_of, JournalEntry.recorded_at.is_(None))
        )
    return await session.scalar(query)


async def count_entries(session: AsyncSession, up_to: int) -> int:
    """Return how many entries there are up to one."""
    query = select(func.count()).select_from(JournalEntry).where(JournalEntry.id <= up_to)
    return await session.scalar(query) or 0


async def walk(
    session: AsyncSession, *, after: int = 0, up_to: int | None = None
) -> AsyncIterator[RawEntry]:
    """Yield entries in the order they were written, each with its postings."""
    reversed_entry = select(JournalEntry.id, JournalEntry.document).subquery()
    query = (
        select(JournalEntry, reversed_entry.c.document)
        .outerjoin(reversed_entry, reversed_entry.c.id == JournalEntry.reverses)
        .order_by(JournalEntry.id)
        .limit(WALK_ENTRIES)
    )
    if up_to is not None:
        query = query.where(JournalEntry.id <= up_to)
    while rows := (await session.execute(query.where(JournalEntry.id > after))).all():
        first, last = after, rows[-1][0].id
        by_entry = await _postings(session, first, last)
        for row, taken_back in rows:
            yield RawEntry(
                id=row.id,
                posted_on=row.posted_on,
                document=row.document,
                narration=row.narration,
                reverses=taken_back,
                recorded_at=row.recorded_at,
                previous=row.previous,
                hash=row.hash,
                postings=by_entry.pop(row.id, []),
            )
        after = last


async def _postings(session: AsyncSession, after: int, up_to: int) -> dict[int, list[RawPosting]]:
    rows = await session.execute(
        select(
            JournalPosting.entry_id,
            JournalPosting.debit,
            JournalPosting.credit,
            type_coerce(JournalPosting.amount, Text),
            JournalPosting.currency,
            JournalPosting.meta,
        )
        .where(JournalPosting.entry_id > after, JournalPosting.entry_id <= up_to)
        .order_by(JournalPosting.id)
    )
    found: dict[int, list[RawPosting]] = {}
    for entry_id, *posting in rows:
        found.setdefault(entry_id, []).append(RawPosting(*posting))
    return found


async def moves(
    session: AsyncSession, *, up_to: int, until: date | None = None, by_day: bool = False
) -> AsyncIterator[Move]:
    """Stream what the postings of entries up to one moved; `by_day` in the order of their days.

    `until` leaves out what counts on a later day.
    """
    query = (
        select(
            JournalEntry.posted_on,
            JournalPosting.debit,
            JournalPosting.credit,
            JournalPosting.amount,
            JournalPosting.currency,
        )
        .join(JournalEntry, _ENTRY)
        .where(JournalEntry.id <= up_to)
    )
    query = query.order_by(JournalEntry.posted_on, JournalPosting.id) if by_day else query
    query = query if until is None else query.where(JournalEntry.posted_on <= until)
    rows = await session.stream(query, execution_options={"yield_per": STREAM_ROWS})
    async for chunk in rows.partitions():
        for row in chunk:
            yield Move(*row)


async def account_lines(
    session: AsyncSession, account: str, currency: str, *, up_to: int, after: int, limit: int
) -> list[AccountLine]:
    """Return postings of an account after one of them (its id), in their order."""
    query = (
        select(JournalPosting, JournalEntry)
        .join(JournalEntry, _ENTRY)
        .where(_touches(account), JournalPosting.currency == currency)
        .where(JournalPosting.id > after, JournalEntry.id <= up_to)
        .order_by(JournalPosting.id)
        .limit(limit)
    )
    return [
        AccountLine(
            id=row.id,
            posted_on=entry.posted_on,
            recorded_at=entry.recorded_at,
            document=entry.document,
            narration=entry.narration,
            other_account=row.credit if row.debit == account else row.debit,
            amount=row.amount if row.debit == account else -row.amount,
            meta=row.meta,
        )
        for row, entry in await session.execute(query)
    ]


async def balance_before(
    session: AsyncSession, account: str, currency: str, *, posting: int
) -> int:
    """Return an account's balance, debits less credits, up to and with a posting (its id)."""
    query = select(JournalPosting.debit, JournalPosting.amount).where(
        _touches(account), JournalPosting.currency == currency, JournalPosting.id <= posting
    )
    rows = await session.stream(query, execution_options={"yield_per": STREAM_ROWS})
    balance = 0
    async for debit, amount in rows:
        balance += amount if debit == account else -amount
    return balance


def _touches(account: str) -> ColumnElement[bool]:
    return or_(JournalPosting.debit == account, JournalPosting.credit == account)


_ENTRY = JournalPosting.entry_id == JournalEntry.id


async def heads(session: AsyncSession) -> list[LedgerHead]:
    """Return the heads settled months left, oldest first."""
    return list(await session.scalars(select(LedgerHead).order_by(LedgerHead.period)))


async def last_head(session: AsyncSession) -> LedgerHead | None:
    """Return the head of the month settled last."""
    return await session.scalar(select(LedgerHead).order_by(LedgerHead.period.desc()).limit(1))


async def hashes(session: AsyncSession, ids: Sequence[int]) -> dict[int, str]:
    """Return {entry id: hash} of some entries."""
    rows = await session.execute(
        select(JournalEntry.id, JournalEntry.hash).where(
            JournalEntry.id.in_(ids), JournalEntry.hash.is_not(None)
        )
    )
    return {number: found for number, found in rows if found is not None}


async def count_unchained(session: AsyncSession) -> int:
    """Return how many entries have no hash: they are from before the chain."""
    query = select(func.count()).select_from(JournalEntry).where(JournalEntry.hash.is_(None))
    return await session.scalar(query) or 0
