"""Bank accounts and reconciliation in GraphQL; files come in by `POST /banking/files`."""

from typing import Annotated

import strawberry

from federation.banking import reporting, service, settling, store
from federation.banking.confirming import confirm, confirm_exact
from federation.banking.tables import Match
from federation.bankstatements import store as bankstatements
from federation.bankstatements import withdrawing
from federation.bankstatements.acting import At
from federation.bankstatements.importing import UnknownAccountError
from federation.schema.bank_matches import (
    BankItemInput,
    BankMatch,
    BankMatches,
    QueuedEntry,
    ReconciliationReport,
)
from federation.schema.bank_types import BankAccount, BankEntry, BankStatement, BankWithdrawal
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import number_of_row
from federation.schema.money_choices import AccountScheme
from federation.schema.pages import Connection
from federation.store.sessions import ReadSession
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_PREPARE_OR_APPROVE, MAY_READ_BOOKS

MATCHES_SHOWN = 100
_STATEMENTS, _QUEUE = "bankStatements", "bankQueue"


async def _account_if_any(session: ReadSession, written: str | None) -> int | None:
    """Return the account that an id names, None where all are meant."""
    if written is None:
        return None
    number = number_of_row(written)
    if all(row.id != number for row in await bankstatements.accounts(session)):
        raise UnknownAccountError(f"id {number}")
    return number


BankAccountResult = Annotated[BankAccount | Refused, strawberry.union("BankAccountResult")]
BankMatchResult = Annotated[BankMatch | Refused, strawberry.union("BankMatchResult")]
BankWithdrawalResult = Annotated[BankWithdrawal | Refused, strawberry.union("BankWithdrawalResult")]
BankMatchesResult = Annotated[BankMatches | Refused, strawberry.union("BankMatchesResult")]


