"""What must be true of a server's banks at any moment (I17); `federation check` examines it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from federation.banking import store
from federation.banking.tables import Entry, Match
from federation.settlement.books import Accounts
from federation.settlement.invariants.registry import BooksInvariant, Check

ACTS = {"PROPOSED": "PROPOSED", "SETTLED": "SETTLED", "UNDONE": "OPEN"}


async def statements_add_up(session: AsyncSession, here: str) -> Check:
    """I17: a statement opens where the one before closed, and its entries lead to its closing."""
    del here
    moved: defaultdict[int, int] = defaultdict(int)
    for entry in await store.booked_entries(session):
        if entry.kind == "ENTRY":
            moved[entry.statement_id] += entry.signed
    wrong: list[str] = []
    last: dict[int, tuple[int, int]] = {}
    rows = await store.all_statements(session)
    for row in rows:
        number, closing = last.get(row.account_id, (0, row.opening))
        if row.number != number + 1 or row.opening != closing:
            wrong.append(f"statement {row.bank_id} opens with {row.opening} after {closing}")
        if row.opening + moved[row.id] != row.closing:
            wrong.append(
                f"statement {row.bank_id}: {row.opening} + {moved[row.id]} is not {row.closing}"
            )
        last[row.account_id] = (row.number, row.closing)
    return len(rows), wrong


async def entries_settled_once(session: AsyncSession, here: str) -> Check:
    """I17: a booked entry was matched once, by items that add up to it, or stands in suspense."""
    del here
    acts: defaultdict[int, list[Match]] = defaultdict(list)
    for match in await store.all_matches(session):
        acts[match.entry_id].append(match)
    sums = await store.item_sums(session)
    entries = await store.booked_entries(session)
    wrong = [text for entry in entries for text in _of_entry(entry, acts[entry.id], sums)]
    return len(entries), wrong


def _of_entry(entry: Entry, acts: Sequence[Match], sums: Mapping[int, int]) -> list[str]:
    state = ACTS[acts[-1].act] if acts else "OPEN"
    wrong: list[str] = []
    if entry.state != state:
        wrong.append(f"entry {entry.id} is {entry.state}, its acts say {state}")
    if [act.number for act in acts] != list(range(1, len(acts) + 1)):
        wrong.append(f"entry {entry.id}: its acts are not numbered without a gap")
    before = "UNDONE"
    for act in acts:
        if (before == "SETTLED") is not (act.act == "UNDONE") and before != "PROPOSED":
            wrong.append(f"entry {entry.id} was {act.act} after it was {before}")
        if act.act != "UNDONE" and sums.get(act.id, 0) != entry.signed:
            items = sums.get(act.id, 0)
            wrong.append(f"entry {entry.id} of {entry.signed}, {act.act} by items of {items}")
        before = act.act
    return wrong


async def suspense_is_what_is_open(session: AsyncSession, here: str) -> Check:
    """I17: what the books hold in suspense for the bank is exactly what nobody has settled."""
    waiting: defaultdict[str, int] = defaultdict(int)
    for entry in await store.booked_entries(session):
        waiting[entry.currency] += 0 if entry.state == "SETTLED" else entry.signed
    account = Accounts(here).suspense("BankEntry")
    booked = {currency: -await store.balance(session, account, currency) for currency in waiting}
    return len(waiting), [
        f"{currency}: {booked[currency]} in suspense, {amount} not settled"
        for currency, amount in sorted(waiting.items())
        if booked[currency] != amount
    ]


BANK_INVARIANTS: tuple[BooksInvariant, ...] = (
    BooksInvariant(
        "I17",
        "statements_add_up",
        "opening + booked entries = closing, statement after statement",
        statements_add_up,
    ),
    BooksInvariant(
        "I17",
        "entries_settled_once",
        "each booked entry is matched once or in suspense",
        entries_settled_once,
    ),
    BooksInvariant(
        "I17",
        "suspense_is_what_is_open",
        "the books hold in suspense what is not settled",
        suspense_is_what_is_open,
    ),
)
