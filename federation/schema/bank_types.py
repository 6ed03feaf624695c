"""What the banks' word looks like in GraphQL."""

from datetime import date, datetime

import msgspec
import strawberry

from federation.banking import reporting
from federation.banking.items import Item
from federation.banking.matching import Suggestion as Found
from federation.banking.tables import Match
from federation.bankstatements import store as said
from federation.bankstatements.tables import BankAccount as BankAccountRow
from federation.bankstatements.tables import DetailRow, Entry, StatementRow
from federation.bankstatements.withdrawing import Withdrawn
from federation.schema.context import Info
from federation.schema.scalars import BigInt, Money

ENTRIES_MAX = 1_000


@strawberry.type(description="An account of this server at a bank, in one currency.")
class BankAccount:
    """An IBAN, or a number of another scheme, in one currency; who opened it and when."""

    id: strawberry.ID
    account: str
    scheme: str
    currency: str
    name: str
    opened_by: str
    opened_at: datetime

    @classmethod
    def of(cls, row: BankAccountRow) -> "BankAccount":
        """Show an account as it was opened."""
        return cls(
            id=strawberry.ID(str(row.id)),
            account=row.account,
            scheme=row.scheme,
            currency=row.currency,
            name=row.name,
            opened_by=row.opened_by,
            opened_at=row.opened_at,
        )


@strawberry.type(
    description="One transaction of a bank entry; the other side acted for `otherNames`."
)
class BankDetail:
    """One transaction as the bank described it; amounts are above 0, `direction` tells the side."""

    amount: Money
    direction: str
    end_to_end_id: str | None
    references: list[str]
    counterparty_name: str | None
    counterparty_account: str | None
    other_names: list[str]
    remittance: str
    charges: Money
    instructed: Money | None
    return_reason: str | None
    notified_by: str | None

    @classmethod
    def of(cls, row: DetailRow) -> "BankDetail":
        """Show a transaction of an entry."""
        return cls(
            amount=Money.of(row.amount, row.currency),
            direction=row.direction,
            end_to_end_id=row.end_to_end_id,
            references=msgspec.json.decode(row.refs, type=list[str]),
            counterparty_name=row.counterparty_name,
            counterparty_account=row.counterparty_account,
            other_names=msgspec.json.decode(row.other_names, type=list[str]),
            remittance=row.remittance,
            charges=Money.of(row.charges, row.currency),
            instructed=(
                Money.of(row.instructed, row.instructed_currency)
                if row.instructed is not None and row.instructed_currency
                else None
            ),
            return_reason=row.return_reason,
            notified_by=row.notified_by,
        )


@strawberry.type(description="A movement of an account; `signed` is positive for money in.")
class BankEntry:
    """An entry: OPEN, PROPOSED or SETTLED; NONE where the bank has not booked it."""

    id: strawberry.ID
    account_id: strawberry.ID
    statement_id: strawberry.ID
    kind: str
    status: str
    state: str
    reference: str | None
    amount: Money
    direction: str
    signed: BigInt
    booked_on: date | None
    value_on: date | None
    transaction_code: str
    text: str
    charges: Money
    details: list[BankDetail]

    @classmethod
    def of(cls, row: Entry, details: list[DetailRow]) -> "BankEntry":
        """Show an entry with its transactions."""
        return cls(
            id=strawberry.ID(str(row.id)),
            account_id=strawberry.ID(str(row.account_id)),
            statement_id=strawberry.ID(str(row.statement_id)),
            kind=row.kind,
            status=row.status,
            state=row.state,
            reference=row.reference,
            amount=Money.of(row.amount, row.currency),
            direction=row.direction,
            signed=BigInt(row.signed),
            booked_on=row.booked_on,
            value_on=row.value_on,
            transaction_code=row.transaction_code,
            text=row.text,
            charges=Money.of(row.charges, row.currency),
            details=[BankDetail.of(detail) for detail in details],
        )


@strawberry.type(description="A statement that was imported; `file` is the SHA-256 of its bytes.")
class BankStatement:
    """A statement with its signed balances, and who imported which file of the bank."""

    id: strawberry.ID
    account: BankAccount
    number: int
    bank_id: str
    sequence: BigInt | None
    from_on: date | None
    to_on: date | None
    opening: Money
    closing: Money
    file: str
    imported_by: str
    imported_at: datetime

    @strawberry.field(description="What it added, also what is pending (PDNG) or announced (INFO).")
    async def entries(self, info: Info) -> list[BankEntry]:
        """List the entries that this statement was the first to bring, at most 1,000."""
        async with info.context.server.db.read() as session:
            rows = await said.entries_of(session, int(self.id), ENTRIES_MAX)
            details = await said.details_of(session, [row.id for row in rows])
        return [BankEntry.of(row, details.get(row.id, [])) for row in rows]

    @classmethod
    def of(
        cls, row: StatementRow, account: BankAccountRow, imported_by: str, imported_at: datetime
    ) -> "BankStatement":
        """Show a statement of an account."""
        return cls(
            id=strawberry.ID(str(row.id)),
            account=BankAccount.of(account),
            number=row.number,
            bank_id=row.bank_id,
            sequence=BigInt(row.sequence) if row.sequence is not None else None,
            from_on=row.from_on,
            to_on=row.to_on,
            opening=Money.of(row.opening, account.currency),
            closing=Money.of(row.closing, account.currency),
            file=row.file,
            imported_by=imported_by,
            imported_at=imported_at,
        )


@strawberry.type(description="A bank file that was taken back; it may be imported again.")
class BankWithdrawal:
    """A withdrawal: `file` is the SHA-256 of the bytes, the numbers say what of it was there."""

    file: str
    reason: str
    withdrawn_by: str
    withdrawn_at: datetime
    statements: int
    entries: int

    @classmethod
    def of(cls, done: Withdrawn) -> "BankWithdrawal":
        """Show what was taken back."""
        return cls(
            file=done.act.file,
            reason=done.act.reason,
            withdrawn_by=done.act.acted_by,
            withdrawn_at=done.act.acted_at,
            statements=done.statements,
            entries=done.entries,
        )


@strawberry.type(description="What an entry was for, or a named difference; in is positive.")
class BankItem:
    """A part of an entry; `ref` names the invoice or payment, `note` says why for a difference."""

    kind: str
    ref: str
    amount: BigInt
    note: str

    @classmethod
    def of(cls, item: Item) -> "BankItem":
        """Show a part of an entry, in signed minor units of its account's currency."""
        return cls(kind=item.kind, ref=item.ref, amount=BigInt(item.amount), note=item.note)


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
    act: str
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
            act=row.act,
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


@strawberry.type(description="Signed minor units of settled entries by what they were for.")
class KindTotal:
    """What settled entries of an account were for: a kind of item, and its sum."""

    kind: str
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
                KindTotal(kind=kind, amount=Money.of(amount, currency))
                for kind, amount in found.by_kind.items()
            ],
        )


@strawberry.input(description="What an entry was for, or a named difference; in is positive.")
class BankItemInput:
    """A part of an entry in signed minor units; `federation.banking.items` lists the kinds."""

    kind: str
    amount: BigInt
    ref: str = ""
    note: str = ""

    def item(self) -> Item:
        """Return the item as the bank desk knows it; it is checked when it is settled."""
        return Item(self.kind, self.ref, int(self.amount), self.note)


@strawberry.type(description="Acts on entries, in the order of the entries.")
class BankMatches:
    """What was done with several entries, one act for each."""

    matches: list[BankMatch]
