"""What is true of a journal as a whole: I1, I2, I3 and I10, read as it is stored."""

import re
from collections import defaultdict
from datetime import datetime

import msgspec
from sqlalchemy import Text, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from federation.errors import RefusalError
from federation.money import exponent
from federation.settlement.invariants.registry import Check
from federation.settlement.ledger import store as ledger
from federation.settlement.ledger.chain import GENESIS, entry_digest, link
from federation.settlement.ledger.store import STREAM_ROWS, RawEntry
from federation.store.base import Base, BigCount

ROOTS = frozenset({"Assets", "Liabilities", "Equity", "Income", "Expenses"})
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_AMOUNT = re.compile(r"[1-9][0-9]*")


async def zero_sum(session: AsyncSession, here: str = "") -> Check:
    """I1: every entry moves whole amounts from one account to another, so it sums to zero."""
    del here
    examined, wrong = 0, list[str]()
    async for entry in ledger.walk(session):
        examined += 1
        if not entry.postings:
            wrong.append(f"{entry.document}: no posting")
        wrong += [
            f"{entry.document}: {posting.amount} from {posting.credit} to {posting.debit}"
            for posting in entry.postings
            if not _AMOUNT.fullmatch(posting.amount) or posting.debit == posting.credit
        ]
    return examined, wrong


async def sums_to_zero(session: AsyncSession, here: str) -> Check:
    """I2: assets and expenses equal liabilities, equity and income, in every currency.

    Only accounts of this server stand under the five roots, so the sum of them is all there is.
    """
    sums: defaultdict[str, int] = defaultdict(int)
    accounts, foreign = set[str](), set[str]()
    head = await ledger.position(session, None)
    async for move in ledger.moves(session, up_to=head.id if head else 0):
        for account, amount in ((move.debit, move.amount), (move.credit, -move.amount)):
            accounts.add(account)
            root, _, rest = account.partition(":")
            if root in ROOTS and rest.partition(":")[0] == here:
                sums[move.currency] += amount
            else:
                foreign.add(account)
    wrong = [f"{currency}: off by {amount}" for currency, amount in sorted(sums.items()) if amount]
    return len(accounts), [*wrong, *(f"{account}: not an account here" for account in foreign)]


async def amounts_are_integers(session: AsyncSession, here: str) -> Check:
    """I3: every stored amount is the decimal text of an integer, in a currency with an exponent."""
    del here
    examined, wrong = 0, list[str]()
    for table in Base.metadata.sorted_tables:
        counts = [column for column in table.columns if isinstance(column.type, BigCount)]
        if not counts or table.name.startswith("metering_"):
            continue
        money = [table.c.currency] if "currency" in table.c else []
        keys = list(table.primary_key)
        texts = [type_coerce(column, Text) for column in counts]
        rows = await session.stream(
            select(*keys, *texts, *money), execution_options={"yield_per": STREAM_ROWS}
        )
        async for row in rows:
            values = row[len(keys) : len(keys) + len(counts)]
            examined += len(values)
            name = f"{table.name} {'/'.join(str(part) for part in row[: len(keys)])}"
            wrong += [
                f"{name}: {column.name} {value!r}"
                for column, value in zip(counts, values, strict=True)
                if value is not None and not _INTEGER.fullmatch(str(value))
            ]
            if money and not _is_currency(row[-1]):
                wrong.append(f"{name}: currency {row[-1]!r}")
    return examined, wrong


def _is_currency(text: str) -> bool:
    try:
        exponent(text)
    except RefusalError:
        return False
    return True


async def chained(session: AsyncSession, here: str) -> Check:
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


async def heads_chained(session: AsyncSession, here: str) -> Check:
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
