"""Every SQL statement about the entries of the journal: added, walked, found."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, or_, select

from federation.ledger.accounts import Entry, Posting, require_movement
from federation.ledger.chain import GENESIS, digest_of, link
from federation.ledger.tables import JournalEntry, JournalPosting, LedgerHead
from federation.store.bulk import insert_rows
from federation.store.database import business_time
from federation.store.exact import digits_of
from federation.store.sessions import ReadSession, WriteSession
from federation.values.month import Month

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
        between = (JournalPosting.entry_id > after, JournalPosting.entry_id <= last)
        async for entry in _with_postings(session, rows, *between):
            yield entry
        after = last


async def entries(session: ReadSession, ids: Collection[int]) -> AsyncIterator[RawEntry]:
    """Yield some entries, in the order they were written, one with its postings at a time."""
    taken_back = select(JournalEntry.id, JournalEntry.document).subquery()
    query = (
        select(JournalEntry, taken_back.c.document)
        .outerjoin(taken_back, taken_back.c.id == JournalEntry.reverses)
        .where(JournalEntry.id.in_(ids))
        .order_by(JournalEntry.id)
    )
    rows = (await session.execute(query)).all()
    async for entry in _with_postings(session, rows, JournalPosting.entry_id.in_(ids)):
        yield entry


async def _with_postings(
    session: ReadSession, rows: Iterable[Any], *where: ColumnElement[bool]
) -> AsyncIterator[RawEntry]:
    postings = _postings(session, *where)
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


async def _postings(
    session: ReadSession, *where: ColumnElement[bool]
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
        .where(*where)
        .order_by(JournalPosting.entry_id, JournalPosting.id),
        execution_options={"yield_per": STREAM_ROWS},
    )
    async for chunk in rows.partitions():
        for entry_id, debit, credit, amount, currency, meta in chunk:
            yield entry_id, RawPosting(debit, credit, amount, currency, meta)


async def heads(session: ReadSession, newest: int | None = None) -> list[LedgerHead]:
    """Return the heads that settled months left, all or those of the newest, oldest first."""
    query = select(LedgerHead).order_by(LedgerHead.period.desc()).limit(newest)
    return list(reversed((await session.scalars(query)).all()))


async def newest_heads(
    session: ReadSession, *, before: Month | None, limit: int
) -> list[LedgerHead]:
    """Return the heads that settled months left, the last month first, a page at a time."""
    query = select(LedgerHead).order_by(LedgerHead.period.desc()).limit(limit)
    if before is not None:
        query = query.where(LedgerHead.period < before)
    return list(await session.scalars(query))


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
