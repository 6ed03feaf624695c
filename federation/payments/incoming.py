"""Remittances that others owe this server: waited for, and booked when the bank says so."""

from datetime import date, datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry
from federation.ledger.store import post
from federation.payments import postings, store
from federation.payments.names import is_adjustment, remittance_document, undone_document
from federation.payments.postings import Amount, BankAmountError, Leg
from federation.payments.proposal import Awaited
from federation.payments.tables import Incoming
from federation.store.happened import happened
from federation.store.sessions import ReadSession, WriteSession
from federation.values.event import Event, EventType
from federation.values.month import Month

EXPECTED, BOOKED, EXCLUDED, SET_OFF = "EXPECTED", "BOOKED", "EXCLUDED", "SET_OFF"


class UnknownRemittanceError(RefusalError):
    """No such remittance is waited for."""

    code: ClassVar[str] = "UNKNOWN_REMITTANCE"


class RemittanceStateError(RefusalError):
    """The remittance is not in a state that allows this."""

    code: ClassVar[str] = "REMITTANCE_STATE"


def expect(session: WriteSession, awaited: Awaited) -> Incoming:
    """Wait for a remittance from now on."""
    row = Incoming(
        id=awaited.incoming_id,
        run_id=awaited.run,
        period=awaited.period,
        payer=awaited.payer,
        amount=awaited.amount.minor,
        currency=awaited.amount.currency,
        is_net=awaited.is_net,
        state=EXPECTED,
        debt_account=awaited.debt.account,
        debt_amount=awaited.debt.amount.minor,
        debt_currency=awaited.debt.amount.currency,
        received=0,
        settled=0,
        due_on=awaited.due_on,
    )
    session.add(row)
    return row


async def receive(
    session: WriteSession,
    incoming_id: str,
    here: str,
    booked_on: date,
    bank: Amount,
    *,
    source: Leg | None = None,
) -> str | None:
    """Record what the bank credited for a remittance; return the document of its entry, if any.

    `source` is what it is taken from where it is not a bank entry: money owed back to the payer.
    Where that is owed on the account of the debt itself, and nothing is realised, nothing is
    entered.

    In its own currency a part may come, never more than is open; money in another currency stands
    for all that is open. The debt is settled in proportion, rounded down until the last part.
    What an excluded debtor still pays into the net is owed back to it: its account carries it.
    """
    row = await store.find_incoming(session, incoming_id)
    if row is None:
        raise UnknownRemittanceError(incoming_id)
    if row.state in {BOOKED, SET_OFF}:
        raise RemittanceStateError(f"{row.id} is {row.state}")
    still_open = row.amount - row.received
    part = bank.minor if bank.currency == row.currency else still_open
    if part <= 0 or bank.minor <= 0 or part > still_open:
        raise BankAmountError(f"{bank.minor} {bank.currency}, {still_open} is open")
    received = row.received + part
    settled = row.debt_amount * received // row.amount
    debt = Leg(row.debt_account, Amount(settled - row.settled, row.debt_currency))
    meta = {
        "period": row.period,
        "run": row.run_id[:16],
        "party": row.payer,
        "remittance": row.id,
        "received": str(part),
    }
    if source is None:
        about = {"remittance": row.id, "period": row.period}
        happened(session, Event(EventType.REMITTANCE_RECEIVED, about))
    source = source or Leg(Accounts(here).suspense("BankEntry"), bank)
    moved = postings.exchanged(Accounts(here), source, debt, meta)
    documents = await store.receipts_of_incoming(session, row.id)
    document = remittance_document(row.id, len(documents) + 1)
    if moved:
        narration = f"Remittance of {row.payer} received"
        await post(session, [Entry(booked_on, document, narration, moved)])
    row.received, row.settled = received, settled
    if received == row.amount and row.state == EXPECTED:
        row.state, row.booked_on = BOOKED, booked_on
    await session.flush()
    return document if moved else None


async def undo_receipt(
    session: WriteSession, incoming_id: str, document: str, reason: str, *, at: datetime
) -> Incoming:
    """Take back what `receive` recorded under a document, by reversal."""
    row = await store.find_incoming(session, incoming_id)
    if row is None:
        raise UnknownRemittanceError(incoming_id)
    if document not in await store.receipts_of_incoming(session, row.id):
        raise UnknownRemittanceError(document)
    if undone_document(document) in await store.undone_receipts(session, row.id):
        raise RemittanceStateError(f"{document} is undone")
    entry = await _reverse(session, document, reason, at)
    part = int(entry.postings[0].meta["received"])
    settled = sum(each.amount for each in entry.postings if each.credit == row.debt_account)
    return _less(row, part, settled)


async def undo_set_off(
    session: WriteSession,
    incoming_id: str,
    document: str | None,
    source: Leg,
    minor: int,
    reason: str,
    *,
    at: datetime,
) -> Incoming:
    """Take back what `receive` recorded out of a source, by reversal of the document it returned.

    Where the source is the account of the debt itself nothing may have been entered but what was
    realised: the debt has been settled by what left the source, more or less that.
    """
    row = await store.find_incoming(session, incoming_id)
    if row is None:
        raise UnknownRemittanceError(incoming_id)
    if row.state not in {EXPECTED, BOOKED} or row.received < minor:
        raise RemittanceStateError(f"{row.id} is {row.state}, {row.received} came of it")
    moved = (await _reverse(session, document, reason, at)).postings if document else ()
    settled = sum(each.amount for each in moved if each.credit == row.debt_account)
    if source.account == row.debt_account:
        settled += source.amount.minor
        settled -= sum(each.amount for each in moved if each.debit == row.debt_account)
    return _less(row, minor, settled)


async def _reverse(session: WriteSession, document: str, reason: str, at: datetime) -> Entry:
    """Reverse an entry by another, and return the entry."""
    entry = await ledger.entry_of(session, document)
    taken_back = postings.reversal(
        entry,
        document=undone_document(document),
        narration=f"{entry.narration}, taken back: {reason}",
        on=at.date(),
    )
    await post(session, [taken_back])
    return entry


def _less(row: Incoming, part: int, settled: int) -> Incoming:
    """Lower what came for a remittance: what of it is open is waited for again."""
    row.received -= part
    row.settled -= settled
    if row.state == BOOKED:
        row.state, row.booked_on = EXPECTED, None
    return row


async def asked_for(session: ReadSession) -> dict[str, list[str]]:
    """Return {run of a correction: the licensors that still owe what it asks them for}."""
    found: dict[str, list[str]] = {}
    for row in await store.waited_for(session):
        if is_adjustment(row.id) and row.state == EXPECTED:
            found.setdefault(row.run_id, []).append(row.payer)
    return found


async def unpaid(session: ReadSession, period: Month) -> list[str]:
    """Return who owes a remittance of a month's net and is neither booked nor excluded."""
    rows = await store.incoming(session, period)
    return [row.payer for row in rows if row.is_net and row.state == EXPECTED]
