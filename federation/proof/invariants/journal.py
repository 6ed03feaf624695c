"""What is true of a journal as a whole: I1, I2, I3 and I10, read as it is stored."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Column, Select, Table, case, exists, func, literal, or_, select

from federation.errors import RefusalError
from federation.ledger import balance_store
from federation.ledger import store as ledger
from federation.ledger.chain import GENESIS, entry_digest, link
from federation.ledger.store import RawEntry
from federation.ledger.tables import JournalEntry, JournalPosting
from federation.money import exponent
from federation.store.base import Base, BigCount
from federation.store.exact import digits_of, is_no_count, is_no_integer
from federation.store.invariants import Check
from federation.store.sessions import ReadSession

ROOTS = frozenset({"Assets", "Liabilities", "Equity", "Income", "Expenses"})
NAMED_MAX = 1_000  # objects that a check names of one kind


async def zero_sum(session: ReadSession, here: str = "") -> Check:
    """I1: every entry moves whole amounts from one account to another, so it sums to zero."""
    del here
    wrong = [
        f"{document}: {text} from {credit} to {debit}"
        for document, text, debit, credit in await session.execute(_no_moves())
    ]
    wrong += [f"{document}: no posting" for document in await session.scalars(_without_posting())]
    examined = await session.scalar(select(func.count()).select_from(JournalEntry))
    return examined or 0, wrong


@cache  # as is the next: made once, asked of each server
def _no_moves() -> Select[*tuple[Any, ...]]:
    """Return the question for postings that move no whole amount from one account to another."""
    amount = JournalPosting.amount
    is_no_move = or_(
        is_no_count(amount),
        digits_of(amount).like("0%"),
        JournalPosting.debit == JournalPosting.credit,
    )
    return (
        select(
            JournalEntry.document, digits_of(amount), JournalPosting.debit, JournalPosting.credit
        )
        .join(JournalEntry, JournalPosting.entry_id == JournalEntry.id)
        .where(is_no_move)
        .order_by(JournalPosting.id)
        .limit(NAMED_MAX)
    )


@cache
def _without_posting() -> Select[str]:
    has_posting = select(JournalPosting.id).where(JournalPosting.entry_id == JournalEntry.id)
    return select(JournalEntry.document).where(~has_posting.exists()).limit(NAMED_MAX)


async def sums_to_zero(session: ReadSession, here: str) -> Check:
    """I2: assets and expenses equal liabilities, equity and income, in every currency.

    Only accounts of this server stand under the five roots, so the sum of them is all there is.
    """
    sums: defaultdict[str, int] = defaultdict(int)
    foreign: list[str] = []
    head = await ledger.position(session, None)
    rows = await balance_store.moved(session, up_to=head.id if head else 0)
    for row in rows:
        root, _, rest = row.account.partition(":")
        if root in ROOTS and rest.partition(":")[0] == here:
            sums[row.currency] += row.debits - row.credits
        else:
            foreign.append(row.account)
    wrong = [f"{currency}: off by {amount}" for currency, amount in sorted(sums.items()) if amount]
    return len(rows), [*wrong, *(f"{account}: not an account here" for account in foreign)]


async def amounts_are_integers(session: ReadSession, here: str) -> Check:
    """I3: every stored amount is the decimal text of an integer, in a currency with an exponent."""
    del here
    examined, wrong = 0, list[str]()
    for table in await _filled(session):
        counts = _counts(table)
        [(rows, *odd)] = await session.execute(_how_many_are_odd(table))
        examined += rows * len(counts)
        for column in [column for column, found in zip(counts, odd, strict=True) if found]:
            where = select(*table.primary_key, digits_of(column)).where(is_no_integer(column))
            for *key, text in await session.execute(where.limit(NAMED_MAX)):
                wrong.append(f"{_name(table, key)}: {column.name} {text!r}")
        wrong += await _odd_currencies(session, table)
    return examined, wrong


async def _filled(session: ReadSession) -> list[Table]:
    """Return the tables with amounts that have a row: in most servers most of them have none."""
    tables = [
        table
        for table in Base.metadata.sorted_tables
        if _counts(table) and not table.name.startswith("metering_")
    ]
    [found] = await session.execute(_which_are_filled(*tables))
    return [table for table, has_rows in zip(tables, found, strict=True) if has_rows]


@cache
def _which_are_filled(*tables: Table) -> Select[*tuple[Any, ...]]:
    return select(*(exists(select(literal(1)).select_from(table)) for table in tables))


def _counts(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if isinstance(column.type, BigCount)]


@cache  # one a table, made once: a check asks it of each server
def _how_many_are_odd(table: Table) -> Select[*tuple[Any, ...]]:
    """Return the question for a table's rows, and for how many are no integer in each column."""
    odd = [func.count(case((is_no_integer(column), 1))) for column in _counts(table)]
    return select(func.count(), *odd).select_from(table)


