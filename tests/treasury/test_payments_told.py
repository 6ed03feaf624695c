"""What the bank's word says has happened: which payment, and whose it is."""

import pytest

from federation.payments.postings import Amount
from federation.store.happened import what_happened
from federation.treasury import bankword
from federation.values.event import Event, EventType
from tests.payments.factories import BOOKED_ON, NOW, RETURNED_ON, exported

BANK = {"who": "bank", "at": NOW}
WHOLE = Amount(8_500, "GBP")
SAME = {"debt_amount": 8_500, "debt_currency": "GBP"}
PAYMENT_ID = "PAY-2026-09-HUB-GB"
ABOUT = {"payment": PAYMENT_ID, "period": "2026-09"}
WHOSE = {
    "GB": {},
    "member:m-1": {"members": frozenset({"m-1"})},
    "lab:lab-one": {"licensee": "lab-one"},
}


@pytest.mark.parametrize("payee", WHOSE)
async def test_money_that_was_sent_and_came_back_is_said_once_each(database, payee):
    async with database.write("test") as session:
        payment = await exported(session, payee=payee, **SAME)
        assert what_happened(session) == []
        await bankword.accept(session, payment, **BANK)
        assert what_happened(session) == []  # an order that the bank took is no money yet
        await bankword.book(session, payment, BOOKED_ON, WHOLE, **BANK)
        sent = Event(EventType.PAYMENT_SENT, ABOUT, **WHOSE[payee])
        assert what_happened(session) == [sent]
        await bankword.record_return(session, payment, RETURNED_ON, WHOLE, "AC01", **BANK)
        came_back = Event(EventType.PAYMENT_RETURNED, ABOUT, **WHOSE[payee])
        assert what_happened(session) == [sent, came_back]


async def test_an_order_that_is_refused_is_not_told_as_money(database):
    async with database.write("test") as session:
        await bankword.reject(session, await exported(session), "AC04", **BANK)
        assert what_happened(session) == []
