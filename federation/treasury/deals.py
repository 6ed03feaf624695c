"""Currency a server sells to pay in another: a deal with its bank, booked leg by leg.

A licence in a currency that is not its licensor's leaves a position in the exchange account
(decision 0006). The deal closes it: each leg squares a part of the position, and what the bank's
price makes of the rest is realised.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from federation.errors import RefusalError
from federation.ledger import balance_store
from federation.ledger import store as ledger
from federation.ledger.accounts import Accounts, Entry
from federation.ledger.store import post
from federation.money import exponent
from federation.payments import postings, store
from federation.payments.names import conversion_document, undone_document
from federation.payments.postings import Amount, BankAmountError, Leg
from federation.payments.tables import Conversion
from federation.store.sessions import ReadSession, WriteSession
from federation.treasury.batches import VALUE_DAYS_MAX

Side = Literal["SOLD", "BOUGHT"]


class BadConversionError(RefusalError):
    """This deal cannot be recorded."""

    code: ClassVar[str] = "BAD_CONVERSION"


@dataclass(frozen=True, slots=True)
class Deal:
    """A sale of one currency for another; each side squares so much of the open position."""

    deal: str
    sold: Amount
    squares_sold: int
    bought: Amount
    squares_bought: int
    value_on: date


async def record_conversion(
    session: WriteSession, here: str, deal: Deal, *, who: str, at: datetime
) -> Conversion:
    """Record a deal; the same again changes nothing. Its legs are booked by the bank's word.

    A deal squares no more than is open: what of it other deals will square is not open. It squares
    all that is to be sold only together with all that is to be bought, as no later deal could.
    """
    row = Conversion(
        deal=deal.deal,
        sold=deal.sold.minor,
        sold_currency=deal.sold.currency,
        squares_sold=deal.squares_sold,
        bought=deal.bought.minor,
        bought_currency=deal.bought.currency,
        squares_bought=deal.squares_bought,
        value_on=deal.value_on,
        recorded_by=who,
        recorded_at=at,
    )
    known = await store.find_conversion(session, deal.deal)
    if known is not None:
        if _terms(known) != _terms(row):
            raise BadConversionError(f"{deal.deal} is another deal")
        return known
    _refuse_shape(deal)
    if abs((deal.value_on - at.date()).days) > VALUE_DAYS_MAX:
        raise BadConversionError(f"{deal.value_on} is more than {VALUE_DAYS_MAX} days from today")
    await _refuse_more_than_open(session, here, deal)
    session.add(row)
    return row


def _terms(row: Conversion) -> tuple[object, ...]:
    sold = (row.sold, row.sold_currency, row.squares_sold)
    return (*sold, row.bought, row.bought_currency, row.squares_bought, row.value_on)


def _refuse_shape(deal: Deal) -> None:
    is_named = 1 <= len(deal.deal) <= 28 and "/" not in deal.deal and deal.deal.isprintable()  # noqa: PLR2004 - the column
    if not is_named or deal.sold.currency == deal.bought.currency:
        raise BadConversionError("a deal has a name without slash and two currencies")
    for amount in (deal.sold, deal.bought):
        exponent(amount.currency)
        if amount.minor <= 0:
            raise BadConversionError("what is sold and bought is above 0")
    if deal.squares_sold <= 0 or deal.squares_bought <= 0:
        raise BadConversionError("a deal squares something on both sides")


async def open_position(session: ReadSession, here: str) -> dict[str, int]:
    """Return {currency: minor units} that no deal squares yet: to buy above 0, to sell below.

    What is to be sold the exchange account owes (credit), what is to be bought it is owed (debit).
    """
    open_by = await balance_store.balance_of(session, Accounts(here).equity("Clearing"))
    for row in await store.conversions_waiting(session):
        if row.sold_on is None:
            open_by[row.sold_currency] = open_by.get(row.sold_currency, 0) + row.squares_sold
        if row.bought_on is None:
            bought = open_by.get(row.bought_currency, 0)
            open_by[row.bought_currency] = bought - row.squares_bought
    return {currency: amount for currency, amount in sorted(open_by.items()) if amount}


async def _refuse_more_than_open(session: ReadSession, here: str, deal: Deal) -> None:
    open_by = await open_position(session, here)
    to_sell = -open_by.get(deal.sold.currency, 0)
    to_buy = open_by.get(deal.bought.currency, 0)
    if deal.squares_sold > to_sell or deal.squares_bought > to_buy:
        raise BadConversionError(
            f"open are {max(to_sell, 0)} {deal.sold.currency} to sell and "
            f"{max(to_buy, 0)} {deal.bought.currency} to buy, in minor units"
        )
    open_by[deal.sold.currency] += deal.squares_sold
    open_by[deal.bought.currency] -= deal.squares_bought
    left = {currency: amount for currency, amount in open_by.items() if amount}
    if left and (min(left.values()) > 0 or max(left.values()) < 0):
        said = ", ".join(f"{abs(amount)} {currency}" for currency, amount in sorted(left.items()))
        raise BadConversionError(f"{said} would be left against nothing, in minor units")


def leg_of(reference: str) -> tuple[str, Side]:
    """Return the deal and the side that `<deal>/SOLD` or `<deal>/BOUGHT` names."""
    deal, _, side = reference.rpartition("/")
    if side == "SOLD":
        return deal, "SOLD"
    if side == "BOUGHT":
        return deal, "BOUGHT"
    raise BadConversionError(reference[:40])


async def book_leg(
    session: WriteSession,
    here: str,
    deal: str,
    side: Side,
    booked_on: date,
    bank: Amount,
) -> Conversion:
    """Record that the bank debited what was sold, or credited what was bought."""
    row = await store.find_conversion(session, deal)
    if row is None:
        raise BadConversionError(f"no deal {deal}")
    done = row.sold_on if side == "SOLD" else row.bought_on
    sold, bought = Amount(row.sold, row.sold_currency), Amount(row.bought, row.bought_currency)
    agreed = sold if side == "SOLD" else bought
    if done is not None:
        raise BadConversionError(f"{deal}: {side} is booked")
    if bank != agreed:
        raise BankAmountError(
            f"{bank.minor} {bank.currency}, {agreed.minor} {agreed.currency} agreed"
        )
    books = Accounts(here)
    entered = Leg(books.suspense("BankEntry"), bank)
    exchange = books.equity("Clearing")
    if side == "SOLD":
        squared = Leg(exchange, Amount(row.squares_sold, bank.currency))
        moved = postings.exchanged(books, squared, entered, {"deal": deal})
        row.sold_on = booked_on
    else:
        squared = Leg(exchange, Amount(row.squares_bought, bank.currency))
        moved = postings.exchanged(books, entered, squared, {"deal": deal})
        row.bought_on = booked_on
    number = len(await store.leg_documents(session, deal, side)) + 1
    document = conversion_document(deal, side, number)
    await post(session, [Entry(booked_on, document, f"Conversion {deal}, {side.lower()}", moved)])
    return row


async def undo_leg(
    session: WriteSession, deal: str, side: Side, reason: str, *, at: datetime
) -> Conversion:
    """Take back that a leg was booked, by reversal."""
    row = await store.find_conversion(session, deal)
    if row is None or (row.sold_on if side == "SOLD" else row.bought_on) is None:
        raise BadConversionError(f"{deal}: {side} is not booked")
    document = (await store.leg_documents(session, deal, side))[-1]
    entry = await ledger.entry_of(session, document)
    narration = f"{entry.narration}, taken back: {reason}"
    taken_back = postings.reversal(
        entry, document=undone_document(document), narration=narration, on=at.date()
    )
    await post(session, [taken_back])
    if side == "SOLD":
        row.sold_on = None
    else:
        row.bought_on = None
    return row
