import pytest
from lxml import etree

from federation.bankfiles.pain001 import NAMESPACE
from federation.ledger.entries import too_small_to_remit
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.postings import Amount, BankAmountError
from federation.payments.service import PaymentConflictError
from federation.payments.set_off import Used
from federation.payments.states import PaymentStateError
from federation.settlement.clearing import Position
from federation.treasury import bankword, exporting
from federation.treasury.exporting import NothingToExportError
from federation.trust.principals import SamePersonError
from federation.values.account import PaymentAccount
from federation.values.reason import ReasonError
from tests.databases import contents, refused
from tests.payments.factories import (
    BOOKED_ON,
    CHECKER,
    GB_ACCOUNT,
    HUB_ACCOUNT,
    MAKER,
    NOW,
    RETURNED_ON,
    VALUE_ON,
    a_payment,
    approved,
    balances,
    exported,
)
from tests.payments.schemas import SCHEMA

NS = {"p": NAMESPACE}
DUE, TRANSIT = "Liabilities:HUB:Due:GB", "Liabilities:HUB:InTransit"
ENTRY, EXCHANGE = "Liabilities:HUB:Suspense:BankEntry", "Equity:HUB:Clearing"
REALISED = "Equity:HUB:FxRealised"
WHOLE = Amount(8_500, "GBP")
BANK = {"who": "bank", "at": NOW}
ID = "PAY-2026-09-HUB-GB"


async def states_of(session, payment_id=ID):
    return [event.state for event in await payments_store.events(session, payment_id)]


async def test_a_payment_goes_from_proposal_to_the_banks_word(database):
    async with database.write("test") as session:
        payment = await exported(session)
        await bankword.accept(session, payment, **BANK)
        in_transit = await balances(session)
        await bankword.book(session, payment, BOOKED_ON, WHOLE, **BANK)
        booked = await balances(session)

        assert in_transit == {DUE: {"EUR": 10_000}, TRANSIT: {"EUR": -10_000}}
        assert booked == {
            DUE: {"EUR": 10_000},
            EXCHANGE: {"EUR": -10_000, "GBP": 8_500},
            ENTRY: {"GBP": -8_500},
        }
        assert payment.booked_on == BOOKED_ON
        events = await payments_store.events(session, ID)
        assert [(event.state, event.who, event.reference) for event in events] == [
            ("PROPOSED", MAKER, None),
            ("APPROVED", CHECKER, None),
            ("EXPORTED", MAKER, "PAY-HUB-000001"),
            ("ACCEPTED", "bank", None),
            ("BOOKED", "bank", None),
        ]


@pytest.mark.parametrize(
    ("bank_amount", "realised"), [(10_130, 130), (9_900, -100), (10_000, None)]
)
async def test_what_the_banks_exchange_costs_is_realised(database, bank_amount, realised):
    async with database.write("test") as session:
        payment = await exported(session)
        await bankword.book(session, payment, BOOKED_ON, Amount(bank_amount, "EUR"), **BANK)

        found = await balances(session)

        assert found.pop(REALISED, {"EUR": None}) == {"EUR": realised}
        assert found == {DUE: {"EUR": 10_000}, ENTRY: {"EUR": -bank_amount}}


async def test_the_file_is_valid_has_its_number_as_message_id_and_is_the_same_again(database):
    async with database.write("test") as session:
        payments = [
            await approved(session),
            await approved(session, payment_id="PAY-2026-09-HUB-FR", payee="FR"),
        ]
        document = await exporting.export(session, payments, value_on=VALUE_ON, who=MAKER, at=NOW)
        again = await exporting.export(
            session, payments, value_on=VALUE_ON, who="other", at=NOW.replace(day=6)
        )

        root = etree.fromstring(document.body)
        SCHEMA.assertValid(root)
        assert (document.number, document.series) == ("PAY-HUB-000001", "PAY")
        assert root.findtext(".//p:MsgId", namespaces=NS) == "PAY-HUB-000001"
        assert root.findtext(".//p:CtrlSum", namespaces=NS) == "170.00"
        assert root.findtext(".//p:ReqdExctnDt/p:Dt", namespaces=NS) == "2026-10-15"
        assert again.body == document.body
        assert await states_of(session) == ["PROPOSED", "APPROVED", "EXPORTED"]
        assert await balances(session) == {DUE: {"EUR": 20_000}, TRANSIT: {"EUR": -20_000}}


async def test_a_rejected_payment_is_owed_again(database):
    async with database.write("test") as session:
        payment = await exported(session)
        await bankword.reject(session, payment, "AC04", reference="pain.002/1", **BANK)
        await bankword.reject(session, payment, "AC04", **BANK)

        assert (payment.state, payment.reason) == ("REJECTED", "AC04")
        assert await balances(session) == {}
        assert await states_of(session) == ["PROPOSED", "APPROVED", "EXPORTED", "REJECTED"]


