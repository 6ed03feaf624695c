import dataclasses
from datetime import date, timedelta

import msgspec
import pytest

from federation.ledger.accounts import Entry, Posting
from federation.ledger.store import post
from federation.payments import expected, incoming
from federation.payments.incoming import RemittanceStateError, UnknownRemittanceError
from federation.payments.postings import Amount, BankAmountError, Leg
from federation.payments.proposal import Awaited
from federation.store.happened import what_happened
from federation.treasury import bankword, deals
from federation.treasury.deals import BadConversionError, Deal
from federation.trust.membership import CollectiveTerms
from federation.trust.tables import Party
from federation.values.event import Event, EventType
from tests.databases import refused
from tests.payments.factories import (
    BOOKED_ON,
    MAKER,
    NOW,
    RUN,
    VALUE_ON,
    a_payment,
    balances,
    exported,
)

TERMS = CollectiveTerms(
    code="GB",
    name="Society",
    country="GB",
    settlement_currency="GBP",
    admin_fee_bps=1_000,
    collecting_fee_bps=1_000,
    minimum_payment=100,
    plan="per_usage",
    account="GB29NWBK60161331926819",
)

ID = "PAY-2026-09-GB-HUB"
DUE, ENTRY = "Liabilities:HUB:Due:GB", "Liabilities:HUB:Suspense:BankEntry"
EXCHANGE, REALISED = "Equity:HUB:Clearing", "Equity:HUB:FxRealised"


def wait(session, debt=None):
    awaited = Awaited(
        incoming_id=ID,
        run=RUN,
        period="2026-09",
        payer="GB",
        amount=Amount(8_500, "GBP"),
        debt=Leg(DUE, debt or Amount(10_000, "EUR")),
        due_on=date(2026, 10, 11),
    )
    return incoming.expect(session, awaited)


async def receive(session, amount, currency="GBP"):
    return await incoming.receive(session, ID, "HUB", BOOKED_ON, Amount(amount, currency))


async def test_a_remittance_in_its_own_currency_meets_the_debt_in_the_exchange_account(database):
    async with database.write("test") as session:
        row = wait(session)
        await receive(session, 8_500)

        assert (row.state, row.booked_on) == ("BOOKED", BOOKED_ON)
        assert await balances(session) == {
            ENTRY: {"GBP": 8_500},
            EXCHANGE: {"GBP": -8_500, "EUR": 10_000},
            DUE: {"EUR": -10_000},
        }
        assert await incoming.unpaid(session, "2026-09") == []


async def test_parts_settle_the_debt_to_the_last_unit_and_can_be_taken_back(database):
    async with database.write("test") as session:
        row = wait(session)
        first = await receive(session, 3_333)
        part = (row.received, row.settled, row.state)
        second = await receive(session, 5_167)
        whole = (row.received, row.settled, row.state)
        await incoming.undo_receipt(session, ID, first, "another party's", at=NOW)
        left = (row.received, row.settled, row.state)
        await receive(session, 3_333)

        assert part == (3_333, 3_921, "EXPECTED")  # 3,921.17 rounded down
        assert whole == (8_500, 10_000, "BOOKED")
        assert left == (5_167, 6_079, "EXPECTED")
        assert (row.received, row.settled, row.state) == (8_500, 10_000, "BOOKED")
        assert (await balances(session))[DUE] == {"EUR": -10_000}
        assert [first, second] == [f"remittance/{ID}/received/{number}" for number in (1, 2)]


async def test_money_in_the_currency_of_the_debt_stands_for_all_that_is_open(database):
    async with database.write("test") as session:
        row = wait(session)
        await receive(session, 9_970, "EUR")

        assert row.state == "BOOKED"
        assert await balances(session) == {
            ENTRY: {"EUR": 9_970},
            REALISED: {"EUR": 30},
            DUE: {"EUR": -10_000},
        }


@pytest.mark.parametrize("amount", [8_501, 0, -1])
async def test_no_more_comes_in_than_is_open(database, amount):
    async with database.write("test") as session:
        wait(session)

    found = await refused(database, BankAmountError, lambda session: receive(session, amount))

    assert found.code == "BANK_AMOUNT"