def _name(table: Table, key: Sequence[object]) -> str:
    return f"{table.name} {'/'.join(map(str, key))}"


async def _odd_currencies(session: ReadSession, table: Table) -> list[str]:
    if "currency" not in table.c:
        return []
    used = await session.scalars(select(table.c.currency).distinct())
    odd = [currency for currency in used if not _is_currency(currency)]
    if not odd:
        return []
    rows = await session.execute(
        select(*table.primary_key, table.c.currency)
        .where(table.c.currency.in_(odd))
        .limit(NAMED_MAX)
    )
    return [f"{_name(table, key)}: currency {currency!r}" for *key, currency in rows]


def _is_currency(text: str) -> bool:
    try:
        exponent(text)
    except RefusalError:
        return False
    return True


async def chained(session: ReadSession, here: str) -> Check:
    """I10: every entry's hash follows from its content and from the entry before it.

    Entries from before the chain began have no hash; one without a hash after it began is wrong.
    """
    del here
    examined, wrong = 0, list[str]()
    previous, recorded_at = GENESIS, None
    async for entry in ledger.walk(session):
        if entry.hash is None or entry.previous is None:
            if examined:
                wrong.append(f"{entry.document}: not chained")
            continue
        examined += 1
        wrong += _broken_link(entry, previous, recorded_at)
        previous, recorded_at = entry.hash, entry.recorded_at
    return examined, wrong


def _broken_link(entry: RawEntry, previous: str, before: datetime | None) -> list[str]:
    if entry.previous != previous:
        return [f"{entry.document}: does not follow the entry before it"]
    if entry.recorded_at is None or (before is not None and entry.recorded_at < before):
        return [f"{entry.document}: recorded before the entry before it"]
    try:
        digest = digest_of_stored(entry)
    except (ValueError, msgspec.MsgspecError) as error:
        return [f"{entry.document}: {error}"]
    is_same = link(previous, digest) == entry.hash
    return [] if is_same else [f"{entry.document}: its content is not what was posted"]


def digest_of_stored(entry: RawEntry) -> str:
    """Return the digest of an entry as it is stored now."""
    return entry_digest(
        posted_on=entry.posted_on.isoformat(),
        document=entry.document,
        narration=entry.narration,
        reverses=entry.reverses,
        postings=(
            (
                posting.debit,
                posting.credit,
                posting.amount,
                posting.currency,
                msgspec.json.decode(posting.meta, type=dict[str, str]),
            )
            for posting in entry.postings
        ),
    )


async def heads_chained(session: ReadSession, here: str) -> Check:
    """I10: each settled month's head stands in the journal, and the next starts from it."""
    del here
    heads = await ledger.heads(session)
    hashes = await ledger.hashes(session, [row.entry_id for row in heads if row.entry_id])
    wrong, opening, entry_id = list[str](), GENESIS, 0
    for row in heads:
        stands = hashes.get(row.entry_id, GENESIS) if row.entry_id else GENESIS
        if row.opening != opening:
            wrong.append(f"{row.period}: does not start from the head before it")
        if row.head != stands or (row.entry_id or 0) < entry_id:
            wrong.append(f"{row.period}: its head is not in the journal")
        opening, entry_id = row.head, row.entry_id or 0
    return len(heads), wrong