async def test_a_returned_payment_is_owed_again(database):
    same = {"debt_amount": 8_500, "debt_currency": "GBP"}
    async with database.write("test") as session:
        payment = await exported(session, **same)
        await bankword.book(session, payment, BOOKED_ON, WHOLE, **BANK)
        await bankword.record_return(session, payment, RETURNED_ON, WHOLE, "AC01", **BANK)

        assert (payment.state, payment.reason) == ("RETURNED", "AC01")
        assert payment.returned_on == RETURNED_ON
        assert await balances(session) == {}  # the two bank entries too


async def test_what_the_bank_said_is_taken_back_by_reversal_as_often_as_needed(database):
    async with database.write("test") as session:
        payment = await exported(session)
        for amount in (8_500, 8_500):
            await bankword.book(session, payment, BOOKED_ON, Amount(amount, "GBP"), **BANK)
            await bankword.undo(session, payment, "another entry", who=MAKER, at=NOW)
        after = await balances(session)
        await bankword.book(session, payment, BOOKED_ON, Amount(10_050, "EUR"), **BANK)
        await bankword.record_return(session, payment, RETURNED_ON, WHOLE, "AC01", **BANK)
        await bankword.undo(session, payment, "not ours", who=MAKER, at=NOW)

        assert after == {DUE: {"EUR": 10_000}, TRANSIT: {"EUR": -10_000}}
        assert await balances(session) == {
            DUE: {"EUR": 10_000},
            REALISED: {"EUR": 50},
            ENTRY: {"EUR": -10_050},
        }
        assert payment.state == "BOOKED"
        await bankword.undo(session, payment, "another entry", who=MAKER, at=NOW)
        assert await balances(session) == after
        assert (payment.state, payment.booked_on) == ("EXPORTED", None)


async def test_a_missing_account_leaves_it_outstanding_until_there_is_one(database):
    async with database.write("test") as session:
        payment = await a_payment(session, payee_account=None)
        assert (payment.state, payment.reason) == ("OUTSTANDING", "ACCOUNT_MISSING")

        await a_payment(session, payee_account=GB_ACCOUNT, who="bob")

        assert (payment.state, payment.reason, payment.proposed_by) == ("PROPOSED", None, "bob")
        assert await states_of(session) == ["OUTSTANDING", "PROPOSED"]


async def test_what_is_set_off_is_not_paid(database):
    async with database.write("test") as session:
        part = await exported(session, set_off=Used(500, 588))
        whole = await a_payment(
            session, payment_id="PAY-2026-09-HUB-FR", payee="FR", set_off=Used(9_999, 9_999)
        )

        assert (part.amount, part.debt_amount, part.set_off) == (8_000, 9_412, 500)
        assert await balances(session) == {DUE: {"EUR": 9_412}, TRANSIT: {"EUR": -9_412}}
        assert (whole.state, whole.amount, whole.set_off) == ("SET_OFF", 0, 8_500)


async def test_proposing_the_same_again_changes_nothing_another_is_refused(database):
    async with database.write("test") as session:
        await a_payment(session)
        await a_payment(session)
        assert await states_of(session) == ["PROPOSED"]

    await refused(database, PaymentConflictError, lambda session: a_payment(session, amount=8_501))


async def step(database, act):
    async with database.write("test") as session:
        await act(session)


@pytest.mark.parametrize("who", [MAKER, f"{MAKER} ", MAKER.upper(), f"\u200b{MAKER}"])
async def test_nobody_approves_what_they_proposed_however_they_are_written(database, who):
    await step(database, a_payment)
    before = await contents(database)

    async def approve(session):
        payment = await payments_service.get_payment(session, ID)
        await payments_service.approve(session, payment, who=who, at=NOW)

    assert (await refused(database, SamePersonError, approve)).code == "SAME_PERSON"
    assert await contents(database) == before


CALLS = {
    "approve": lambda s, p: payments_service.approve(s, p, who=CHECKER, at=NOW),
    "cancel": lambda s, p: payments_service.cancel(s, p, "wrong", who=MAKER, at=NOW),
    "export": lambda s, p: exporting.export(s, [p], value_on=VALUE_ON, who=MAKER, at=NOW),
    "accept": lambda s, p: bankword.accept(s, p, **BANK),
    "reject": lambda s, p: bankword.reject(s, p, "AC04", **BANK),
    "book": lambda s, p: bankword.book(s, p, BOOKED_ON, WHOLE, **BANK),
    "record_return": lambda s, p: bankword.record_return(s, p, RETURNED_ON, WHOLE, "AC01", **BANK),
    "undo": lambda s, p: bankword.undo(s, p, "wrong", who=MAKER, at=NOW),
}

PATHS = {
    "OUTSTANDING": [],
    "PROPOSED": [],
    "CANCELLED": ["cancel"],
    "APPROVED": ["approve"],
    "EXPORTED": ["approve", "export"],
    "ACCEPTED": ["approve", "export", "accept"],
    "REJECTED": ["approve", "export", "reject"],
    "BOOKED": ["approve", "export", "book"],
    "RETURNED": ["approve", "export", "book", "record_return"],
}