async def test_what_is_booked_is_booked_once_and_undone_once(database):
    async with database.write("test") as session:
        wait(session)
        document = await receive(session, 8_500)
    again = await refused(database, RemittanceStateError, lambda session: receive(session, 8_500))
    async with database.write("test") as session:
        await incoming.undo_receipt(session, ID, document, "wrong", at=NOW)

    async def undo(session):
        await incoming.undo_receipt(session, ID, document, "wrong", at=NOW)

    async def nothing(session):
        await incoming.receive(session, "PAY-X", "HUB", BOOKED_ON, Amount(1, "GBP"))

    assert again.code == "REMITTANCE_STATE"
    assert (await refused(database, RemittanceStateError, undo)).code == "REMITTANCE_STATE"
    assert (await refused(database, UnknownRemittanceError, nothing)).code == "UNKNOWN_REMITTANCE"


DEAL = Deal("FX-1", Amount(10_020, "EUR"), 10_000, Amount(8_490, "GBP"), 8_500, VALUE_ON)


async def with_position(database):
    """Leave 100.00 EUR to sell and 85.00 GBP to buy in the exchange account."""
    async with database.write("test") as session:
        posting = Posting("Liabilities:HUB:Due:GB", EXCHANGE, 10_000, "EUR")
        other = Posting(EXCHANGE, "Liabilities:HUB:Due:GB", 8_500, "GBP")
        await post(session, [Entry(NOW.date(), "position", "Position", (posting, other))])


async def test_a_deal_closes_the_position_and_what_it_cost_is_realised(database):
    await with_position(database)
    async with database.write("test") as session:
        await deals.record_conversion(session, "HUB", DEAL, who=MAKER, at=NOW)
        await deals.record_conversion(session, "HUB", DEAL, who="again", at=NOW)
        waiting = [
            (item.id, item.direction, item.amount, item.currency)
            for item in (
                *await expected.money_out(session, "HUB"),
                *await expected.money_in(session, "HUB", NOW),
            )
        ]
        await deals.book_leg(session, "HUB", "FX-1", "SOLD", BOOKED_ON, Amount(10_020, "EUR"))
        await deals.book_leg(session, "HUB", "FX-1", "BOUGHT", BOOKED_ON, Amount(8_490, "GBP"))
        closed = await balances(session)
        await deals.undo_leg(session, "FX-1", "BOUGHT", "another deal's", at=NOW)
        undone = await balances(session)
        await deals.book_leg(session, "HUB", "FX-1", "BOUGHT", BOOKED_ON, Amount(8_490, "GBP"))

        assert waiting == [
            ("FX-1/SOLD", "OUT", 10_020, "EUR"),
            ("FX-1/BOUGHT", "IN", 8_490, "GBP"),
        ]
        assert EXCHANGE not in closed
        assert closed[REALISED] == {"EUR": 20, "GBP": 10}
        assert closed[ENTRY] == {"EUR": -10_020, "GBP": 8_490}
        assert undone[EXCHANGE] == {"GBP": 8_500}
        assert await balances(session) == closed
        assert await expected.money_in(session, "HUB", NOW) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"squares_sold": 10_001},
        {"squares_bought": 8_501},
        {"squares_bought": 0},
        {"bought": Amount(8_490, "EUR")},
        {"bought": Amount(0, "GBP")},
        {"deal": "FX/1"},
        {"deal": ""},
        {"value_on": NOW.date() - timedelta(days=366)},
        {"value_on": NOW.date() + timedelta(days=366)},
        {"value_on": date.min},
        {"value_on": date.max},
    ],
)
async def test_a_deal_squares_no_more_than_is_open(database, changes):
    await with_position(database)
    values = {name: getattr(DEAL, name) for name in DEAL.__slots__} | changes

    async def act(session):
        await deals.record_conversion(session, "HUB", Deal(**values), who=MAKER, at=NOW)

    assert (await refused(database, BadConversionError, act)).code == "BAD_CONVERSION"


