"""Open accounts, take the bank's files, and settle at once what is beyond doubt."""

from datetime import datetime
from typing import Any, ClassVar

from federation.bankfiles.entries import BankFile, PaymentStatus, Place, StatusReport
from federation.bankfiles.pain002 import ACCEPTED, REJECTED
from federation.banking import store
from federation.banking.items import OWN_TRANSFER
from federation.banking.reporting import exact_matches
from federation.banking.settling import settle
from federation.banking.waiting import waited_for
from federation.bankstatements import store as bankstatements
from federation.bankstatements.accounts import account_name, account_number
from federation.bankstatements.acting import At
from federation.bankstatements.importing import UnknownAccountError, import_statements
from federation.bankstatements.intake import Imported
from federation.bankstatements.tables import BankAccount
from federation.errors import RefusalError
from federation.money import exponent
from federation.payments import store as payments
from federation.store.sessions import WriteSession
from federation.treasury import bankword
from federation.treasury import store as treasury
from federation.trust.principals import Principal
from federation.values.reason import REASON_LENGTH_MAX

EXACT = "EndToEndId, amount and currency are exact and unique"


class AccountConflictError(RefusalError):
    """This account is open under another name or scheme."""

    code: ClassVar[str] = "ACCOUNT_CONFLICT"


class AccountInUseError(RefusalError):
    """Something came for this account: it stays."""

    code: ClassVar[str] = "ACCOUNT_IN_USE"


class UnknownOrderError(RefusalError):
    """The bank reports on an order that is not from here."""

    code: ClassVar[str] = "UNKNOWN_ORDER"


async def open_account(
    session: WriteSession,
    *,
    account: str,
    scheme: str,
    currency: str,
    name: str,
    who: Principal,
    now: datetime,
) -> BankAccount:
    """Register an account of this server in one currency; the same again changes nothing."""
    number, called = account_number(account, scheme), account_name(name)
    exponent(currency)  # refuses what is no currency with minor units
    known = await bankstatements.find_account(session, number, currency)
    if known is not None:
        if (known.scheme, known.name) != (scheme, called):
            raise AccountConflictError(f"{number}: {known.name}")
        return known
    row = BankAccount(
        account=number,
        scheme=scheme,
        currency=currency,
        name=called,
        opened_by=who.subject,
        opened_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def withdraw_account(at: At, account_id: int) -> BankAccount:
    """Take back that an account was registered: by a slip, in another currency or number.

    Only while nothing has come for it, taken back or not, and no entry of another account was
    settled as a transfer to it.
    """
    row = await at.session.get(BankAccount, account_id)
    if row is None:
        raise UnknownAccountError(str(account_id))
    if not await bankstatements.is_unused(at.session, row.id):
        raise AccountInUseError(f"{row.account} {row.currency}")
    is_only_one = len(await bankstatements.accounts(at.session, row.account)) == 1
    if is_only_one and await store.standing_items(at.session, [OWN_TRANSFER], row.account):
        raise AccountInUseError(f"{row.account} {row.currency}: an entry is a transfer to it")
    await at.session.delete(row)
    await at.session.flush()
    return row


async def import_file(at: At, data: bytes, file: BankFile) -> Imported:
    """Take a bank's file whole, or refuse it whole; what is exact is settled at once.

    `file` is what was read of the data, before the writer's turn: a large one takes its time.
    """
    done = await import_statements(at, data, file)
    if file.report is not None and not done.is_known:
        done.reported = await _report(at, file.report)
    if done.entries:
        waited = await waited_for(at.session, at.here, at.now)
        for suggestion in await exact_matches(at.session, waited, done.entries):
            [entry] = suggestion.entries
            await settle(at, entry, suggestion.items, reason=EXACT, waited=waited)
            done.matched += 1
    return done


async def _report(at: At, report: StatusReport) -> int:
    """Record the bank's word on orders (pain.002); return how many payments it was about."""
    named = {item.end_to_end_id for item in report.payments}
    found = list(report.payments)
    if report.status is not None:
        rows = await treasury.exported_in(at.session, report.original_message_id)
        if not rows and not found:
            raise UnknownOrderError(f"message {report.original_message_id[:40]}")
        found += [
            PaymentStatus(Place(), row.payment_id, report.status, report.reason)
            for row in rows
            if row.payment_id not in named
        ]
    for item in found:
        await _one_report(at, item, report.id)
    return len(found)


async def _one_report(at: At, item: PaymentStatus, reference: str) -> None:
    payment = await payments.find_payment(at.session, item.end_to_end_id)
    if payment is None:
        raise UnknownOrderError(f"{item.place}: payment {item.end_to_end_id[:40]}")
    who, note = at.who.subject, f"pain.002 {reference}"
    if item.status == REJECTED:
        reason = item.reason[:REASON_LENGTH_MAX] or "rejected by the bank"
        await bankword.reject(at.session, payment, reason, who=who, at=at.now, reference=note)
    elif item.status in ACCEPTED:
        await bankword.accept(at.session, payment, who=who, at=at.now, reference=note)


def summary(done: Imported) -> dict[str, Any]:
    """Return what a file brought as JSON: amounts are signed minor units, as text."""
    return {
        "file": done.sha256,
        "kind": f"{done.kind}.001.{done.version:02d}",
        "again": done.is_known,
        "statements": [
            {
                "id": str(row.id),
                "account": str(row.account_id),
                "number": row.number,
                "bank_id": row.bank_id,
                "opening": str(row.opening),
                "closing": str(row.closing),
            }
            for row in done.statements
        ],
        "entries": len(done.entries),
        "known": done.known,
        "enriched": done.enriched,
        "matched": done.matched,
        "payments_reported": done.reported,
        "warnings": done.warnings,
    }
