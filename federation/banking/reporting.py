"""The queue of unsettled entries, what they may be for, and how an account reconciles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from federation.bankfiles.entries import Instructed
from federation.banking import store
from federation.banking.items import Item
from federation.banking.matching import (
    Candidate,
    Matcher,
    Movement,
    Suggestion,
    bearers_among,
    match_all,
)
from federation.banking.tables import Match
from federation.banking.waiting import Waited, waited_for
from federation.bankstatements import store as bankstatements
from federation.bankstatements.tables import BankAccount, DetailRow, Entry
from federation.ledger import balance_store
from federation.ledger.accounts import Accounts
from federation.store.sessions import ReadSession

QUEUE_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Queued:
    """An entry that nobody settled, what it may be for, and what was proposed for it."""

    entry: Entry
    details: list[DetailRow]
    suggestions: list[Suggestion]
    proposal: tuple[Match, list[Item]] | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """An account as a whole: opening + credits - debits = closing, and what became of each.

    `by_kind` is what settled entries were for; signed minor units that add up to `settled`.
    `open` waits in suspense. `in_books` is the bank account of the journal in this currency, and
    `at_banks` the closing balances of all accounts in it: `difference` is by how much the books
    are ahead, because of receipts entered by hand that no bank entry was matched to.
    """

    account: BankAccount
    statements: int
    opening: int
    credits: int
    debits: int
    closing: int
    settled: int
    open: int
    open_entries: int
    in_books: int
    at_banks: int
    by_kind: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def adds_up(self) -> bool:
        """Say whether I17 holds for this account."""
        moved = self.opening + self.credits - self.debits
        is_settled = sum(self.by_kind.values()) == self.settled
        return moved == self.closing and self.settled + self.open == moved and is_settled

    @property
    def difference(self) -> int:
        """Return by how much the books are ahead of the banks."""
        return self.in_books - self.at_banks


async def queue(
    session: ReadSession,
    here: str,
    now: datetime,
    *,
    first: int,
    after: int = 0,
    account_id: int | None = None,
    entry_id: int | None = None,
) -> list[Queued]:
    """Return unsettled entries, oldest first, each with suggestions or what was proposed.

    `entry_id` names one that is wanted alone; those behind it are looked at for suggestions.
    """
    if entry_id is not None:
        after = max(after, entry_id - 1)
    rows = await bankstatements.open_entries(
        session, after=after, limit=QUEUE_MAX, account_id=account_id
    )
    details = await bankstatements.details_of(session, [row.id for row in rows])
    found = await _suggested(session, rows, details, await waited_for(session, here, now))
    return [
        Queued(
            row,
            details.get(row.id, []),
            found.get(row.id, []),
            await _proposal(session, row) if row.state == "PROPOSED" else None,
        )
        for row in rows[:first]
        if entry_id in (None, row.id)
    ]


async def _proposal(session: ReadSession, entry: Entry) -> tuple[Match, list[Item]]:
    match = (await store.matches_of(session, entry.id))[-1]
    return match, await store.items_of(session, match.id)


async def exact_matches(
    session: ReadSession, waited: Waited, new: Sequence[Entry]
) -> list[Suggestion]:
    """Return what new entries are beyond doubt: one thing expected, by id, amount and currency.

    Every open entry is looked at, since two with one EndToEndId leave a doubt.
    """
    rows = await bankstatements.open_entries(session, limit=bankstatements.OPEN_MAX)
    details = await bankstatements.details_of(session, [row.id for row in rows])
    found = await _suggested(session, rows, details, waited)
    fresh = {row.id for row in new}
    return [
        suggestions[0]
        for entry, suggestions in found.items()
        if entry in fresh and suggestions and suggestions[0].is_exact
    ]


async def _suggested(
    session: ReadSession,
    rows: Sequence[Entry],
    details: Mapping[int, Sequence[DetailRow]],
    waited: Waited,
) -> dict[int, list[Suggestion]]:
    """Return {entry: what it may be for} of the open ones; who else bears an id is asked of all."""
    candidates = [candidate_of(row, details.get(row.id, [])) for row in rows if row.state == "OPEN"]
    borne = {name for name, _ in bearers_among(candidates)}
    bearers = await bankstatements.open_bearers(session, borne)
    return match_all(candidates, Matcher(list(waited.values())), bearers)


def candidate_of(entry: Entry, details: Sequence[DetailRow]) -> Candidate:
    """Return an entry as it is matched: a single transaction speaks for the whole."""
    batch = tuple(msgspec.json.decode(entry.batch, type=list[str]))
    only = details[0] if len(details) == 1 else None
    references = tuple(msgspec.json.decode(only.refs, type=list[str])) if only else ()
    instructed = _instructed(only) if only else None
    if instructed is None and entry.instructed is not None and entry.instructed_currency:
        instructed = Instructed(entry.instructed, entry.instructed_currency)
    whole = Movement(
        entry=entry.id,
        amount=entry.signed,
        currency=entry.currency,
        day=entry.booked_on,
        end_to_end_id=only.end_to_end_id if only else None,
        references=(*batch, *references, *([entry.reference] if entry.reference else [])),
        account=only.counterparty_account if only else None,
        names=_names(only) if only else (),
        text=" ".join(filter(None, (only.remittance if only else "", entry.text))),
        charges=entry.charges or (only.charges if only else 0),
        instructed=instructed,
    )
    parts = tuple(_part(entry, row) for row in details) if len(details) > 1 else ()
    return Candidate(whole, parts)


def _part(entry: Entry, row: DetailRow) -> Movement:
    return Movement(
        entry=entry.id,
        amount=row.amount if row.direction == "CREDIT" else -row.amount,
        currency=row.currency,
        day=entry.booked_on,
        end_to_end_id=row.end_to_end_id,
        references=tuple(msgspec.json.decode(row.refs, type=list[str])),
        account=row.counterparty_account,
        names=_names(row),
        text=row.remittance,
        charges=row.charges,
        instructed=_instructed(row),
    )


def _names(row: DetailRow) -> tuple[str, ...]:
    others = msgspec.json.decode(row.other_names, type=list[str])
    return tuple(name for name in (row.counterparty_name, *others) if name)


def _instructed(row: DetailRow) -> Instructed | None:
    if row.instructed is None or row.instructed_currency is None:
        return None
    return Instructed(row.instructed, row.instructed_currency)


async def reconcile(session: ReadSession, account: BankAccount, here: str) -> Reconciliation:
    """Return how an account stands: what the bank said, what was settled, what the books say."""
    last = await bankstatements.last_statement(session, account.id)
    rows = await bankstatements.totals(session, account.id)
    sides = {"CREDIT": 0, "DEBIT": 0}
    opening = settled = waiting = count = 0
    for kind, state, direction, amount in rows:
        signed = amount if direction == "CREDIT" else -amount
        if kind == "OPENING":
            opening += signed
        else:
            sides[direction] += amount
        if state == "SETTLED":
            settled += signed
        else:
            waiting, count = waiting + signed, count + 1
    closings = [
        await bankstatements.last_statement(session, row.id)
        for row in await bankstatements.accounts(session)
        if row.currency == account.currency
    ]
    in_books = await balance_store.balance_of(session, Accounts(here).asset("Bank"))
    return Reconciliation(
        account=account,
        statements=last.number if last else 0,
        opening=opening,
        credits=sides["CREDIT"],
        debits=sides["DEBIT"],
        closing=last.closing if last else 0,
        settled=settled,
        open=waiting,
        open_entries=count,
        in_books=in_books.get(account.currency, 0),
        at_banks=sum(row.closing for row in closings if row is not None),
        by_kind=await store.settled_by_kind(session, account.id),
    )
