"""What is true of a server's bank accounts (I17): statements add up, each entry counts once."""

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from federation.banking import limits, store
from federation.banking.tables import Match, MatchItem, OfficerLimit, OverpaymentSetOff
from federation.bankstatements.names import ALL_BOOKED, ALL_WITHDRAWN, booked_document
from federation.bankstatements.tables import BankAccount, Entry, StatementRow
from federation.ledger import balance_store
from federation.ledger.accounts import Accounts
from federation.ledger.store import STREAM_ROWS
from federation.ledger.tables import JournalEntry, JournalPosting
from federation.store.invariants import BooksInvariant, Check
from federation.store.sessions import ReadSession
from federation.trust.store import decided_alone
from federation.values.identity import is_same


async def statements_balance(session: ReadSession, here: str) -> Check:
    """I17: opening + booked entries = closing, and each statement opens where the last closed."""
    del here
    booked: defaultdict[int, int] = defaultdict(int)
    before: dict[int, int] = {}  # {account: what it had before its first statement}
    async for entry in _booked_entries(session):
        if entry.kind == "OPENING":
            before[entry.account_id] = entry.signed
        else:
            booked[entry.statement_id] += entry.signed
    rows = await session.stream_scalars(
        select(StatementRow)
        .where(StatementRow.number > 0)
        .order_by(StatementRow.account_id, StatementRow.number),
        execution_options={"yield_per": STREAM_ROWS},
    )
    examined, wrong, last = 0, list[str](), dict[int, tuple[int, int]]()
    async for row in rows:
        examined += 1
        name = f"account {row.account_id} statement {row.number}"
        number, closing = last.get(row.account_id, (0, before.get(row.account_id, 0)))
        if row.number != number + 1 or row.opening != closing:
            wrong.append(f"{name}: opens with {row.opening}, before it stood {closing}")
        if row.opening + booked[row.id] != row.closing:
            wrong.append(f"{name}: {row.opening} and {booked[row.id]} booked, not {row.closing}")
        last[row.account_id] = (row.number, row.closing)
    return examined, wrong


async def entries_booked_once(session: ReadSession, here: str) -> Check:
    """I17: each booked entry of a bank stands in the journal once, with its amount.

    A withdrawn one stands there twice: as it came, and reversed.
    """
    books = Accounts(here)
    entered: dict[str, tuple[int, str]] = {}
    rows = await session.stream(
        select(JournalEntry.document, JournalPosting)
        .join(JournalPosting, JournalPosting.entry_id == JournalEntry.id)
        .where(
            or_(JournalEntry.document.like(ALL_BOOKED), JournalEntry.document.like(ALL_WITHDRAWN))
        ),
        execution_options={"yield_per": STREAM_ROWS},
    )
    async for document, posting in rows:
        entry_name = document.rpartition("/")[0]
        sign = 1 if posting.debit == books.asset("Bank") else -1
        total, _ = entered.get(entry_name, (0, ""))
        entered[entry_name] = (total + sign * posting.amount, posting.currency)
    examined, wrong = 0, list[str]()
    async for entry in _booked_entries(session):
        examined += 1
        entry_name = booked_document(entry.account_id, entry.id).rpartition("/")[0]
        found = entered.pop(entry_name, (0, entry.currency))
        if found != (entry.signed, entry.currency):
            wrong.append(f"entry {entry.id}: {entry.signed} {entry.currency}, {found} in the books")
    left = sorted(entry_name for entry_name, (total, _) in entered.items() if total)
    return examined, [*wrong, *(f"{entry_name}: no such entry" for entry_name in left)]


async def entries_settled_once(session: ReadSession, here: str) -> Check:
    """I17: each booked entry is settled by one act, item by item to its amount, or is open."""
    del here
    acts: dict[int, Match] = {}
    async for match in await session.stream_scalars(
        select(Match).order_by(Match.entry_id, Match.number),
        execution_options={"yield_per": STREAM_ROWS},
    ):
        acts[match.entry_id] = match
    sums: defaultdict[int, int] = defaultdict(int)
    for match_id, amount in await session.execute(select(MatchItem.match_id, MatchItem.amount)):
        sums[match_id] += amount
    examined, wrong = 0, list[str]()
    async for entry in _booked_entries(session):
        examined += 1
        last = acts.get(entry.id)
        state = "OPEN" if last is None or last.act == "UNDONE" else last.act
        if entry.state != state:
            wrong.append(f"entry {entry.id}: {entry.state}, its last act makes it {state}")
        if last is not None and state != "OPEN" and sums[last.id] != entry.signed:
            wrong.append(f"entry {entry.id}: {entry.signed}, settled by {sums[last.id]}")
    return examined, wrong