# What changes a payment, and what is done already and changes nothing.
ALLOWED = {
    "OUTSTANDING": {"cancel"},
    "PROPOSED": {"approve", "cancel"},
    "CANCELLED": {"cancel"},
    "APPROVED": {"approve", "cancel", "export"},
    "EXPORTED": {"export", "accept", "reject", "book"},
    "ACCEPTED": {"export", "accept", "reject", "book"},
    "REJECTED": {"export", "reject"},
    "BOOKED": {"export", "accept", "record_return", "undo"},
    "RETURNED": {"export", "undo"},
}


@pytest.mark.parametrize("state", PATHS)
async def test_only_the_steps_that_may_follow_are_taken(database, state):
    account = None if state == "OUTSTANDING" else HUB_ACCOUNT

    async def arrive(session):
        payment = await a_payment(session, payer_account=account)
        for name in PATHS[state]:
            await CALLS[name](session, payment)
        assert payment.state == state

    await step(database, arrive)

    for name in sorted(CALLS.keys() - ALLOWED[state]):

        async def act(session, name=name):
            await CALLS[name](session, await payments_service.get_payment(session, ID))

        assert (await refused(database, PaymentStateError, act)).code == "PAYMENT_STATE"


@pytest.mark.parametrize(("amount", "currency"), [(8_499, "GBP"), (8_501, "GBP"), (0, "EUR")])
async def test_the_bank_pays_exactly_what_was_to_be_paid(database, amount, currency):
    await step(database, exported)

    async def book(session):
        payment = await payments_service.get_payment(session, ID)
        await bankword.book(session, payment, BOOKED_ON, Amount(amount, currency), **BANK)

    assert (await refused(database, BankAmountError, book)).code == "BANK_AMOUNT"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2_001])
async def test_a_reason_is_a_reason(database, reason):
    await step(database, a_payment)

    async def cancel(session):
        await payments_service.cancel(
            session, await payments_service.get_payment(session, ID), reason, who=MAKER, at=NOW
        )

    assert (await refused(database, ReasonError, cancel)).code == "REASON"


async def test_an_empty_file_is_no_file(database):
    async def export(session):
        await exporting.export(session, [], value_on=VALUE_ON, who=MAKER, at=NOW)

    assert (await refused(database, NothingToExportError, export)).code == "NOTHING_TO_EXPORT"


async def test_a_labs_account_is_named_by_an_officer_and_a_refund_then_takes_two_people(database):
    refund = {
        "kind": "REFUND",
        "payee": "lab:lab-one",
        "payee_account": None,
        "payment_id": "REFUND-CN-HUB-000001",
    }
    lab = PaymentAccount("Lab One", "IBAN", "DE75512108001245126199", None, None)
    async with database.write("test") as session:
        payment = await a_payment(session, **refund)
        await a_payment(session, payee_account=None)  # a collective's is not named here
        await payments_service.name_account(session, payment, HUB_ACCOUNT, lab, who="bob", at=NOW)
        await payments_service.approve(session, payment, who=CHECKER, at=NOW)
        assert (payment.proposed_by, payment.approved_by) == ("bob", CHECKER)

    async def name(session, payment_id=ID, account=lab):
        payment = await payments_service.get_payment(session, payment_id)
        await payments_service.name_account(
            session, payment, HUB_ACCOUNT, account, who="bob", at=NOW
        )

    assert (await refused(database, PaymentStateError, name)).code == "PAYMENT_STATE"


async def test_who_has_no_account_to_pay_from_names_no_payees(database):
    """It was said to be done, and the account that was named was nowhere."""
    lab = PaymentAccount("Lab One", "IBAN", "DE75512108001245126199", None, None)
    async with database.write("test") as session:
        payment = await a_payment(session, kind="REFUND", payee="lab:lab-one", payee_account=None)

    async def name(session):
        row = await payments_service.get_payment(session, payment.payment_id)
        await payments_service.name_account(session, row, None, lab, who="bob", at=NOW)

    refusal = await refused(database, payments_service.NoOwnAccountError, name)
    async with database.read() as session:
        row = await payments_service.get_payment(session, payment.payment_id)
        kept = row.state, row.payee_account
    assert (refusal.code, kept) == ("NO_OWN_ACCOUNT", ("OUTSTANDING", None))


def test_a_position_that_converts_to_nothing_is_given_up_at_once():
    positions = {"JP": Position(3, 0), "GB": Position(0, 2), "FR": Position(9, 0)}

    found = too_small_to_remit(positions, {"JP": 0, "GB": 0, "FR": 9}, "EUR")

    assert [(row.debit, row.credit, row.amount) for row in found] == [
        ("Equity:HUB:FxRounding", "Liabilities:HUB:Due:GB", 2),
        ("Liabilities:HUB:Due:JP", "Equity:HUB:FxRounding", 3),
    ]
