"""What banks say, in GraphQL: accounts, statements, entries; what they were for is beside it."""

from datetime import date, datetime

import msgspec
import strawberry
from strawberry.dataloader import DataLoader

from federation.banking import store
from federation.banking.tables import EntryOwner
from federation.bankstatements import store as bankstatements
from federation.bankstatements.tables import BankAccount as BankAccountRow
from federation.bankstatements.tables import DetailRow, Entry, StatementRow
from federation.bankstatements.withdrawing import Withdrawn
from federation.schema.context import Info
from federation.schema.money_choices import (
    AccountScheme,
    BankEntryKind,
    BankEntryState,
    BankEntryStatus,
    Direction,
)
from federation.schema.scalars import BigInt, Money

ENTRIES_MAX = 1_000
_OWNERS = "bankEntryOwners"


@strawberry.type(description="An account of this server at a bank, in one currency.")
class BankAccount:
    """An IBAN, or a number of another scheme, in one currency; who opened it and when."""

    id: strawberry.ID
    account: str
    scheme: AccountScheme
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
            scheme=AccountScheme(row.scheme),
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
    direction: Direction
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
            direction=Direction(row.direction),
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


@strawberry.type(description="Who sees to a bank entry, until it is handed over or let go.")
class BankEntryOwner:
    """A person, since when, and who gave it that: itself where it took the entry."""

    person: str
    since: datetime
    given_by: str

    @classmethod
    def of(cls, row: EntryOwner) -> "BankEntryOwner":
        """Show who sees to an entry."""
        return cls(person=row.owner, since=row.since, given_by=row.given_by)


def _owners(info: Info) -> DataLoader[int, EntryOwner | None]:
    async def load(entries: list[int]) -> list[EntryOwner | None]:
        async with info.context.server.db.read() as session:
            found = await store.owners_of(session, entries)
        return [found.get(entry) for entry in entries]

    # Nothing is kept: the acts of one request change who it is.
    return DataLoader(load, cache=False)


@strawberry.type(description="A movement of an account; `signed` is positive for money in.")
class BankEntry:
    """An entry: OPEN, PROPOSED or SETTLED; NONE where the bank has not booked it."""

    id: strawberry.ID
    account_id: strawberry.ID
    statement_id: strawberry.ID
    kind: BankEntryKind
    status: BankEntryStatus
    state: BankEntryState
    reference: str | None
    amount: Money
    direction: Direction
    signed: BigInt
    booked_on: date | None
    value_on: date | None
    transaction_code: str
    text: str
    charges: Money
    details: list[BankDetail]

    @strawberry.field(description="Who sees to it; null for nobody.")
    async def owner(self, info: Info) -> BankEntryOwner | None:
        """Ask for all entries of an answer at once."""
        loaders = info.context.loaders
        if _OWNERS not in loaders:
            loaders[_OWNERS] = _owners(info)
        row: EntryOwner | None = await loaders[_OWNERS].load(int(self.id))
        return None if row is None else BankEntryOwner.of(row)

    @classmethod
    def of(cls, row: Entry, details: list[DetailRow]) -> "BankEntry":
        """Show an entry with its transactions."""
        return cls(
            id=strawberry.ID(str(row.id)),
            account_id=strawberry.ID(str(row.account_id)),
            statement_id=strawberry.ID(str(row.statement_id)),
            kind=BankEntryKind(row.kind),
            status=BankEntryStatus(row.status),
            state=BankEntryState(row.state),
            reference=row.reference,
            amount=Money.of(row.amount, row.currency),
            direction=Direction(row.direction),
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
            rows = await bankstatements.entries_of(session, int(self.id), ENTRIES_MAX)
            details = await bankstatements.details_of(session, [row.id for row in rows])
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
