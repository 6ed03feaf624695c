"""Currency that is to be sold for another waits in the work-list until the bank has booked it."""

from datetime import date

import pytest

from federation.ledger.accounts import Entry, Posting
from federation.ledger.store import post
from federation.payments.postings import Amount
from federation.proof.invariants.money import clearing_empty_when_paid
from federation.treasury import deals
from federation.treasury.deals import BadConversionError, Deal
from federation.treasury.worklist import of_payments
from tests.databases import contents
from tests.payments.factories import BOOKED_ON, MAKER, NOW, VALUE_ON, balances

SOLD, BOUGHT = Amount(10_020, "EUR"), Amount(8_490, "GBP")
TO_SELL = ("conversion", "EUR", "100.00 EUR to be sold, 85.00 GBP to be bought")
AT_THE_BANK = ("conversion", "FX-1", "the bank has not booked both sides")


@pytest.fixture(params=["HUB", "GB"])
def here(request):
    """Who has the position: a hub or a node."""
    return request.param


async def enter(database, *postings):
    async with database.write("books") as session:
        await post(session, [Entry(date(2026, 10, 5), "position", "Position", postings)])


async def found(database, here):
    """Return what the work-list says, and what the invariant finds wrong."""
    async with database.read() as session:
        items = await of_payments(session, here, NOW)
        _, wrong = await clearing_empty_when_paid(session, here)
    return [(item.kind, item.subject, item.why) for item in items], wrong


async def book(database, here, side, bank):
    async with database.write("leg") as session:
        await deals.book_leg(session, here, "FX-1", side, BOOKED_ON, bank)
    async with database.write("bank") as session:  # an officer says what the entry was for
        books = await balances(session)
        waiting = f"Liabilities:{here}:Suspense:BankEntry"
        amount = books.get(waiting, {}).get(bank.currency, 0)
        bank_account = f"Assets:{here}:Bank"
        pair = (waiting, bank_account) if amount < 0 else (bank_account, waiting)
        posting = Posting(*pair, abs(amount), bank.currency)
        await post(session, [Entry(BOOKED_ON, f"bank/{side}", "Bank", (posting,))])


async def test_a_position_waits_until_a_deal_is_recorded_and_booked_and_is_never_wrong(
    database, here
):
    exchange, paid = f"Equity:{here}:Clearing", f"Assets:{here}:Bank"
    await enter(
        database,
        Posting(paid, exchange, 10_000, "EUR"),
        Posting(exchange, paid, 8_500, "GBP"),
    )
    assert await found(database, here) == ([TO_SELL], [])

    deal = Deal("FX-1", SOLD, 10_000, BOUGHT, 8_500, VALUE_ON)
    async with database.write("deal") as session:
        await deals.record_conversion(session, here, deal, who=MAKER, at=NOW)
    assert await found(database, here) == ([AT_THE_BANK], [])

    await book(database, here, "SOLD", SOLD)
    assert await found(database, here) == ([AT_THE_BANK], [])

    await book(database, here, "BOUGHT", BOUGHT)
    assert await found(database, here) == ([], [])


async def test_a_deal_that_squares_a_part_leaves_the_rest_to_be_sold(database, here):
    exchange, paid = f"Equity:{here}:Clearing", f"Assets:{here}:Bank"
    await enter(
        database,
        Posting(paid, exchange, 10_000, "EUR"),
        Posting(exchange, paid, 8_500, "GBP"),
    )
    deal = Deal("FX-1", Amount(4_000, "EUR"), 4_000, Amount(3_400, "GBP"), 3_400, VALUE_ON)
    async with database.write("deal") as session:
        await deals.record_conversion(session, here, deal, who=MAKER, at=NOW)

    items, wrong = await found(database, here)

    rest = ("conversion", "EUR", "60.00 EUR to be sold, 51.00 GBP to be bought")
    assert (items, wrong) == ([AT_THE_BANK, rest], [])


async def test_what_stands_against_nothing_is_wrong_once_all_is_paid(database, here):
    await enter(database, Posting(f"Assets:{here}:Bank", f"Equity:{here}:Clearing", 10_000, "EUR"))

    assert await found(database, here) == ([], ["EUR: -10000 left"])


@pytest.mark.parametrize(
    ("sold", "bought", "left"),
    [(10_000, 8_000, "500 GBP"), (9_000, 8_500, "1000 EUR")],
)
async def test_a_deal_that_leaves_one_side_against_nothing_is_refused(
    database, here, sold, bought, left
):
    exchange, paid = f"Equity:{here}:Clearing", f"Assets:{here}:Bank"
    await enter(
        database,
        Posting(paid, exchange, 10_000, "EUR"),
        Posting(exchange, paid, 8_500, "GBP"),
    )
    deal = Deal("FX-1", Amount(sold, "EUR"), sold, Amount(bought, "GBP"), bought, VALUE_ON)
    before = await contents(database)

    with pytest.raises(BadConversionError, match=f"{left} would be left against nothing"):
        async with database.write("deal") as session:
            await deals.record_conversion(session, here, deal, who=MAKER, at=NOW)

    assert await contents(database) == before