@pytest.mark.parametrize("days", [-365, 365])
async def test_a_deal_is_recorded_up_to_a_year_from_its_value_date(database, days):
    await with_position(database)
    value_on = NOW.date() + timedelta(days=days)
    async with database.write("test") as session:
        deal = dataclasses.replace(DEAL, value_on=value_on)
        row = await deals.record_conversion(session, "HUB", deal, who=MAKER, at=NOW)

    assert row.value_on == value_on


async def test_a_deal_that_waits_leaves_nothing_open_for_another(database):
    await with_position(database)
    async with database.write("test") as session:
        await deals.record_conversion(session, "HUB", DEAL, who=MAKER, at=NOW)
    values = {name: getattr(DEAL, name) for name in DEAL.__slots__}

    async def second(session):
        deal = Deal(**values | {"deal": "FX-2", "squares_sold": 1, "squares_bought": 1})
        await deals.record_conversion(session, "HUB", deal, who=MAKER, at=NOW)

    async def another(session):
        deal = Deal(**values | {"squares_sold": 9_999})
        await deals.record_conversion(session, "HUB", deal, who=MAKER, at=NOW)

    async def other_amount(session):
        await deals.book_leg(session, "HUB", "FX-1", "SOLD", BOOKED_ON, Amount(10_021, "EUR"))

    await refused(database, BadConversionError, second)
    await refused(database, BadConversionError, another)
    assert (await refused(database, BankAmountError, other_amount)).code == "BANK_AMOUNT"


async def test_a_server_waits_for_what_it_sent_and_for_what_may_come_back(database):
    async with database.write("test") as session:
        session.add(
            Party(
                code="GB",
                entity_id="https://gb.example",
                url="https://gb.example",
                name="Society",
                jwk="{}",
                terms=msgspec.json.encode(TERMS).decode(),
                admitted_at=NOW,
            )
        )
        wait(session)
        await a_payment(session, payment_id="PAY-2026-09-HUB-DE", payee="DE")  # not exported
        payment = await exported(session)
        sent = await expected.money_out(session, "HUB")
        [remittance] = await expected.money_in(session, "HUB", NOW)
        await bankword.book(session, payment, BOOKED_ON, Amount(8_500, "GBP"), who="bank", at=NOW)
        back = await expected.money_in(session, "HUB", NOW)
        much_later = await expected.money_in(session, "HUB", NOW.replace(year=2027))

    assert sent == [
        expected.Expected(
            kind="PAYMENT",
            id="PAY-2026-09-HUB-GB",
            direction="OUT",
            party="GB",
            counterparty_name="Society",
            account="GB29NWBK60161331926819",
            amount=8_500,
            currency="GBP",
            references=("PAY-2026-09-HUB-GB", "PAY-HUB-000001"),
            due_on=VALUE_ON,
        )
    ]
    assert (remittance.kind, remittance.id, remittance.amount) == ("REMITTANCE_IN", ID, 8_500)
    assert remittance.references[:2] == (ID, f"{ID}/2")
    assert (remittance.counterparty_name, remittance.account) == ("Society", TERMS.account)
    assert [(item.kind, item.id) for item in back] == [
        ("REMITTANCE_IN", ID),
        ("RETURN", "PAY-2026-09-HUB-GB"),
    ]
    assert [item.kind for item in much_later] == ["REMITTANCE_IN"]


async def test_a_remittance_is_told_as_often_as_a_bank_credits_a_part_of_it(database):
    said = Event(EventType.REMITTANCE_RECEIVED, {"remittance": ID, "period": "2026-09"})
    async with database.write("test") as session:
        wait(session)
        owed = Leg("Liabilities:HUB:Suspense:Overpaid", Amount(3_333, "GBP"))
        await incoming.receive(session, ID, "HUB", BOOKED_ON, owed.amount, source=owed)
        assert what_happened(session) == []  # of money that was here no bank says anything
        await receive(session, 1_667)
        await receive(session, 3_500)
        assert what_happened(session) == [said, said]
        with pytest.raises(RemittanceStateError):
            await receive(session, 1)
        assert what_happened(session) == [said, said]
