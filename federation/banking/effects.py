"""What settling an entry does elsewhere, and how it is undone: payments, receipts, remittances."""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

from federation.banking import store
from federation.banking.items import (
    CONVERSION,
    INVOICE,
    OVERPAYMENT,
    PAYMENT,
    RECORDED_RECEIPT,
    REMITTANCE_IN,
    RETURN,
    BadItemError,
    Item,
)
from federation.banking.names import id_of_item, receipt_key
from federation.banking.overpayments import is_used, is_used_without, set_refunds_aside
from federation.banking.tables import Match, MatchItem
from federation.bankstatements import store as bankstatements
from federation.bankstatements.acting import At
from federation.bankstatements.tables import Entry
from federation.errors import RefusalError
from federation.ledger.accounts import Accounts, Posting, transfer
from federation.licensing import receipts
from federation.licensing import store as licensing
from federation.licensing.tables import Receipt
from federation.months.store import locked_periods, open_runs
from federation.payments import incoming
from federation.payments import service as payments
from federation.payments.names import overpayment_id
from federation.payments.postings import Amount
from federation.treasury import bankword, deals
from federation.trust.principals import Principal
from federation.values.month import Month, month_of
from federation.values.party import HUB
from federation.values.reason import REASON_LENGTH_MAX


class NotExpectedError(RefusalError):
    """Nothing like this is expected."""

    code: ClassVar[str] = "NOT_EXPECTED"


class UndoBlockedError(RefusalError):
    """Something followed this settlement; undo that first."""

    code: ClassVar[str] = "UNDO_BLOCKED"


async def check_receipt(at: At, item: Item, entry: Entry) -> None:
    """Refuse a receipt of another licensor, currency or amount, or that has a bank entry."""
    receipt = await at.session.get(Receipt, item.ref)
    if receipt is None:
        raise NotExpectedError(f"receipt {item.ref}")
    licence = await licensing.find_licence(at.session, receipt.licence)
    if licence is None or licence.licensor != at.here:
        raise NotExpectedError(f"receipt {item.ref}: of another licensor")
    if (receipt.amount, licensing.facts(licence).currency) != (item.amount, entry.currency):
        raise BadItemError(f"receipt {item.ref} is of {receipt.amount} minor units")
    if await store.is_made_by_entry(at.session, item.ref):
        raise BadItemError(f"receipt {item.ref} was made from a bank entry")
    if await store.standing_items(at.session, [RECORDED_RECEIPT], item.ref):
        raise BadItemError(f"receipt {item.ref} is matched to another entry")


async def check_own_transfer(at: At, item: Item, entry: Entry) -> None:
    """Refuse a transfer unless its other side is another account of this server."""
    rows = await bankstatements.accounts(at.session, item.ref)
    if all(row.id == entry.account_id for row in rows):
        raise NotExpectedError(f"{item.ref} is no other account of this server")


async def book(at: At, entry: Entry, item: Item, booked_on: date) -> None:
    """Record that the bank debited a payment."""
    payment = await payments.get_payment(at.session, item.ref)
    await bankword.book(
        at.session,
        payment,
        booked_on,
        Amount(-item.amount, entry.currency),
        who=at.who.subject,
        at=at.now,
        reference=f"bank entry {entry.id}",
    )


async def record_return(at: At, entry: Entry, item: Item, booked_on: date) -> None:
    """Record that a payment came back, with the bank's reason."""
    payment = await payments.get_payment(at.session, item.ref)
    details = (await bankstatements.details_of(at.session, [entry.id])).get(entry.id, [])
    given = [row.return_reason for row in details if row.return_reason]
    await bankword.record_return(
        at.session,
        payment,
        booked_on,
        Amount(item.amount, entry.currency),
        item.note or (given[0][:REASON_LENGTH_MAX] if given else "returned by the bank"),
        who=at.who.subject,
        at=at.now,
        reference=f"bank entry {entry.id}",
    )


async def convert(at: At, entry: Entry, item: Item, booked_on: date) -> None:
    """Record that the bank booked a leg of a deal in currency (`<deal>/SOLD`, `<deal>/BOUGHT`)."""
    deal, side = deals.leg_of(item.ref)
    amount = Amount(abs(item.amount), entry.currency)
    await deals.book_leg(at.session, at.here, deal, side, booked_on, amount)


