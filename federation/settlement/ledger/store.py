"""The SQL of the ledger's reports: summed exactly or streamed; nothing here commits."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, null, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from federation.settlement.ledger.tables import LedgerHead
from federation.settlement.tables import JournalEntry, JournalPosting
from federation.store.exact import digits_of, is_no_count, limbs, put_together

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
class Moved:
    """What an account was debited and credited with, minor units; on one day where days count."""

    account: str
    currency: str
    debits: int
    credits: int
    day: date | None = None


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
    """Yield entries in the order they were written, one with its postings in memory at a time."""
    taken_back = select(JournalEntry.id, JournalEntry.document).subquery()
    query = (
        select(JournalEntry, taken_back.c.document)
        .outerjoin(taken_back, taken_back.c.id == JournalEntry.reverses)
        .order_by(JournalEntry.id)
        .limit(WALK_ENTRIES)
    )
    if up_to is not None:
        query = query.where(JournalEntry.id <= up_to)
    while rows := (await session.execute(query.where(JournalEntry.id > after))).all():
        last = rows[-1][0].id
        postings = _postings(session, after, last)
        ahead = await anext(postings, None)
        for row, reverses in rows:
            of_entry: list[RawPosting] = []
            while ahead is not None and ahead[0] == row.id:
                of_entry.append(ahead[1])
                ahead = await anext(postings, None)
            yield RawEntry(
                id=row.id,
                posted_on=row.posted_on,
                document=row.document,
                narration=row.narration,
                reverses=reverses,
                recorded_at=row.recorded_at,
                previous=row.previous,
                hash=row.hash,
                postings=of_entry,
            )
        after = last


async def _postings(
    session: AsyncSession, after: int, up_to: int
) -> AsyncIterator[tuple[int, RawPosting]]:
    rows = await session.stream(
        select(
            JournalPosting.entry_id,
            JournalPosting.debit,
            JournalPosting.credit,
            digits_of(JournalPosting.amount),
            JournalPosting.currency,
            JournalPosting.meta,
        )
        .where(JournalPosting.entry_id > after, JournalPosting.entry_id <= up_to)
        .order_by(JournalPosting.entry_id, JournalPosting.id),
        execution_options={"yield_per": STREAM_ROWS},
    )
    async for chunk in rows.partitions():
        for entry_id, debit, credit, amount, currency, meta in chunk:
            yield entry_id, RawPosting(debit, credit, amount, currency, meta)


async def moved(
    session: AsyncSession, *, up_to: int, until: date | None = None, by_day: bool = False
) -> list[Moved]:
    """Return what entries up to one moved, by account and currency, in the order of days.

    `until` leaves out what counts on a later day.
    """
    wanted = [JournalEntry.id <= up_to]
    if until is not None:
        wanted.append(JournalEntry.posted_on <= until)
    came = await _sums(session, JournalPosting.debit, wanted, by_day=by_day)
    went = await _sums(session, JournalPosting.credit, wanted, by_day=by_day)
    keys = sorted({*came, *went}, key=lambda key: (key[2] or date.min, *key[:2]))
    return [
        Moved(account, currency, came.get(key, 0), went.get(key, 0), day)
        for key in keys
        for account, currency, day in [key]
    ]


_Key = tuple[str, str, date | None]


async def _sums(
    session: AsyncSession,
    side: InstrumentedAttribute[str],
    wanted: Sequence[ColumnElement[bool]],
    *,
    by_day: bool,
) -> dict[_Key, int]:
    """Return {(account, currency, day): sum}, exactly, of one side of the postings."""
    amount = JournalPosting.amount
    base = select(func.max(func.length(digits_of(amount)))).join(JournalEntry, _ENTRY)
    longest = await session.scalar(base.where(*wanted))
    if longest is None:
        return {}
    bad = select(JournalPosting.id).where(is_no_count(amount)).limit(1)
    if (number := await session.scalar(bad)) is not None:
        raise ValueError(f"the amount of posting {number} is no number")
    day = JournalEntry.posted_on if by_day else null()
    keys = (side, JournalPosting.currency, *([day] if by_day else []))
    query = select(side, JournalPosting.currency, day, *limbs(amount, longest))
    rows = await session.execute(query.join(JournalEntry, _ENTRY).where(*wanted).group_by(*keys))
    return {(account, of, on): put_together(sums) for account, of, on, *sums in rows}


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
    balance = 0
    for sign, side in ((1, JournalPosting.debit), (-1, JournalPosting.credit)):
        wanted = [
            side == account,
            JournalPosting.currency == currency,
            JournalPosting.id <= posting,
        ]
        sums = await _sums(session, side, wanted, by_day=False)
        balance += sign * sum(sums.values())
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
