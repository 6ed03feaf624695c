"""Take a bank's file: checked in order, then entered whole, or refused whole.

Well-formed and of a known kind, an account of this server in its currency, opening + entries =
closing, continuity with the statement before. What is known already adds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import ClassVar

import msgspec

from federation.bankfiles.entries import BankEntry, BankFile, Detail, Statement
from federation.banking import store
from federation.banking.checks import (
    CurrencyNotHeldError,
    check_balances,
    check_currency,
    identities,
    reference_of,
)
from federation.banking.continuity import Named, in_order, what_is_new
from federation.banking.names import booked_document
from federation.banking.tables import (
    IMPORTED,
    BankAccount,
    DetailRow,
    Entry,
    File,
    FileAct,
    Notice,
    StatementRow,
)
from federation.banking.waiting import At
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts, transfer
from federation.ledger.accounts import Entry as JournalEntry
from federation.ledger.store import post
from federation.store.canonical import digest, sha256_hex
from federation.store.sessions import ReadSession, WriteSession


class UnknownAccountError(RefusalError):
    """This server has no such bank account."""

    code: ClassVar[str] = "UNKNOWN_BANK_ACCOUNT"


@dataclass(slots=True)
class Imported:
    """What a file brought: new statements, and by entry what is new and what was known."""

    kind: str
    version: int
    sha256: str
    is_known: bool = False
    statements: list[StatementRow] = field(default_factory=list[StatementRow])
    entries: list[Entry] = field(default_factory=list[Entry])
    known: int = 0
    enriched: int = 0
    matched: int = 0
    reported: int = 0
    warnings: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Intake:
    """A file on its way in; it is kept with the first thing it brings."""

    at: At
    kept: File | FileAct
    done: Imported
    is_kept: bool = False

    async def keep(self) -> None:
        if not self.is_kept:
            self.at.session.add(self.kept)
            await self.at.session.flush()
            self.is_kept = True


async def _to_keep(at: At, data: bytes, file: BankFile) -> File | FileAct:
    """Return what records that a file came: itself, or that it came again after a withdrawal."""
    name, who = sha256_hex(data), at.who.subject
    if await store.find_file(at.session, name) is not None:
        return FileAct(file=name, act=IMPORTED, reason="", acted_by=who, acted_at=at.now)
    return File(
        sha256=name,
        kind=file.kind,
        version=file.version,
        content=data,
        imported_by=who,
        imported_at=at.now,
    )


async def import_statements(at: At, data: bytes, file: BankFile) -> Imported:
    """Enter the statements or notifications of a file; the same file again adds nothing."""
    session, name = at.session, sha256_hex(data)
    is_known = await store.is_imported(session, name)
    done = Imported(file.kind, file.version, name, is_known=is_known)
    if is_known:
        return done
    by_account: dict[int, list[Named]] = {}
    for statement in file.statements:
        named = await _named(session, statement)
        check_currency(statement, named.account.currency)
        check_balances(statement, named.account.currency)
        done.warnings += _warnings(statement, at.now.date())
        by_account.setdefault(named.account.id, []).append(named)
    intake = _Intake(at, await _to_keep(at, data, file), done)
    for account_id in sorted(by_account):
        last = await store.last_statement(session, account_id)
        for named in in_order(by_account[account_id], last.closing if last else None):
            if file.kind == "camt.054":
                await _take_notices(intake, named)
            else:
                await _take_statement(intake, named)
    if file.report is not None:
        await intake.keep()
    return done


def _warnings(statement: Statement, today: date) -> list[str]:
    """Say what is lawful in a statement and still looks wrong."""
    days = [statement.to_on, *(entry.booked_on for entry in statement.entries if entry.is_booked)]
    last = max((day for day in days if day is not None), default=today)
    if last <= today:
        return []
    return [f"{statement.place}: {statement.id!r} is dated {last}, and today is {today}"]


async def _named(session: ReadSession, statement: Statement) -> Named:
    """Find the account of a statement and name its entries; lines of 0.00 move nothing."""
    account = await _account_of(session, statement)
    moving = replace(statement, entries=tuple(each for each in statement.entries if each.amount))
    return Named(account, moving, identities(moving.entries))


async def _account_of(session: ReadSession, statement: Statement) -> BankAccount:
    """Return the account a statement is of: of this server, and held in its currency."""
    rows = await store.accounts(session, statement.account)
    if not rows:
        raise UnknownAccountError(f"{statement.place}: {statement.account[:40]}")
    currency = statement.currency
    if currency is None and statement.entries:
        currency = statement.entries[0].currency
    for row in rows:
        if row.currency == currency or (currency is None and len(rows) == 1):
            return row
    held = ", ".join(row.currency for row in rows)
    raise CurrencyNotHeldError(f"{statement.place}: {currency}, {statement.account} holds {held}")


async def _take_statement(intake: _Intake, named: Named) -> None:
    session, done = intake.at.session, intake.done
    account, statement = named.account, named.statement
    last = await store.last_statement(session, account.id)
    fresh = await what_is_new(session, named, last, done.sha256)
    done.known += len(statement.entries) - len(fresh)
    if last is not None and not fresh:
        return
    if statement.opening is None or statement.closing is None:
        raise AssertionError("the reader refuses a statement without balances")
    await intake.keep()
    row = StatementRow(
        account_id=account.id,
        number=last.number + 1 if last else 1,
        file=done.sha256,
        bank_id=statement.id,
        sequence=statement.sequence,
        from_on=statement.from_on,
        to_on=statement.to_on,
        opening=last.closing if last else statement.opening,
        closing=statement.closing,
    )
    session.add(row)
    await session.flush()
    rows = [_entry_row(account, row, name, entry) for name, entry in fresh]
    session.add_all(rows)
    booked = [entry for entry in rows if entry.state == "OPEN"]
    if last is None and row.opening:
        booked.insert(0, _opening_row(account, row, statement))
        session.add(booked[0])
    await session.flush()
    for (_, entry), entry_row in zip(fresh, rows, strict=True):
        session.add_all(_detail_rows(entry_row.id, entry.details, None))
    await session.flush()
    await _attach_notices(session, account, rows, done)
    moved = [_booked(intake.at, account, entry) for entry in booked]
    await post(session, moved)
    done.statements.append(row)
    done.entries += booked


def _entry_row(account: BankAccount, statement: StatementRow, name: str, entry: BankEntry) -> Entry:
    return Entry(
        account_id=account.id,
        statement_id=statement.id,
        identity=name,
        kind="ENTRY",
        status=entry.status[:4],
        state="OPEN" if entry.is_booked else "NONE",
        reference=reference_of(entry),
        amount=entry.amount,
        currency=entry.currency,
        direction=entry.direction,
        booked_on=entry.booked_on or entry.value_on,
        value_on=entry.value_on,
        transaction_code=entry.transaction_code,
        text=entry.text,
        batch=msgspec.json.encode(entry.batch).decode(),
        charges=entry.charges,
        instructed=entry.instructed.amount if entry.instructed else None,
        instructed_currency=entry.instructed.currency if entry.instructed else None,
    )


def _opening_row(account: BankAccount, row: StatementRow, statement: Statement) -> Entry:
    """Return the balance an account had before its first statement, to be explained like a move."""
    return Entry(
        account_id=account.id,
        statement_id=row.id,
        identity=digest(["opening"]),
        kind="OPENING",
        status="BOOK",
        state="OPEN",
        reference=None,
        amount=abs(row.opening),
        currency=account.currency,
        direction="CREDIT" if row.opening > 0 else "DEBIT",
        booked_on=statement.from_on,
        value_on=statement.from_on,
        transaction_code="",
        text="Balance before the first statement",
        batch="[]",
        charges=0,
        instructed=None,
        instructed_currency=None,
    )


def _detail_rows(
    entry_id: int, details: Sequence[Detail], notified_by: str | None
) -> list[DetailRow]:
    return [
        DetailRow(
            entry_id=entry_id,
            number=number,
            amount=detail.amount,
            currency=detail.currency,
            direction=detail.direction,
            end_to_end_id=detail.end_to_end_id,
            refs=msgspec.json.encode([*detail.references, *detail.further_references]).decode(),
            counterparty_name=detail.counterparty_name,
            other_names=msgspec.json.encode(detail.other_names).decode(),
            counterparty_account=detail.counterparty_account,
            remittance=detail.text,
            charges=detail.charges,
            instructed=detail.instructed.amount if detail.instructed else None,
            instructed_currency=detail.instructed.currency if detail.instructed else None,
            return_reason=detail.return_reason,
            notified_by=notified_by,
        )
        for number, detail in enumerate(details, start=1)
    ]


def _booked(at: At, account: BankAccount, entry: Entry) -> JournalEntry:
    """Enter a booked entry at once; until somebody says what it was for it stands in suspense."""
    books = Accounts(at.here)
    meta = {
        "bank_account": account.account,
        "bank_entry": str(entry.id),
        "booked_on": entry.booked_on.isoformat() if entry.booked_on else "",
    }
    moved = transfer(
        books.asset("Bank"),
        books.suspense("BankEntry"),
        entry.signed,
        entry.currency,
        {name: value for name, value in meta.items() if value},
    )
    document = booked_document(account.id, entry.id)
    on = entry.booked_on or at.now.date()
    return JournalEntry(on, document, f"Bank entry {entry.id}", tuple(moved))


async def _take_notices(intake: _Intake, named: Named) -> None:
    """Keep what a camt.054 says of booked entries: details for them, never an entry of its own."""
    session, done, account = intake.at.session, intake.done, named.account
    for identity, entry in zip(named.identities, named.statement.entries, strict=True):
        name = identity.text
        if not entry.is_booked or not entry.details:
            continue
        if await store.find_notice(session, account.id, name) is not None:
            done.known += 1
            continue
        await intake.keep()
        notice = Notice(
            account_id=account.id,
            identity=name,
            file=done.sha256,
            reference=reference_of(entry),
            amount=entry.amount,
            direction=entry.direction,
            booked_on=entry.booked_on or entry.value_on,
            details=msgspec.json.encode(entry.details).decode(),
            entry_id=None,
        )
        session.add(notice)
        found = await store.entries_of_amount(session, account.id, entry.amount, entry.direction)
        await _attach(session, [row for row in found if _is_of(notice, row)], notice)
        done.enriched += 1
    await session.flush()


async def _attach_notices(
    session: WriteSession, account: BankAccount, rows: Sequence[Entry], done: Imported
) -> None:
    """Give new entries the details that came before them."""
    by_amount: dict[int, list[Entry]] = {}
    for row in rows:
        by_amount.setdefault(row.amount, []).append(row)
    for notice in await store.waiting_notices(session, account.id):
        alike = by_amount.get(notice.amount, [])
        await _attach(session, [row for row in alike if _is_of(notice, row)], notice)
        done.enriched += notice.entry_id is not None


def _is_of(notice: Notice, entry: Entry) -> bool:
    """Say whether a notification may tell of an entry: the bank's reference, or day and amount."""
    if entry.kind != "ENTRY" or entry.status != "BOOK":
        return False
    if (notice.amount, notice.direction) != (entry.amount, entry.direction):
        return False
    if notice.reference and entry.reference:
        return notice.reference == entry.reference
    return notice.booked_on == entry.booked_on


async def _attach(session: WriteSession, candidates: Sequence[Entry], notice: Notice) -> None:
    """Give an entry the details of a notification, where only one entry can be meant.

    Details a statement brought itself stay as they are.
    """
    if len(candidates) != 1:
        return
    entry = candidates[0]
    notice.entry_id = entry.id
    if not await store.details_of(session, [entry.id]):
        details = msgspec.json.decode(notice.details, type=tuple[Detail, ...])
        session.add_all(_detail_rows(entry.id, details, notice.file))
        await session.flush()