async def counts_on(at: At, day: date) -> date:
    """Return on which day money of a day counts: that day, or today where it cannot any more.

    What came, or did not come after all, for a month that a settled one shares out counts from
    today (SETTLEMENT §1); so does what a bank says of a day to come.
    """
    month = month_of(day)
    is_closed = any(settled >= month for settled in await locked_periods(at.session))
    return at.now.date() if is_closed or day > at.now.date() else day


async def advised_for(at: At, day: date) -> Month | None:
    """Return the month whose run a node is advised of that shares out money of a day, if any.

    Such a run has what the hub knew: what is taken back meanwhile would be shared all the same,
    where the hub approves before it hears of it. At the hub the run is calculated anew.
    """
    if at.here == HUB:
        return None
    month = month_of(await counts_on(at, day))
    advised = [run.period for run in await open_runs(at.session) if run.period >= month]
    return min(advised, default=None)


async def receive(
    at: At, entry: Entry, match: Match, item: Item, amount: int, booked_on: date
) -> str:
    """Record the receipt of a licence; what comes for a settled month counts from today."""
    receipt, _ = await receipts.record_receipt(
        at.session,
        number=item.ref,
        received_on=await counts_on(at, booked_on),
        amount=amount,
        who=Principal(at.author or at.who.subject, at.who.roles),
        key=receipt_key(entry.id, match.number, item.ref),
        here=at.here,
        now=at.now,
    )
    return receipt.id


def receivable(here: str, licence: str, amount: int, entry: Entry) -> list[Posting]:
    """Return the postings of what came in for a licence."""
    books = Accounts(here)
    meta = {**meta_of(entry), "licence": licence}
    accounts = (books.suspense("BankEntry"), books.asset("Receivable"))
    return list(transfer(*accounts, amount, entry.currency, meta))


async def undo_effects(at: At, entry: Entry, match: Match, item: MatchItem) -> None:
    """Undo what an item did elsewhere; its postings are reversed with the others."""
    await _give_up_overpayment(at, item)
    if item.kind in {PAYMENT, RETURN}:
        payment = await payments.get_payment(at.session, item.ref)
        stood = "BOOKED" if item.kind == PAYMENT else "RETURNED"
        if payment.state != stood:
            raise UndoBlockedError(f"payment {item.ref} is {payment.state}")
        if item.kind == RETURN and await is_used_without(at.session, at.here, payment):
            raise UndoBlockedError(f"what {item.ref} did not pay back is used")
        await bankword.undo(at.session, payment, match.reason, who=at.who.subject, at=at.now)
    elif item.kind == CONVERSION:
        deal, side = deals.leg_of(item.ref)
        await deals.undo_leg(at.session, deal, side, match.reason, at=at.now)
    elif item.kind == REMITTANCE_IN and item.made is not None:
        await incoming.undo_receipt(at.session, item.ref, item.made, match.reason, at=at.now)
    elif item.kind == INVOICE and item.made is not None:
        receipt = await at.session.get_one(Receipt, item.made)
        month = await advised_for(at, receipt.received_on)
        if month is not None:
            raise UndoBlockedError(
                f"the run of {month}, advised, shares out what {item.ref} received"
            )
        await take_receipt_back(at, receipt, at.who, receipt_key(entry.id, match.number, item.ref))


async def take_receipt_back(at: At, receipt: Receipt, who: Principal, key: str) -> None:
    """Record for a licence that so much less came in, on the day on which the receipt counted."""
    await receipts.record_receipt(
        at.session,
        number=receipt.licence,
        received_on=await counts_on(at, receipt.received_on),
        amount=-receipt.amount,
        who=who,
        key=key,
        here=at.here,
        now=at.now,
    )


async def _give_up_overpayment(at: At, item: MatchItem) -> None:
    """Refuse while the overpayment is being refunded or set off.

    Else put its unpaid refunds aside, so that it is never paid back.
    """
    overpayment = None
    if item.kind == OVERPAYMENT:
        overpayment = id_of_item(item.match_id, item.number)
    elif item.kind == REMITTANCE_IN:
        overpayment = overpayment_id(item.ref)
    if overpayment is None:
        return
    if await is_used(at.session, overpayment):
        raise UndoBlockedError(f"overpayment {overpayment} goes back or is set off")
    await set_refunds_aside(at, overpayment)


def meta_of(entry: Entry) -> Mapping[str, str]:
    """Return what every posting of an entry says."""
    return {"bank_entry": str(entry.id)}
