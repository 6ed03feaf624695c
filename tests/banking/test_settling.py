"""What bank entries were for: every kind of item, limits, undoing, two officers at once."""

import asyncio
from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from federation.banking import settling as banking_settling
from federation.banking import store
from federation.banking import waiting as settling
from federation.banking.effects import NotExpectedError, UndoBlockedError
from federation.banking.items import BadItemError, UnbalancedItemsError
from federation.banking.settling import (
    EntryProposedError,
    EntrySettledError,
    NotSettledError,
    OtherProposalError,
)
from federation.banking.tables import Match
from federation.documents import licence_books
from federation.ledger.accounts import Entry, Posting
from federation.ledger.store import post
from federation.licensing import store as licensing
from federation.payments.postings import Amount
from federation.treasury import deals
from federation.trust.principals import SamePersonError
from federation.values.reason import ReasonError
from tests.banking.bank import Ntry, Tx, statement
from tests.banking.counter import (
    APPROVER,
    BANK,
    DUE,
    LICENCE,
    NOW,
    OFFICER,
    PAYMENT,
    RECEIVABLE,
    SECOND,
    SUSPENSE,
    UNEARNED,
    approve,
    at,
    books,
    exported,
    open_account,
    received,
    remittance,
    set_up,
    settle,
    settling_,
    state_of,
    states,
    take,
    undo,
)
from tests.databases import opened, refused
from tests.payments.factories import balances

NOT_COLLECTED = "Assets:HUB:NotCollected"
CHARGES, REALISED = "Expenses:HUB:BankCharges", "Equity:HUB:FxRealised"
CLEARING, OVERPAID = "Equity:HUB:Clearing", "Liabilities:HUB:Suspense:Overpaid"
IN, OUT = "CRDT", "DBIT"


def came(*amounts, direction=IN):
    """Return a statement of entries that say nothing but their amount."""
    entries = [Ntry(amount, direction, reference=f"B{n}") for n, amount in enumerate(amounts)]
    minor = sum(int(amount.replace(".", "")) for amount in amounts)
    sign = "" if direction == IN else "-"
    return statement(*entries, closing=f"{sign}{minor // 100}.{minor % 100:02d}")


async def test_what_a_licensee_pays_is_its_receipt_and_leaves_suspense(database):
    await set_up(database, "100000")
    await take(database, came("1000.00"))

    assert await books(database) == {
        BANK: 100_000,
        RECEIVABLE: 100_000,
        UNEARNED: -100_000,
        SUSPENSE: -100_000,
    }
    await settle(database, 1, ("INVOICE", LICENCE, 100_000))

    assert await books(database) == {BANK: 100_000, UNEARNED: -100_000}
    assert await states(database) == [(1, "SETTLED")]
    async with database.read() as session:
        [receipt] = await licensing.receipts_of(session, LICENCE)
    assert (receipt.amount, receipt.received_on) == (100_000, date(2026, 10, 16))
    assert receipt.recorded_by == OFFICER.subject


@pytest.mark.parametrize(
    ("amount", "items", "receipt", "left"),
    [
        ("990.00", [("BANK_CHARGE", "", -1_000)], 100_000, {CHARGES: 1_000}),
        ("995.00", [("FX_DIFFERENCE", "", -500)], 100_000, {REALISED: 500}),
        ("1003.00", [("FX_DIFFERENCE", "", 300)], 100_000, {REALISED: -300}),
        ("1005.00", [("OVERPAYMENT", LICENCE, 500)], 100_000, {OVERPAID: -500}),
        ("400.00", [("SHORT_PAYMENT", LICENCE, -60_000)], 40_000, {RECEIVABLE: 60_000}),
        (
            "845.00",
            [("TAX_WITHHELD", LICENCE, -15_000, "certificate 7"), ("BANK_CHARGE", "", -500)],
            85_000,
            {CHARGES: 500, RECEIVABLE: 15_000, NOT_COLLECTED: -15_000, UNEARNED: -85_000},
        ),
    ],
)
async def test_each_difference_is_an_item_with_a_name(database, amount, items, receipt, left):
    await set_up(database, "100000")
    await take(database, came(amount))

    await settle(database, 1, ("INVOICE", LICENCE, 100_000), *items)

    bank = int(amount.replace(".", ""))
    assert await books(database) == {BANK: bank, UNEARNED: -100_000} | left
    assert await received(database) == [receipt]


