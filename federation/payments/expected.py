"""What this server waits for from its banks: payments to be booked, remittances, invoices paid.

A bank entry that is none of these stands in suspense until somebody says what it is.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from federation.documents import store as documents_store
from federation.licensing import store as licensing
from federation.payments import store
from federation.payments.names import base_id, in_place_of
from federation.payments.record import account_of
from federation.payments.tables import Conversion, Incoming, Payment
from federation.settlement.revenue import still_owed
from federation.store.sessions import ReadSession
from federation.trust.parties import collective_terms, hub_terms
from federation.trust.store import find_party
from federation.values.party import HUB

RETURN_DAYS = 90  # a payment booked longer ago comes back as something else
SUFFIX_MAX = 9

Kind = Literal["PAYMENT", "REMITTANCE_IN", "INVOICE", "RETURN", "CONVERSION"]


@dataclass(frozen=True, slots=True)
class Expected:
    """Money that will move, seen from this server.

    `id` is a payment's, a remittance's, a licence's number, or a deal's with its side
    (`<deal>/SOLD`, `<deal>/BOUGHT`). `account` is the other side's, where
    it is known; `amount` is open, in minor units; `references` are what the bank may carry;
    `due_on` is the day it is expected.
    """

    kind: Kind
    id: str
    direction: Literal["IN", "OUT"]
    party: str
    counterparty_name: str
    account: str | None
    amount: int
    currency: str
    references: tuple[str, ...]
    due_on: date | None


async def money_out(session: ReadSession, here: str) -> list[Expected]:
    """Return the payments that the bank has and has not booked."""
    return [
        *[_of_payment(row, "PAYMENT", "OUT") for row in await store.at_the_bank(session)],
        *[
            _of_deal(row, "SOLD", here)
            for row in await store.conversions_waiting(session)
            if row.sold_on is None
        ],
    ]


async def money_in(session: ReadSession, here: str, now: datetime) -> list[Expected]:
    """Return remittances to this server, unpaid invoices, and payments that may come back.

    Also what a debtor that left the net may still have paid: it is owed back then.
    """
    since = now.date() - timedelta(days=RETURN_DAYS)
    return [
        *[await _of_incoming(session, here, row) for row in await store.waited_for(session)],
        *[
            replace(await _of_incoming(session, here, row), references=(row.id,))
            for row in await store.may_still_be_paid(session)
        ],
        *await _invoices(session, here),
        *[_of_payment(row, "RETURN", "IN") for row in await store.booked_since(session, since)],
        *[
            _of_deal(row, "BOUGHT", here)
            for row in await store.conversions_waiting(session)
            if row.bought_on is None
        ],
    ]


def _of_deal(row: Conversion, side: Literal["SOLD", "BOUGHT"], here: str) -> Expected:
    is_sold = side == "SOLD"
    return Expected(
        kind="CONVERSION",
        id=f"{row.deal}/{side}",
        direction="OUT" if is_sold else "IN",
        party=here,
        counterparty_name=here,
        account=None,
        amount=row.sold if is_sold else row.bought,
        currency=row.sold_currency if is_sold else row.bought_currency,
        references=(row.deal,),
        due_on=row.value_on,
    )


def _of_payment(row: Payment, kind: Kind, direction: Literal["IN", "OUT"]) -> Expected:
    account = account_of(row.payee_account)
    references = [row.payment_id, row.exported_in or ""]
    return Expected(
        kind=kind,
        id=row.payment_id,
        direction=direction,
        party=row.payee,
        counterparty_name=account.name,
        account=account.account,
        amount=row.amount,
        currency=row.currency,
        references=tuple(filter(None, references)),
        due_on=row.value_on if kind == "PAYMENT" else None,
    )


async def _of_incoming(session: ReadSession, here: str, row: Incoming) -> Expected:
    """A payer that proposes its remittance anew gives it the same id with a suffix."""
    name, account = await _party(session, here, row.payer)
    return Expected(
        kind="REMITTANCE_IN",
        id=row.id,
        direction="IN",
        party=row.payer,
        counterparty_name=name,
        account=account,
        amount=row.amount - row.received,
        currency=row.currency,
        references=_suffixed(row.id),
        due_on=row.due_on,
    )


def _suffixed(incoming_id: str) -> tuple[str, ...]:
    base = base_id(incoming_id)
    suffixed = [in_place_of(base, number) for number in range(1, SUFFIX_MAX + 1)]
    return (incoming_id, *(each for each in suffixed if each != incoming_id))


async def _party(session: ReadSession, here: str, code: str) -> tuple[str, str | None]:
    party = await find_party(session, code)
    if party is None:
        return code, None
    if code == HUB:
        return party.name, (await hub_terms(session)).account
    return party.name, collective_terms(party).account if here == HUB else None


async def _invoices(session: ReadSession, here: str) -> list[Expected]:
    """Return what licensees have not paid, per licence of this server."""
    names = {row.id: row.name for row in await licensing.licensees(session)}
    received = await licensing.receipts_until(session, date.max)
    found: list[Expected] = []
    for row in await licensing.all_licences(session):
        facts = licensing.facts(row)
        open_amount = still_owed(facts, received.get(row.number, 0))
        if row.licensor != here or open_amount <= 0:
            continue
        invoice = await documents_store.document_of(session, here, "INV", row.number)
        found.append(
            Expected(
                kind="INVOICE",
                id=row.number,
                direction="IN",
                party=row.licensee,
                counterparty_name=names.get(row.licensee, row.licensee),
                account=None,
                amount=open_amount,
                currency=facts.currency,
                references=(row.number, *([invoice.number] if invoice else [])),
                due_on=(invoice.due_on if invoice else None) or facts.starts_on,
            )
        )
    return found
