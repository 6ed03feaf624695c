"""Any order of steps: a payment is where its history says, and the books are where it is."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from federation.errors import RefusalError
from federation.payments import service as payments
from federation.payments import store as payments_store
from federation.payments.postings import Amount
from federation.treasury import bankword, exporting
from tests.databases import opened
from tests.payments.factories import (
    BOOKED_ON,
    CHECKER,
    MAKER,
    NOW,
    RETURNED_ON,
    VALUE_ON,
    a_payment,
    balances,
)

WHOLE = Amount(8_500, "GBP")
BANK = {"who": "bank", "at": NOW}
ID = "PAY-2026-09-HUB-GB"
DEBT = {"debt_amount": 8_500, "debt_currency": "GBP"}

CALLS = {
    "propose": lambda s, _: a_payment(s, **DEBT),
    "approve": lambda s, p: payments.approve(s, p, who=CHECKER, at=NOW),
    "approve alone": lambda s, p: payments.approve(s, p, who=MAKER, at=NOW),
    "cancel": lambda s, p: payments.cancel(s, p, "wrong", who=MAKER, at=NOW),
    "export": lambda s, p: exporting.export(s, [p], value_on=VALUE_ON, who=MAKER, at=NOW),
    "accept": lambda s, p: bankword.accept(s, p, **BANK),
    "reject": lambda s, p: bankword.reject(s, p, "AC04", **BANK),
    "book": lambda s, p: bankword.book(s, p, BOOKED_ON, WHOLE, **BANK),
    "book short": lambda s, p: bankword.book(s, p, BOOKED_ON, Amount(8_499, "GBP"), **BANK),
    "return": lambda s, p: bankword.record_return(s, p, RETURNED_ON, WHOLE, "AC01", **BANK),
    "undo": lambda s, p: bankword.undo(s, p, "wrong", who=MAKER, at=NOW),
}


# Where the 85.00 are, by state: what is owed less, in transit, and gone through the bank.
HERE = {
    "PROPOSED": (0, 0, 0),
    "APPROVED": (0, 0, 0),
    "CANCELLED": (0, 0, 0),
    "REJECTED": (0, 0, 0),
    "RETURNED": (0, 0, 0),
    "EXPORTED": (8_500, -8_500, 0),
    "ACCEPTED": (8_500, -8_500, 0),
    "BOOKED": (8_500, 0, -8_500),
}


# The straight way is taken often, so that the far states are reached.
WAY = ["approve", "export", "accept", "book", "return", "undo"]
steps = st.lists(st.sampled_from([*CALLS, *WAY, *WAY]), max_size=25)


async def live(url, names):
    async with opened(url) as database, database.write("test") as session:
        payment = await a_payment(session, **DEBT)
        for name in names:
            before = (
                payment.state,
                len(await payments_store.events(session, ID)),
                await balances(session),
            )
            try:
                await CALLS[name](session, payment)
            except RefusalError:
                after = (payment.state, len(await payments_store.events(session, ID)))
                assert (*after, await balances(session)) == before
            found = await balances(session)
            books = [
                found.get(f"Liabilities:HUB:{account}", {}).get("GBP", 0)
                for account in ("Due:GB", "InTransit", "Suspense:BankEntry")
            ]
            assert tuple(books) == HERE[payment.state]
            history = [event.state for event in await payments_store.events(session, ID)]
            assert history[-1] == payment.state
            assert len(history) == before[1] + (payment.state != before[0])
        is_new = payment.state in {"PROPOSED", "CANCELLED"}
        assert is_new or payment.approved_by == CHECKER


@settings(max_examples=40, deadline=None)
@given(steps)
def test_wherever_a_payment_is_the_books_say_so(sqlite, names):
    async def run():
        async with sqlite.url(migrated=True) as url:
            await live(url, names)

    asyncio.run(run())
