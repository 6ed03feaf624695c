"""Take a bank's file: checked in order, then entered whole, or refused whole.

Well-formed and of a known kind, an account of this server in its currency, opening + entries =
closing, continuity with the statement before. What is known already adds nothing.
"""

from dataclasses import replace
from datetime import date
from typing import ClassVar

from federation.bankfiles.entries import BankFile, Statement
from federation.bankstatements import store
from federation.bankstatements.acting import At
from federation.bankstatements.checks import (
    CurrencyNotHeldError,
    check_balances,
    check_currency,
    identities,
)
from federation.bankstatements.continuity import Named, in_order, what_is_new
from federation.bankstatements.intake import Imported, Intake, to_keep
from federation.bankstatements.names import booked_document
from federation.bankstatements.notices import attach_notices, take_notices
from federation.bankstatements.rows import detail_rows, entry_row, opening_row
from federation.bankstatements.tables import BankAccount, Entry, StatementRow
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts, transfer
from federation.ledger.accounts import Entry as JournalEntry
from federation.ledger.store import post
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession
from federation.store.told import tell


class UnknownAccountError(RefusalError):
    """This server has no such bank account."""

    code: ClassVar[str] = "UNKNOWN_BANK_ACCOUNT"


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
    intake = Intake(at, await to_keep(at, name, data, file), done)
    for account_id in sorted(by_account):
        last = await store.last_statement(session, account_id)
        for named in in_order(by_account[account_id], last.closing if last else None):
            if file.kind == "camt.054":
                await take_notices(intake, named)
            else:
                await _take_statement(intake, named)
    if file.report is not None:
        await intake.keep()
    tell(at.session, "bank_file.imported", kind=file.kind, sha256=name)
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


async def _take_statement(intake: Intake, named: Named) -> None:
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
    rows = [entry_row(account, row, name, entry) for name, entry in fresh]
    session.add_all(rows)
    booked = [entry for entry in rows if entry.state == "OPEN"]
    if last is None and row.opening:
        booked.insert(0, opening_row(account, row, statement))
        session.add(booked[0])
    await session.flush()
    for (_, entry), kept in zip(fresh, rows, strict=True):
        session.add_all(detail_rows(kept.id, entry.details, None))
    await session.flush()
    await attach_notices(session, account, rows, done)
    moved = [_booked(intake.at, account, entry) for entry in booked]
    await post(session, moved)
    done.statements.append(row)
    done.entries += booked


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
