"""What bank entries were for, in GraphQL: suggested, settled, and how an account reconciles."""

from datetime import date, datetime

import strawberry

from federation.banking import reporting
from federation.banking.items import Item
from federation.banking.matching import Suggestion as Found
from federation.banking.tables import Match
from federation.schema.bank_types import BankAccount, BankEntry
from federation.schema.money_choices import BankItemKind, BankMatchAct
from federation.schema.scalars import BigInt, Money


@strawberry.type(description="What an entry was for, or a named difference; in is positive.")
class BankItem:
    """A part of an entry; `ref` names the invoice or payment, `note` says why for a difference."""

    kind: BankItemKind
    ref: str
    amount: BigInt
    note: str

    @classmethod
    def of(cls, item: Item) -> "BankItem":
        """Show a part of an entry, in signed minor units of its account's currency."""
        return cls(
            kind=BankItemKind(item.kind), ref=item.ref, amount=BigInt(item.amount), note=item.note
        )


@strawberry.type(description="What an entry may be for; `difference` is what no item explains.")
class Suggestion:
    """A suggestion: several `entries` pay one thing together."""

    entries: list[strawberry.ID]
    items: list[BankItem]
    difference: BigInt
    score: int
    reasons: list[str]
    is_exact: bool

    @classmethod
    def of(cls, found: Found) -> "Suggestion":
        """Show what an entry may be for, with the reasons for it."""
        return cls(
            entries=[strawberry.ID(str(entry)) for entry in found.entries],
            items=[BankItem.of(item) for item in found.items],
            difference=BigInt(found.difference),
            score=found.score,
            reasons=list(found.reasons),
            is_exact=found.is_exact,
        )


@strawberry.type(description="An act on an entry: PROPOSED, SETTLED or UNDONE; never changed.")
class BankMatch:
    """One act on an entry, by whom and why, with the items it was explained by."""

    id: strawberry.ID
    entry_id: strawberry.ID
    number: int
    act: BankMatchAct
    reason: str
    acted_by: str
    acted_at: datetime
    items: list[BankItem]

    @classmethod
    def of(cls, row: Match, items: list[Item]) -> "BankMatch":
        """Show an act with its items."""
        return cls(
            id=strawberry.ID(str(row.id)),
            entry_id=strawberry.ID(str(row.entry_id)),
            number=row.number,
            act=BankMatchAct(row.act),
            reason=row.reason,
            acted_by=row.acted_by,
            acted_at=row.acted_at,
            items=[BankItem.of(item) for item in items],
        )


@strawberry.type(description="An entry that nobody settled, and what it may be for, best first.")
class QueuedEntry:
    """A row of the queue; `proposal` waits for another person."""

    entry: BankEntry
    suggestions: list[Suggestion]
    proposal: BankMatch | None
    waits_days: int

    @classmethod
    def of(cls, row: reporting.Queued, today: date) -> "QueuedEntry":
        """Show an entry that waits, with its suggestions or what was proposed."""
        return cls(
            entry=BankEntry.of(row.entry, row.details),
            suggestions=[Suggestion.of(found) for found in row.suggestions],
            proposal=BankMatch.of(*row.proposal) if row.proposal else None,
            waits_days=max((today - (row.entry.booked_on or today)).days, 0),
        )


@strawberry.type(description="Signed minor units of settled entries by what they were for.")
class KindTotal:
    """What settled entries of an account were for: a kind of item, and its sum."""

    kind: BankItemKind
    amount: Money


@strawberry.type(description="An account as a whole: opening + credits - debits = closing.")
class ReconciliationReport:
    """How an account reconciles; `difference` is by how much the books are ahead of the banks."""

    account: BankAccount
    statements: int
    opening: Money
    credits: Money
    debits: Money
    closing: Money
    settled: Money
    in_suspense: Money
    entries_in_suspense: int
    in_books: Money
    at_banks: Money
    difference: Money
    adds_up: bool
    by_kind: list[KindTotal]

    @classmethod
    def of(cls, found: reporting.Reconciliation) -> "ReconciliationReport":
        """Show how an account stands: statements, entries and books side by side."""
        currency = found.account.currency
        return cls(
            account=BankAccount.of(found.account),
            statements=found.statements,
            opening=Money.of(found.opening, currency),
            credits=Money.of(found.credits, currency),
            debits=Money.of(found.debits, currency),
            closing=Money.of(found.closing, currency),
            settled=Money.of(found.settled, currency),
            in_suspense=Money.of(found.open, currency),
            entries_in_suspense=found.open_entries,
            in_books=Money.of(found.in_books, currency),
            at_banks=Money.of(found.at_banks, currency),
            difference=Money.of(found.difference, currency),
            adds_up=found.adds_up,
            by_kind=[
                KindTotal(kind=BankItemKind(kind), amount=Money.of(amount, currency))
                for kind, amount in found.by_kind.items()
            ],
        )


@strawberry.input(description="What an entry was for, or a named difference; in is positive.")
class BankItemInput:
    """A part of an entry in signed minor units."""

    kind: BankItemKind
    amount: BigInt
    ref: str = ""
    note: str = ""

    def item(self) -> Item:
        """Return the item as the bank desk knows it; it is checked when it is settled."""
        return Item(self.kind.value, self.ref, int(self.amount), self.note)


@strawberry.type(description="Acts on entries, in the order of the entries.")
class BankMatches:
    """What was done with several entries, one act for each."""

    matches: list[BankMatch]