async def test_a_short_payment_leaves_the_rest_open_and_tax_withheld_does_not(database):
    await set_up(database, "100000")
    await take(database, came("400.00", "450.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000), ("SHORT_PAYMENT", LICENCE, -60_000))
    tax = ("TAX_WITHHELD", LICENCE, -15_000, "certificate 7")

    rest = await refused(
        database,
        BadItemError,
        settling_(2, ("INVOICE", LICENCE, 59_999), tax, ("FX_DIFFERENCE", "", 1)),
    )
    await settle(database, 2, ("INVOICE", LICENCE, 60_000), tax)

    assert rest.code == "BAD_ITEM"
    assert "600.00 EUR is open" in rest.message
    assert await received(database) == [40_000, 45_000]
    async with database.read() as session:
        waited = await settling.waited_for(session, "HUB", NOW)
    assert waited == {}


async def test_several_entries_pay_one_invoice(database):
    await set_up(database, "100000")
    await take(database, came("400.00", "350.00", "250.00"))

    async with database.write("test") as session:
        found = await banking_settling.settle_together(at(session), [1, 2, 3], "INVOICE", LICENCE)

    assert [row.act for row in found] == ["SETTLED"] * 3
    assert await received(database) == [25_000, 35_000, 40_000]
    assert await books(database) == {BANK: 100_000, UNEARNED: -100_000}


async def test_several_entries_that_are_too_little_settle_nothing(database):
    await set_up(database, "100000")
    await take(database, came("400.00", "350.00"))

    await refused(
        database,
        UnbalancedItemsError,
        lambda session: banking_settling.settle_together(at(session), [1, 2], "INVOICE", LICENCE),
    )


async def test_one_entry_pays_two_invoices(database):
    await set_up(database, "60000", "40000")
    await take(database, came("1000.00"))

    await settle(database, 1, ("INVOICE", LICENCE, 60_000), ("INVOICE", "HUB-000002", 40_000))

    assert await received(database) == [60_000]
    assert await books(database) == {BANK: 100_000, UNEARNED: -100_000}


async def test_a_payment_is_booked_and_its_charge_is_ours(database):
    await set_up(database)
    await exported(database)
    await take(database, came("101.50", direction=OUT))

    await settle(database, 1, ("PAYMENT", PAYMENT, -10_000), ("BANK_CHARGE", PAYMENT, -150))

    assert await state_of(database) == ("BOOKED", None)
    assert await books(database) == {BANK: -10_150, DUE: 10_000, CHARGES: 150}


async def test_a_payment_in_another_currency_costs_what_the_bank_says(database):
    await set_up(database)
    await exported(database, amount=8_500, currency="GBP")
    await take(database, came("100.40", direction=OUT))

    await settle(database, 1, ("PAYMENT", PAYMENT, -10_040))

    assert await books(database) == {BANK: -10_040, DUE: 10_000, REALISED: 40}


async def test_a_returned_payment_is_owed_again(database):
    await set_up(database)
    await exported(database)
    back = Ntry("98.00", IN, reference="B2", txs=(Tx("98.00", e2e=PAYMENT, return_reason="AC04"),))
    await take(database, statement(Ntry("100.00", OUT, reference="B1"), back, closing="-2.00"))
    await settle(database, 1, ("PAYMENT", PAYMENT, -10_000))

    await settle(database, 2, ("RETURN", PAYMENT, 10_000), ("BANK_CHARGE", PAYMENT, -200))

    assert await state_of(database) == ("RETURNED", "AC04")
    assert await books(database) == {BANK: -200, CHARGES: 200}


async def test_a_remittance_is_taken_in_part_and_in_full(database):
    await set_up(database)
    await remittance(database)
    await take(database, came("60.00", "40.00"))
    name = "PAY-2026-09-GB-HUB"

    await settle(database, 1, ("REMITTANCE_IN", name, 10_000), ("SHORT_PAYMENT", name, -4_000))
    await settle(database, 2, ("REMITTANCE_IN", name, 4_000))
    assert await books(database) == {BANK: 10_000, DUE: -10_000}

    await undo(database, 1)
    assert await books(database) == {BANK: 10_000, SUSPENSE: -6_000, DUE: -4_000}


async def test_money_between_own_accounts_passes_the_exchange_account(database):
    await set_up(database)
    other = "GB82WEST12345698765432"
    async with database.write("test") as session:
        await open_account(session, other, name="Second")
    await take(database, came("75.00", direction=OUT))
    coming = Ntry("75.00", IN, reference="B1")
    await take(database, statement(coming, closing="75.00", account=other))

    await settle(database, 1, ("OWN_TRANSFER", other, -7_500))
    assert await books(database) == {SUSPENSE: -7_500, CLEARING: 7_500}
    await settle(database, 2, ("OWN_TRANSFER", "DE89370400440532013000", 7_500))
    assert await books(database) == {}


async def test_the_legs_of_a_deal_in_currency_close_the_position(database):
    await set_up(database)
    other = "GB82WEST12345698765432"
    open_position = (
        Posting(DUE, CLEARING, 10_000, "EUR"),
        Posting(CLEARING, DUE, 8_500, "GBP"),
    )
    deal = deals.Deal(
        "FX-1", Amount(10_020, "EUR"), 10_000, Amount(8_490, "GBP"), 8_500, date(2026, 10, 7)
    )
    async with database.write("test") as session:
        await open_account(session, other, currency="GBP", name="Sterling")
        await post(session, [Entry(date(2026, 10, 5), "position", "Position", open_position)])
        await deals.record_conversion(session, "HUB", deal, who="alice", at=NOW)
    await take(database, came("100.20", direction=OUT))
    coming = Ntry("84.90", IN, reference="B1", currency="GBP")
    await take(database, statement(coming, closing="84.90", account=other, currency="GBP"))

    await settle(database, 1, ("CONVERSION", "FX-1/SOLD", -10_020))
    await settle(database, 2, ("CONVERSION", "FX-1/BOUGHT", 8_490))
    async with database.read() as session:
        found = await balances(session)
    assert CLEARING not in found
    assert SUSPENSE not in found
    assert found[REALISED] == {"EUR": 20, "GBP": 10}

    await undo(database, 1)
    async with database.read() as session:
        assert (await balances(session))[CLEARING] == {"EUR": -10_000}
    await settle(database, 1, ("CONVERSION", "FX-1/SOLD", -10_020))
    async with database.read() as session:
        assert await balances(session) == found


async def test_no_transfer_to_an_account_that_is_not_ours(database):
    await set_up(database)
    await take(database, came("75.00", direction=OUT))

    for number in ("GB82WEST12345698765432", "DE89370400440532013000"):
        found = await refused(
            database, NotExpectedError, settling_(1, ("OWN_TRANSFER", number, -7_500))
        )
        assert found.code == "NOT_EXPECTED"


async def by_hand(database, amount=100_000, key="r-1"):
    async with database.write("receipt") as session:
        receipt = await licence_books.record_receipt(
            session,
            number=LICENCE,
            received_on=date(2026, 10, 16),
            amount=amount,
            who=OFFICER,
            key=key,
            here="HUB",
            now=NOW,
        )
        return receipt.id


async def test_a_receipt_entered_by_hand_is_met_by_its_entry_once(database):
    await set_up(database, "100000")
    receipt = await by_hand(database)
    await take(database, came("1000.00", "1000.00"))

    await settle(database, 1, ("RECORDED_RECEIPT", receipt, 100_000))

    assert await books(database) == {BANK: 200_000, UNEARNED: -100_000, SUSPENSE: -100_000}
    again = await refused(
        database, BadItemError, settling_(2, ("RECORDED_RECEIPT", receipt, 100_000))
    )
    assert "matched to another entry" in again.message
    await refused(database, NotExpectedError, settling_(2, ("RECORDED_RECEIPT", "no", 100_000)))


async def test_a_receipt_made_from_an_entry_is_not_one_entered_by_hand(database):
    await set_up(database, "100000")
    await take(database, came("1000.00", "1000.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000))
    async with database.read() as session:
        [receipt] = await licensing.receipts_of(session, LICENCE)

    await refused(database, BadItemError, settling_(2, ("RECORDED_RECEIPT", receipt.id, 100_000)))


PAID = ("INVOICE", LICENCE, 100_000)


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ([], BadItemError),
        ([("INVOICE", LICENCE, 99_999)], UnbalancedItemsError),
        ([("INVOICE", "HUB-000009", 100_000)], NotExpectedError),
        ([("INVOICE", LICENCE, 50_000), ("INVOICE", LICENCE, 50_000)], BadItemError),
        ([("INVOICE", LICENCE, 99_000), ("BANK_CHARGE", "", 1_000)], BadItemError),
        ([("INVOICE", LICENCE, 100_001), ("BANK_CHARGE", "", -1)], BadItemError),
        ([("INVOICE", LICENCE, 110_000), ("TAX_WITHHELD", LICENCE, -10_000)], BadItemError),
        ([("TAX_WITHHELD", "HUB-000002", -1, "c"), ("INVOICE", LICENCE, 100_001)], BadItemError),
        ([("SHORT_PAYMENT", LICENCE, 1), ("INVOICE", LICENCE, 99_999)], BadItemError),
        ([("PAYMENT", PAYMENT, 100_000)], BadItemError),
        ([("GIFT", "", 100_000)], BadItemError),
        ([("BANK_CHARGE", "", 0), ("INVOICE", LICENCE, 100_000)], BadItemError),
        ([("INVOICE", "", 100_000)], BadItemError),
        ([PAID, ("BANK_CHARGE", "quatsch", -100), ("FX_DIFFERENCE", "", 100)], BadItemError),
        ([PAID, ("BANK_CHARGE", "", -100), ("FX_DIFFERENCE", "quatsch", 100)], BadItemError),
        ([PAID, ("BANK_CHARGE", "", -100), ("OVERPAYMENT", "quatsch", 100)], BadItemError),
        ([("BANK_CHARGE", LICENCE, 100_000)], BadItemError),
    ],
)
async def test_items_that_cannot_be_settle_nothing(database, items, kind):
    await set_up(database, "100000")
    await take(database, came("1000.00"))

    await refused(database, kind, settling_(1, *items))


async def test_beyond_the_limit_another_person_approves(database):
    await set_up(database, "100000")
    await take(database, came("899.99"))
    items = [("INVOICE", LICENCE, 100_000), ("BANK_CHARGE", "", -10_001)]
    before = await books(database)

    match = await settle(database, 1, *items)

    assert (match.act, await states(database)) == ("PROPOSED", [(1, "PROPOSED")])
    assert (await books(database), await received(database)) == (before, [])
    await refused(database, EntryProposedError, settling_(1, *items, who=SECOND))
    await refused(
        database, SamePersonError, lambda session: banking_settling.approve(at(session, OFFICER), 1)
    )
    await approve(database, 1)
    assert await states(database) == [(1, "SETTLED")]
    assert await books(database) == {BANK: 89_999, UNEARNED: -100_000, CHARGES: 10_001}
    async with database.read() as session:
        [receipt] = await licensing.receipts_of(session, LICENCE)
    assert receipt.recorded_by == OFFICER.subject  # who entered it; the approver stays free


async def test_at_the_limit_one_person_is_enough(database):
    await set_up(database, "100000")
    await take(database, came("900.00"))

    match = await settle(database, 1, ("INVOICE", LICENCE, 100_000), ("BANK_CHARGE", "", -10_000))

    assert match.act == "SETTLED"


async def test_a_word_on_a_settlement_is_kept_whole_or_refused(database):
    await set_up(database, "100000")
    await take(database, came("1000.00"))
    item = ("INVOICE", LICENCE, 100_000)

    await refused(database, ReasonError, settling_(1, item, reason="x" * 2_001))
    async with database.write("settle") as session:
        match = await settling_(1, item, reason=" " + "x" * 2_000)(session)

    assert match.reason == "x" * 2_000


async def test_a_proposal_is_withdrawn_and_another_may_follow(database):
    await set_up(database, "100000")
    await take(database, came("899.99"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000), ("BANK_CHARGE", "", -10_001))

    await undo(database, 1)
    await refused(
        database,
        NotSettledError,
        lambda session: banking_settling.approve(at(session, APPROVER), 1),
    )
    await settle(database, 1, ("INVOICE", LICENCE, 100_000), ("SHORT_PAYMENT", LICENCE, -10_001))

    async with database.read() as session:
        acts = [row.act for row in await store.matches_of(session, 1)]
    assert acts == ["PROPOSED", "UNDONE", "SETTLED"]


async def test_what_was_looked_at_is_approved_and_nothing_that_took_its_place(database):
    await set_up(database, "100000")
    await take(database, came("899.99"))
    seen = [("INVOICE", LICENCE, 100_000), ("BANK_CHARGE", "", -10_001)]
    await settle(database, 1, *seen)
    await undo(database, 1)
    await settle(database, 1, seen[0], ("BANK_CHARGE", LICENCE, -10_001))

    await refused(
        database,
        OtherProposalError,
        lambda session: banking_settling.approve(at(session, APPROVER), 1, 1),
    )
    async with database.write("approve") as session:
        match = await banking_settling.approve(at(session, APPROVER), 1, 3)

    assert (match.act, match.number) == ("SETTLED", 4)


async def test_an_approval_that_no_longer_fits_is_refused(database):
    await set_up(database, "100000")
    await take(database, came("899.99", "1000.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000), ("BANK_CHARGE", "", -10_001))
    await settle(database, 2, ("INVOICE", LICENCE, 100_000))

    await refused(
        database,
        NotExpectedError,
        lambda session: banking_settling.approve(at(session, APPROVER), 1),
    )


INVOICE, TAX = ("INVOICE", LICENCE, 100_000), ("TAX_WITHHELD", LICENCE, -15_000, "c 7")
REMITTANCE = ("REMITTANCE_IN", "PAY-2026-09-GB-HUB", 10_000)

ALL_KINDS = [
    ("845.00", IN, [INVOICE, TAX, ("BANK_CHARGE", "", -500)]),
    ("1005.00", IN, [INVOICE, ("OVERPAYMENT", LICENCE, 500)]),
    ("100.30", OUT, [("PAYMENT", PAYMENT, -10_000), ("BANK_CHARGE", PAYMENT, -30)]),
    ("99.00", IN, [REMITTANCE, ("FX_DIFFERENCE", "", -100)]),
]


@pytest.mark.parametrize(("amount", "direction", "items"), ALL_KINDS)
async def test_undoing_reverses_everything_as_often_as_needed(database, amount, direction, items):
    await set_up(database, "100000")
    await exported(database)
    await remittance(database)
    await take(database, came(amount, direction=direction))
    before = await books(database)
    async with database.read() as session:
        waited = await settling.waited_for(session, "HUB", NOW)

    for _ in range(2):
        await settle(database, 1, *items)
        assert SUSPENSE not in await books(database)
        await undo(database, 1)

        assert await books(database) == before
        assert await states(database) == [(1, "OPEN")]
        async with database.read() as session:
            assert await settling.waited_for(session, "HUB", NOW) == waited
    assert sum(await received(database)) == 0


async def test_undoing_takes_a_reason_and_something_to_undo(database):
    await set_up(database, "100000")
    await take(database, came("1000.00"))

    await refused(database, NotSettledError, lambda s: banking_settling.undo(at(s), 1, "why"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000))
    for reason in ("", "  ", "x" * 2_001):
        await refused(
            database, ReasonError, lambda s, why=reason: banking_settling.undo(at(s), 1, why)
        )


async def test_a_payment_that_came_back_is_not_undone_before_its_return(database):
    await set_up(database)
    await exported(database)
    await take(
        database,
        statement(
            Ntry("100.00", OUT, reference="B1"), Ntry("100.00", IN, reference="B2"), closing="0.00"
        ),
    )
    await settle(database, 1, ("PAYMENT", PAYMENT, -10_000))
    await settle(database, 2, ("RETURN", PAYMENT, 10_000))

    found = await refused(
        database, UndoBlockedError, lambda s: banking_settling.undo(at(s), 1, "why")
    )
    assert found.code == "UNDO_BLOCKED"
    await undo(database, 2)
    await undo(database, 1)
    assert await state_of(database) == ("EXPORTED", None)


async def test_of_two_officers_at_once_the_second_is_refused(backend):
    """Two servers' worth of connections, as two processes would have."""
    async with (
        backend.url(migrated=True) as url,
        opened(url) as first,
        opened(url) as second,
    ):
        await set_up(first, "100000")
        await take(first, came("1000.00"))
        both = asyncio.gather(
            settle(first, 1, ("INVOICE", LICENCE, 100_000), who=OFFICER),
            settle(second, 1, ("INVOICE", LICENCE, 100_000), who=SECOND),
            return_exceptions=True,
        )
        done, late = sorted(await both, key=lambda result: isinstance(result, Exception))

        assert done.act == "SETTLED"
        assert isinstance(late, EntrySettledError)
        assert late.code == "ENTRY_SETTLED"
        assert done.acted_by in late.message
        assert await received(first) == [100_000]
        assert await books(first) == {BANK: 100_000, UNEARNED: -100_000}


async def test_the_database_itself_takes_one_act_of_a_number(database):
    """The last guard: whatever the code believes, an entry has one first act."""
    await set_up(database, "100000")
    await take(database, came("1000.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000))

    async def twice(session):
        session.add(
            Match(
                entry_id=1,
                number=1,
                act="SETTLED",
                match_of=None,
                reason="",
                acted_by="x",
                acted_at=NOW,
            )
        )
        await session.flush()

    await refused(database, IntegrityError, twice)
