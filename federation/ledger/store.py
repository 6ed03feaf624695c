"""Every SQL statement about the journal: entries added and walked, accounts summed."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from sqlalchemy import ColumnElement, func, not_, null, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from federation.ledger import names
from federation.ledger.accounts import Entry, Posting, require_movement
from federation.ledger.chain import GENESIS, digest_of, link
from federation.ledger.tables import JournalEntry, JournalPosting, LedgerHead
from federation.store.bulk import insert_rows
from federation.store.database import business_time
from federation.store.exact import digits_of, is_no_count, limbs, put_together
from federation.store.sessions import ReadSession, WriteSession
from federation.values.month import Month

PAID_ENTRIES = ("payment/", "remittance/")


async def moved_since_last_run(
    session: ReadSession, account: str, currency: str, period: Month
) -> tuple[int, int]:
    """Return what an account's holder was paid, and what else was entered, since the last run.

    Both in minor units, above 0 where the balance went down by payment, and up by the rest. The
    entries of `period`'s own run are left out.
    """
    runs = [JournalEntry.document.startswith(names.below(kind)) for kind in names.OF_A_RUN]
    own = [
        JournalEntry.document.startswith(names.of_month(kind, period)) for kind in names.OF_A_RUN
    ]
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


async def balances_due(session: ReadSession, party: str, currency: str) -> dict[str, int]:
    """Return {other party: what the books say is due to it}, minor units; negative if it owes."""
    prefix = f"Liabilities:{party}:Due:"
    found = await _balances(
        session,
        lambda side: side.startswith(prefix, autoescape=True),
        JournalPosting.currency == currency,
    )
    return {account.removeprefix(prefix): -amount for (account, _), amount in found.items()}


async def cleared_for(session: ReadSession, document: str, currency: str) -> int:
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


async def position(session: ReadSession, as_of: datetime | None) -> JournalEntry | None:
    """Return the last entry recorded by an instant (now if None); None for an empty journal."""
    query = select(JournalEntry).order_by(JournalEntry.id.desc()).limit(1)
    if as_of is not None:
        query = query.where(
            or_(JournalEntry.recorded_at <= as_of, JournalEntry.recorded_at.is_(None))
        )
    return await session.scalar(query)


async def count_entries(session: ReadSession, up_to: int) -> int:
    """Return how many entries there are up to one."""
    query = select(func.count()).select_from(JournalEntry).where(JournalEntry.id <= up_to)
    return await session.scalar(query) or 0


async def walk(
    session: ReadSession, *, after: int = 0, up_to: int | None = None
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
    session: ReadSession, after: int, up_to: int
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
    session: ReadSession, *, up_to: int, until: date | None = None, by_day: bool = False
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
    session: ReadSession,
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
    bad = select(JournalPosting.id).join(JournalEntry, _ENTRY)
    bad = bad.where(is_no_count(amount), *wanted).limit(1)
    if (number := await session.scalar(bad)) is not None:
        raise ValueError(f"the amount of posting {number} is no number")
    day = JournalEntry.posted_on if by_day else null()
    keys = (side, JournalPosting.currency, *([day] if by_day else []))
    query = select(side, JournalPosting.currency, day, *limbs(amount, longest))
    rows = await session.execute(query.join(JournalEntry, _ENTRY).where(*wanted).group_by(*keys))
    return {(account, of, on): put_together(sums) for account, of, on, *sums in rows}


async def account_lines(
    session: ReadSession, account: str, currency: str, *, up_to: int, after: int, limit: int
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


async def balance_of(
    session: ReadSession, account: str, *, up_to: int | None = None
) -> dict[str, int]:
    """Return {currency: debits less credits} of an account, at most up to a posting (its id)."""
    more = [] if up_to is None else [JournalPosting.id <= up_to]
    found = await _balances(session, lambda side: side == account, *more)
    return {currency: amount for (_, currency), amount in found.items()}


async def _balances(
    session: ReadSession,
    accounts: Callable[[InstrumentedAttribute[str]], ColumnElement[bool]],
    *more: ColumnElement[bool],
) -> dict[tuple[str, str], int]:
    """Return {(account, currency): debits less credits} of the accounts that are asked for."""
    found: dict[tuple[str, str], int] = {}
    for sign, side in ((1, JournalPosting.debit), (-1, JournalPosting.credit)):
        sums = await _sums(session, side, [accounts(side), *more], by_day=False)
        for (account, currency, _), amount in sums.items():
            found[account, currency] = found.get((account, currency), 0) + sign * amount
    return found


def _touches(account: str) -> ColumnElement[bool]:
    return or_(JournalPosting.debit == account, JournalPosting.credit == account)


_ENTRY = JournalPosting.entry_id == JournalEntry.id


async def heads(session: ReadSession) -> list[LedgerHead]:
    """Return the heads settled months left, oldest first."""
    return list(await session.scalars(select(LedgerHead).order_by(LedgerHead.period)))


async def last_head(session: ReadSession) -> LedgerHead | None:
    """Return the head of the month settled last."""
    return await session.scalar(select(LedgerHead).order_by(LedgerHead.period.desc()).limit(1))


async def hashes(session: ReadSession, ids: Sequence[int]) -> dict[int, str]:
    """Return {entry id: hash} of some entries."""
    rows = await session.execute(
        select(JournalEntry.id, JournalEntry.hash).where(
            JournalEntry.id.in_(ids), JournalEntry.hash.is_not(None)
        )
    )
    return {number: found for number, found in rows if found is not None}


async def count_unchained(session: ReadSession) -> int:
    """Return how many entries have no hash: they are from before the chain."""
    query = select(func.count()).select_from(JournalEntry).where(JournalEntry.hash.is_(None))
    return await session.scalar(query) or 0


async def entry_of(session: ReadSession, document: str) -> Entry:
    """Return a journal entry by its document."""
    row = (
        await session.scalars(select(JournalEntry).where(JournalEntry.document == document))
    ).one()
    rows = await session.scalars(
        select(JournalPosting).where(JournalPosting.entry_id == row.id).order_by(JournalPosting.id)
    )
    postings = tuple(
        Posting(
            item.debit,
            item.credit,
            item.amount,
            item.currency,
            msgspec.json.decode(item.meta, type=dict[str, str]),
        )
        for item in rows
    )
    return Entry(row.posted_on, row.document, row.narration, postings)


async def post(session: WriteSession, entries: Iterable[Entry]) -> None:
    """Enter transactions in the journal, each chained to the one before (I10).

    A document that is there already is a defect. So is an entry that is no movement of whole
    minor units of a known currency (I1, I3): what cannot be right is not written.
    """
    last = await last_chained(session)
    previous = last.hash if last and last.hash else GENESIS
    recorded_at = business_time(session)
    if last is not None and last.recorded_at is not None:
        recorded_at = max(recorded_at, last.recorded_at)  # a machine's clock may step back
    for entry in entries:
        if not entry.postings:
            continue
        require_movement(entry)
        row = JournalEntry(
            posted_on=entry.posted_on,
            document=entry.document,
            narration=entry.narration,
            reverses=await _entry_id(session, entry.reverses),
            recorded_at=recorded_at,
            previous=previous,
            hash=link(previous, digest_of(entry)),
        )
        session.add(row)
        await session.flush()
        previous = row.hash or GENESIS
        columns = ["entry_id", "debit", "credit", "amount", "currency", "meta"]
        rows = [
            (
                row.id,
                posting.debit,
                posting.credit,
                str(posting.amount),
                posting.currency,
                msgspec.json.encode(dict(sorted(posting.meta.items()))).decode(),
            )
            for posting in entry.postings
        ]
        await insert_rows(session, JournalPosting, columns, rows)


async def last_chained(session: ReadSession) -> JournalEntry | None:
    """Return the last entry of the chain; rows from before the chain have no hash."""
    query = select(JournalEntry).where(JournalEntry.hash.is_not(None))
    return await session.scalar(query.order_by(JournalEntry.id.desc()).limit(1))


async def _entry_id(session: ReadSession, document: str | None) -> int | None:
    if document is None:
        return None
    query = select(JournalEntry.id).where(JournalEntry.document == document)
    return (await session.scalars(query)).one()


async def is_posted(session: ReadSession, document: str) -> bool:
    """Say whether a document is in the journal."""
    query = select(JournalEntry.id).where(JournalEntry.document == document)
    return await session.scalar(query) is not None


async def journal(
    session: ReadSession, *, after: int = 0, limit: int | None = None
) -> list[tuple[JournalEntry, list[JournalPosting]]]:
    """Return transactions with their postings, in the order they were entered."""
    query = select(JournalEntry).where(JournalEntry.id > after).order_by(JournalEntry.id)
    entries = list(await session.scalars(query.limit(limit) if limit else query))
    wanted = {entry.id for entry in entries}
    by_entry: dict[int, list[JournalPosting]] = {entry_id: [] for entry_id in wanted}
    rows = select(JournalPosting).where(JournalPosting.entry_id > after)
    if limit and entries:
        rows = rows.where(JournalPosting.entry_id <= entries[-1].id)
    for posting in await session.scalars(rows.order_by(JournalPosting.id)):
        if posting.entry_id in by_entry:
            by_entry[posting.entry_id].append(posting)
    return [(entry, by_entry[entry.id]) for entry in entries]