async def suspense_is_what_is_open(session: ReadSession, here: str) -> Check:
    """I17: what stands in suspense for bank entries is the entries that are not settled."""
    open_by: defaultdict[str, int] = defaultdict(int)
    examined, wrong = 0, list[str]()
    async for entry in _booked_entries(session):
        examined += 1
        open_by[entry.currency] += 0 if entry.state == "SETTLED" else entry.signed
    in_books = await balance_store.balance_of(session, Accounts(here).suspense("BankEntry"))
    held = set(await session.scalars(select(BankAccount.currency)))
    for currency in sorted({*open_by, *held}):
        in_suspense = -in_books.get(currency, 0)
        if in_suspense != open_by[currency]:
            wrong.append(f"{currency}: {in_suspense} in suspense, {open_by[currency]} open")
    return examined, wrong


async def decided_within_limits(session: ReadSession, here: str) -> Check:
    """I17: what one officer settled alone was within the limit in force at that instant."""
    del here
    history = await store.officer_limits(session)
    rows = await session.execute(
        select(Match.entry_id, Match.acted_at, MatchItem.kind, MatchItem.currency, MatchItem.amount)
        .join(MatchItem, MatchItem.match_id == Match.id)
        .where(
            Match.act == "SETTLED", Match.match_of.is_(None), MatchItem.kind.in_(limits.AT_FIRST)
        )
    )
    sums: defaultdict[tuple[int, datetime, str, str], int] = defaultdict(int)
    for entry, acted_at, kind, currency, amount in rows:
        sums[entry, acted_at, kind, currency] += abs(amount)
    wrong = [
        f"entry {entry}: {kind} of {amount} by one person, up to {limit} was allowed"
        for (entry, acted_at, kind, currency), amount in sums.items()
        if amount > (limit := limits.in_force_of(history, currency, acted_at)[kind])
    ]
    return len(sums), wrong


_PAIRS = (
    (OfficerLimit.proposed_by, OfficerLimit.confirmed_by),
    (
        OverpaymentSetOff.proposed_by,
        OverpaymentSetOff.decided_by,
        OverpaymentSetOff.state.in_(["APPROVED", "UNDONE"]),
    ),
    (OverpaymentSetOff.undo_proposed_by, OverpaymentSetOff.undone_by),
)


async def settled_by_two(session: ReadSession, here: str) -> Check:
    """I21: limits, set-offs and proposals on entries were decided by two people."""
    del here
    examined, named = await decided_alone(session, *_PAIRS)
    proposal = aliased(Match)
    rows = await session.execute(
        select(Match.entry_id, proposal.acted_by, Match.acted_by)
        .join(proposal, proposal.id == Match.match_of)
        .where(Match.act == "SETTLED", proposal.act == "PROPOSED")
    )
    acts = rows.all()
    wrong = [
        f"entry {entry}: {one!r} and {other!r} are one person"
        for entry, one, other in acts
        if is_same(one, other)
    ]
    return len(acts) + examined, [*wrong, *named]


async def _booked_entries(session: ReadSession) -> AsyncIterator[Entry]:
    rows = await session.stream_scalars(
        select(Entry).where(Entry.status == "BOOK").order_by(Entry.id),
        execution_options={"yield_per": STREAM_ROWS},
    )
    async for entry in rows:
        yield entry


INVARIANTS: tuple[BooksInvariant, ...] = (
    BooksInvariant(
        "I17",
        "statements_balance",
        "opening + entries = closing, one statement after the other",
        statements_balance,
    ),
    BooksInvariant(
        "I17",
        "entries_booked_once",
        "each booked entry of a bank is in the books once",
        entries_booked_once,
    ),
    BooksInvariant(
        "I17",
        "entries_settled_once",
        "each booked entry is settled by one act to its amount, or open",
        entries_settled_once,
    ),
    BooksInvariant(
        "I17",
        "suspense_is_what_is_open",
        "suspense for bank entries is what nobody settled",
        suspense_is_what_is_open,
    ),
    BooksInvariant(
        "I17",
        "decided_within_limits",
        "what one officer settled alone was within the limit of that time",
        decided_within_limits,
    ),
    BooksInvariant(
        "I21",
        "settled_by_two",
        "limits, set-offs and proposals on entries were decided by two people",
        settled_by_two,
    ),
)