@strawberry.type
class BankingQuery:
    """What staff and auditors see of the banks."""

    @strawberry.field(description="The accounts of this server.")
    async def bank_accounts(self, info: Info) -> list[BankAccount]:
        """List the accounts that were opened here."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            return [BankAccount.of(row) for row in await bankstatements.accounts(session)]

    @strawberry.field(description="Imported statements, newest first.")
    async def bank_statements(
        self,
        info: Info,
        account: strawberry.ID | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> Connection[BankStatement]:
        """List statements, of one account or all.

        Refused: BAD_ID, UNKNOWN_BANK_ACCOUNT, BAD_PAGE, BAD_CURSOR.
        """
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_STATEMENTS, after, tuple[int])
        async with info.context.server.db.read() as session:
            wanted = await _account_if_any(session, account)
            accounts = {row.id: row for row in await bankstatements.accounts(session)}
            rows = await bankstatements.statements(
                session, wanted, before=key[0] if key else None, limit=size + 1
            )
            files = await bankstatements.imports(session, {row.file for row in rows})
        return Connection.of(
            rows,
            size,
            lambda row: cursor_of(_STATEMENTS, (row.id,)),
            lambda row: BankStatement.of(row, accounts[row.account_id], *files[row.file]),
        )

    @strawberry.field(description="One imported statement; null if there is none.")
    async def bank_statement(self, info: Info, id: strawberry.ID) -> BankStatement | None:
        """Show a statement (BAD_ID)."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            row = await bankstatements.find_statement(session, number_of_row(id))
            if row is None:
                return None
            accounts = {each.id: each for each in await bankstatements.accounts(session)}
            files = await bankstatements.imports(session, {row.file})
        return BankStatement.of(row, accounts[row.account_id], *files[row.file])

    @strawberry.field(
        description="Entries that nobody settled, oldest first, with ranked suggestions."
    )
    async def bank_queue(
        self,
        info: Info,
        account: strawberry.ID | None = None,
        entry: strawberry.ID | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[QueuedEntry]:
        """List entries that wait, of one account or all, or the one that is named.

        Refused: BAD_ID, UNKNOWN_BANK_ACCOUNT, BAD_PAGE, BAD_CURSOR.
        """
        info.context.whose(MAY_READ_BOOKS)
        size, key = page_size(first), key_of(_QUEUE, after, tuple[int])
        server = info.context.server
        async with server.db.read() as session:
            rows = await reporting.queue(
                session,
                server.code,
                server.clock(),
                first=size + 1,
                after=key[0] if key else 0,
                account_id=await _account_if_any(session, account),
                entry_id=None if entry is None else number_of_row(entry),
            )
        today = server.clock().date()
        return Connection.of(
            rows,
            size,
            lambda row: cursor_of(_QUEUE, (row.entry.id,)),
            lambda row: QueuedEntry.of(row, today),
        )

    @strawberry.field(description="One entry; null if there is none.")
    async def bank_entry(self, info: Info, id: strawberry.ID) -> BankEntry | None:
        """Show an entry with its transactions (BAD_ID)."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            row = await bankstatements.find_entry(session, number_of_row(id))
            details = await bankstatements.details_of(session, [row.id]) if row else {}
        return BankEntry.of(row, details.get(row.id, [])) if row else None

    @strawberry.field(description="Everything that was done with an entry, in order.")
    async def bank_matches(self, info: Info, entry: strawberry.ID) -> list[BankMatch]:
        """List the first 100 acts on an entry, as settled, undone (BAD_ID, UNKNOWN_BANK_ENTRY)."""
        info.context.whose(MAY_READ_BOOKS)
        async with info.context.server.db.read() as session:
            row = await settling.get_entry(session, number_of_row(entry))
            rows = await store.matches_of(session, row.id)
            return [
                BankMatch.of(row, await store.items_of(session, row.id))
                for row in rows[:MATCHES_SHOWN]
            ]

    @strawberry.field(description="How every account reconciles.")
    async def reconciliation_report(
        self, info: Info, account: strawberry.ID | None = None
    ) -> list[ReconciliationReport]:
        """Report whether banks and books agree, of one account or all (UNKNOWN_BANK_ACCOUNT)."""
        info.context.whose(MAY_READ_BOOKS)
        server = info.context.server
        async with server.db.read() as session:
            wanted = await _account_if_any(session, account)
            return [
                ReconciliationReport.of(await reporting.reconcile(session, row, server.code))
                for row in await bankstatements.accounts(session)
                if wanted in {None, row.id}
            ]


@strawberry.type
class BankingMutation:
    """What a settlement officer does with the bank's word."""

    @strawberry.mutation(description="Register an account of this server at a bank.")
    async def open_bank_account(
        self,
        info: Info,
        account: str,
        currency: str,
        name: str,
        scheme: AccountScheme = AccountScheme.IBAN,
    ) -> BankAccountResult:
        """Open an account; the same again changes nothing."""

        async def act(at: Change) -> BankAccount:
            row = await service.open_account(
                at.session,
                account=account,
                scheme=scheme.value,
                currency=currency,
                name=name,
                who=at.who,
                now=at.now,
            )
            return BankAccount.of(row)

        return await change(info, "bank.open_account", MAY_PREPARE, act)

    @strawberry.mutation(description="Take back an account that was registered by a slip.")
    async def withdraw_bank_account(self, info: Info, id: strawberry.ID) -> BankAccountResult:
        """Take it back while nothing came for it (UNKNOWN_BANK_ACCOUNT, ACCOUNT_IN_USE)."""

        async def act(at: Change) -> BankAccount:
            return BankAccount.of(await service.withdraw_account(_at(at), number_of_row(id)))

        return await change(info, "bank.withdraw_account", MAY_PREPARE, act)

    @strawberry.mutation(
        description="Take back a whole bank file, by SHA-256, while nothing of it is settled."
    )
    async def withdraw_bank_file(self, info: Info, file: str, reason: str) -> BankWithdrawalResult:
        """Reverse what a file brought; it may be imported again."""

        async def act(at: Change) -> BankWithdrawal:
            return BankWithdrawal.of(await withdrawing.withdraw(_at(at), file, reason))

        return await change(info, "bank.withdraw", MAY_PREPARE, act)

    @strawberry.mutation(description="Settle entries by what they are for, to the last unit.")
    async def confirm_match(
        self, info: Info, entries: list[strawberry.ID], items: list[BankItemInput]
    ) -> BankMatchesResult:
        """Confirm a suggestion: one entry for its items, or several for one item."""

        async def act(at: Change) -> BankMatches:
            numbers = [number_of_row(entry) for entry in entries]
            rows = await confirm(_at(at), numbers, [item.item() for item in items])
            return BankMatches(matches=[await _match(at, row) for row in rows])

        return await change(info, "bank.confirm", MAY_PREPARE, act)

    @strawberry.mutation(
        description="Settle entries that are each beyond doubt by what they are for: all, or none."
    )
    async def confirm_exact_matches(
        self, info: Info, entries: list[strawberry.ID]
    ) -> BankMatchesResult:
        """Confirm 1 to 100 exact suggestions at once (NOT_EXACT, ENTRY_SETTLED, BAD_ID)."""

        async def act(at: Change) -> BankMatches:
            rows = await confirm_exact(_at(at), [number_of_row(entry) for entry in entries])
            return BankMatches(matches=[await _match(at, row) for row in rows])

        return await change(info, "bank.confirm", MAY_PREPARE, act)

    @strawberry.mutation(description="Settle an entry with named differences, or propose it.")
    async def settle_with_items(
        self, info: Info, entry: strawberry.ID, items: list[BankItemInput], reason: str = ""
    ) -> BankMatchResult:
        """Settle; beyond an officer's limit it is PROPOSED for another person."""

        async def act(at: Change) -> BankMatch:
            wanted = [item.item() for item in items]
            row = await settling.settle(_at(at), number_of_row(entry), wanted, reason=reason)
            return await _match(at, row)

        return await change(info, "bank.settle", MAY_PREPARE, act)

    @strawberry.mutation(description="Approve what another person proposed for an entry.")
    async def approve_settlement(
        self, info: Info, entry: strawberry.ID, proposal: int | None = None
    ) -> BankMatchResult:
        """Settle as another person what was proposed (ENTRY_NOT_SETTLED, SAME_PERSON)."""

        async def act(at: Change) -> BankMatch:
            return await _match(at, await settling.approve(_at(at), number_of_row(entry), proposal))

        return await change(info, "bank.approve", MAY_APPROVE, act)

    @strawberry.mutation(description="Take back a settlement by reversal, or a proposal.")
    async def undo_settlement(
        self, info: Info, entry: strawberry.ID, reason: str
    ) -> BankMatchResult:
        """Reverse a settlement or drop a proposal (ENTRY_NOT_SETTLED, UNDO_BLOCKED)."""

        async def act(at: Change) -> BankMatch:
            return await _match(at, await settling.undo(_at(at), number_of_row(entry), reason))

        return await change(info, "bank.undo", MAY_PREPARE_OR_APPROVE, act)


def _at(at: Change) -> At:
    return At(at.session, at.server.code, at.who, at.now)


async def _match(at: Change, row: Match) -> BankMatch:
    return BankMatch.of(row, await store.items_of(at.session, row.id))
