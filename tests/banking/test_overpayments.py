"""What was paid too much goes back, or is set off against something else: each by two people."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest
from sqlalchemy import event, select

from federation.banking import overpayments, set_offs, settling, store
from federation.banking.effects import NotExpectedError, UndoBlockedError
from federation.banking.items import BadItemError
from federation.banking.overpayments import UnknownOverpaymentError
from federation.banking.set_offs import SetOffStateError
from federation.banking.settling import undo as undo_entry
from federation.banking.tables import OverpaymentSetOff
from federation.banking.worklist import of_banking
from federation.licensing import store as licensing
from federation.months.tables import LockedPeriod
from federation.payments import ahead, refunds
from federation.payments import service as payments
from federation.payments.incoming import EXCLUDED, expect
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited
from federation.payments.states import PaymentStateError
from federation.payments.store import find_incoming, undone_receipts
from federation.store.tables import OutboxMessage
from federation.treasury import bankword, exporting
from federation.trust.principals import SamePersonError
from federation.values.reason import ReasonError
from tests.banking.bank import Ntry, Tx, statement
from tests.banking.counter import (
    APPROVER,
    BANK,
    HUB,
    NOW,
    OFFICER,
    RECEIVABLE,
    SUSPENSE,
    UNEARNED,
    at,
    books,
    received,
    remittance,
    set_up,
    settle,
    settling_,
    take,
    undo,
)
from tests.banking.overpaid import (
    LICENCE,
    OF_GB,
    OF_LAB,
    OP,
    OTHER,
    REFUND,
    approve,
    overpaid,
    set_off,
)
from tests.databases import refused
from tests.payments.factories import HUB_ACCOUNT, a_payment

OVERPAID, TRANSIT = "Liabilities:HUB:Suspense:Overpaid", "Liabilities:HUB:InTransit"
PAID = "PAY-2026-09-HUB-GB"


async def left(database):
    async with database.read() as session:
        found = await overpayments.overpayments(session, "HUB")
    return {row.id: (row.kind, row.party, row.left.minor) for row in found}


async def waiting(database):
    async with database.read() as session:
        items = await of_banking(session, "HUB")
    return [(item.kind, item.subject, item.why, item.turn) for item in items]


async def refund(database, who=OFFICER):
    async with database.write("refund") as session:
        return await overpayments.refund(at(session, who), OP, HUB_ACCOUNT)


def refunding(session):
    return overpayments.refund(at(session), OP, HUB_ACCOUNT)


def setting_off(kind, ref, reason="as agreed"):
    return lambda session: set_offs.propose_set_off(at(session), OP, kind, ref, reason)


async def test_an_overpayment_goes_back_to_the_account_it_came_from(database):
    await overpaid(database)
    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 30_000)}
    assert await waiting(database) == [
        ("overpayment", OP, "300.00 EUR of lab:lab-one: pay back or set off", "settlement_officer")
    ]

    payment = await refund(database)

    assert (payment.payment_id, payment.kind, payment.state) == (REFUND, "REFUND", "PROPOSED")
    assert (payment.payee, payment.amount, payment.currency) == ("lab:lab-one", 30_000, "EUR")
    assert OF_LAB in (payment.payee_account or "")
    assert (await left(database), await waiting(database)) == ({}, [])
    await refused(database, UnknownOverpaymentError, refunding)
    async with database.write("pay") as session:
        payment = await payments.get_payment(session, REFUND)
        await payments.approve(session, payment, who=APPROVER.subject, at=NOW)
        document = await exporting.export(
            session, [payment], value_on=date(2026, 10, 20), who=OFFICER.subject, at=NOW
        )
    assert f"<EndToEndId>{REFUND}</EndToEndId>".encode() in document.body
    assert b'<InstdAmt Ccy="EUR">300.00</InstdAmt>' in document.body
    assert await books(database) == {
        BANK: 130_000,
        RECEIVABLE: 20_000,
        UNEARNED: -120_000,
        TRANSIT: -30_000,
    }

    leaving = Ntry(
        "300.00", "DBIT", reference="B2", booked_on="2026-10-17", txs=(Tx("300.00", e2e=REFUND),)
    )
    file = statement(
        leaving, opening="1300.00", closing="1000.00", statement_id="STM-2", sequence=2
    )
    await take(database, file)
    assert await books(database) == {BANK: 100_000, RECEIVABLE: 20_000, UNEARNED: -120_000}


async def test_who_proposes_a_refund_does_not_approve_it(database):
    await overpaid(database)
    await refund(database)

    async def alone(session):
        payment = await payments.get_payment(session, REFUND)
        await payments.approve(session, payment, who=OFFICER.subject, at=NOW)

    await refused(database, SamePersonError, alone)


async def test_a_refund_waits_for_an_account_where_the_bank_names_none(database):
    await overpaid(database, account=None)

    payment = await refund(database)

    assert (payment.state, payment.reason) == ("OUTSTANDING", "ACCOUNT_MISSING")


async def test_a_refund_that_came_back_is_open_again_and_paid_anew_once(database):
    await overpaid(database)
    await refund(database)
    async with database.write("cancel") as session:
        payment = await payments.get_payment(session, REFUND)
        await payments.cancel(session, payment, "a mistake", who=OFFICER.subject, at=NOW)
    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 30_000)}

    again = await refund(database)

    assert (again.payment_id, again.replaces, again.amount) == (f"{REFUND}/2", REFUND, 30_000)

    async def once_more(session):
        payment = await payments.get_payment(session, REFUND)
        await payments.again(session, payment, HUB_ACCOUNT, HUB_ACCOUNT, who="x", at=NOW)

    await refused(database, PaymentStateError, once_more)


async def test_an_overpayment_is_set_off_against_another_invoice_by_two_people(database):
    await overpaid(database)
    before = await books(database)

    number = await set_off(database, "INVOICE", OTHER)

    assert await books(database) == before
    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 10_000)}
    assert [item for item in await waiting(database) if item[0] == "set-off"] == [
        (
            "set-off",
            str(number),
            f"olga sets 200.00 EUR of {OP} off against {OTHER}: as agreed",
            "settlement_approver",
        )
    ]
    await refused(
        database,
        SamePersonError,
        lambda session: set_offs.approve_set_off(at(session, OFFICER), number),
    )

    assert await approve(database, number) == ("APPROVED", "anna")
    assert await approve(database, number) == ("APPROVED", "anna")

    assert await books(database) == {BANK: 130_000, UNEARNED: -120_000, OVERPAID: -10_000}
    assert await received(database) == [100_000]
    async with database.read() as session:
        [receipt] = await licensing.receipts_of(session, OTHER)
    assert (receipt.amount, receipt.recorded_by) == (20_000, "olga")
    assert receipt.received_on == NOW.date()
    await refused(database, NotExpectedError, setting_off("INVOICE", OTHER))  # it is paid by now
    rest = await refund(database)
    assert rest.amount == 10_000


async def test_an_overpayment_is_set_off_against_a_remittance_of_the_same_party(database):
    await set_up(database)
    await remittance(database)
    name = "PAY-2026-09-GB-HUB"
    entry = Ntry("30.00", reference="B1")
    await take(database, statement(entry, closing="30.00"))
    await settle(database, 1, ("OVERPAYMENT", name, 3_000))
    assert await left(database) == {"OP-1-1": ("OVERPAYMENT", "GB", 3_000)}

    await approve(database, await set_off(database, "REMITTANCE_IN", name, "OP-1-1"))

    assert await books(database) == {BANK: 3_000, "Liabilities:HUB:Due:GB": -3_000}
    assert await left(database) == {}


async def test_the_payer_of_an_overpayment_is_that_of_the_invoice_beside_it(database):
    await set_up(database, "100000", "20000")
    await take(database, statement(Ntry("1300.00", reference="B1"), closing="1300.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000), ("OVERPAYMENT", "", 30_000))

    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 30_000)}
    await approve(database, await set_off(database, "INVOICE", OTHER))
    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 10_000)}


async def test_an_overpayment_beside_two_payers_or_alone_is_of_nobody_that_is_named(database):
    await set_up(database, "100000")
    await remittance(database)
    name = "PAY-2026-09-GB-HUB"
    entries = Ntry("1200.00", reference="B1"), Ntry("50.00", reference="B2")
    await take(database, statement(*entries, closing="1250.00"))
    both = [("INVOICE", LICENCE, 100_000), ("REMITTANCE_IN", name, 10_000)]
    await settle(database, 1, *both, ("OVERPAYMENT", "", 10_000))
    await settle(database, 2, ("OVERPAYMENT", "", 5_000))

    assert await left(database) == {
        "OP-1-3": ("OVERPAYMENT", "entry:1", 10_000),
        "OP-2-1": ("OVERPAYMENT", "entry:2", 5_000),
    }


async def test_an_overpayment_of_an_unknown_reference_is_refused(database):
    await set_up(database, "100000")
    await take(database, statement(Ntry("1300.00", reference="B1"), closing="1300.00"))

    for ref in ("nonsense", "HUB-000009", "hub-000001"):
        items = ("INVOICE", LICENCE, 100_000), ("OVERPAYMENT", ref, 30_000)
        await refused(database, BadItemError, settling_(1, *items))
    assert await left(database) == {}


async def test_a_set_off_that_does_not_fit_is_refused_and_writes_nothing(database):
    await overpaid(database)
    await remittance(database)

    for kind, ref, refusal in (
        ("INVOICE", LICENCE, NotExpectedError),
        ("INVOICE", "HUB-000009", NotExpectedError),
        ("REMITTANCE_IN", "PAY-2026-09-GB-HUB", BadItemError),  # another party owes it
        ("BANK_CHARGE", LICENCE, BadItemError),
    ):
        await refused(database, refusal, setting_off(kind, ref))
    await refused(database, ReasonError, setting_off("INVOICE", OTHER, reason=" "))
    await refused(
        database, SetOffStateError, lambda session: set_offs.approve_set_off(at(session), 1)
    )


async def test_a_set_off_whose_invoice_was_paid_meanwhile_is_not_approved_but_withdrawn(database):
    await overpaid(database)
    number = await set_off(database, "INVOICE", OTHER)
    late = Ntry("200.00", reference="B2", booked_on="2026-10-17")
    await take(
        database,
        statement(late, opening="1300.00", closing="1500.00", statement_id="STM-2", sequence=2),
    )
    await settle(database, 2, ("INVOICE", OTHER, 20_000))

    await refused(
        database,
        NotExpectedError,
        lambda session: set_offs.approve_set_off(at(session, APPROVER), number),
    )
    async with database.write("withdraw") as session:
        await set_offs.withdraw_set_off(at(session), number)

    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 30_000)}
    await refused(
        database,
        SetOffStateError,
        lambda session: set_offs.approve_set_off(at(session, APPROVER), number),
    )


async def test_a_cancelled_refund_is_not_proposed_again_beside_a_set_off(database):
    await overpaid(database)
    await refund(database)
    async with database.write("cancel") as session:
        payment = await payments.get_payment(session, REFUND)
        await payments.cancel(session, payment, "set off instead", who="olga", at=NOW)
    await approve(database, await set_off(database, "INVOICE", OTHER))

    async def once_more(session):
        payment = await payments.get_payment(session, REFUND)
        await payments.again(session, payment, HUB_ACCOUNT, HUB_ACCOUNT, who="x", at=NOW)

    found = await refused(database, PaymentStateError, once_more)
    assert found.message.endswith(f"{REFUND} is not owed since overpayment/{OP})")
    assert (await refund(database)).amount == 10_000


async def test_what_goes_back_or_is_set_off_is_not_taken_back_before(database):
    await overpaid(database)
    number = await set_off(database, "INVOICE", OTHER)

    await refused(
        database, UndoBlockedError, lambda session: undo_entry(at(session), 1, "a mistake")
    )
    async with database.write("withdraw") as session:
        await set_offs.withdraw_set_off(at(session), number)
    await undo(database, 1)
    assert await left(database) == {}


async def test_a_cancelled_refund_is_not_proposed_again_once_nothing_was_overpaid(database):
    await overpaid(database)
    await refund(database)
    async with database.write("cancel") as session:
        payment = await payments.get_payment(session, REFUND)
        await payments.cancel(session, payment, "a mistake", who=OFFICER.subject, at=NOW)
    await undo(database, 1)

    async def once_more(session):
        payment = await payments.get_payment(session, REFUND)
        await payments.again(session, payment, HUB_ACCOUNT, HUB_ACCOUNT, who="x", at=NOW)

    found = await refused(database, PaymentStateError, once_more)
    assert found.message.endswith(f"{REFUND} is not owed since overpayment/{OP})")


async def test_a_returned_refund_is_owed_again(database):
    await overpaid(database)
    await refund(database)
    async with database.write("pay") as session:
        payment = await payments.get_payment(session, REFUND)
        act = {"who": "anna", "at": NOW}
        await payments.approve(session, payment, **act)
        await exporting.export(session, [payment], value_on=NOW.date(), **act)
        whole = Amount(30_000, "EUR")
        await bankword.book(session, payment, NOW.date(), whole, **act)
        await bankword.record_return(session, payment, NOW.date(), whole, "AC04", **act)

    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 30_000)}
    assert (await books(database))[OVERPAID] == -30_000


async def bounced(database):
    """A refund leaves by entry 2 and comes back by entry 3, which says so."""
    await overpaid(database)
    await refund(database)
    async with database.write("pay") as session:
        payment = await payments.get_payment(session, REFUND)
        act = {"who": "anna", "at": NOW}
        await payments.approve(session, payment, **act)
        await exporting.export(session, [payment], value_on=NOW.date(), **act)
    days = {"reference": "B2", "booked_on": "2026-10-17"}
    leaving = Ntry("300.00", "DBIT", txs=(Tx("300.00", e2e=REFUND),), **days)
    back = Ntry("300.00", reference="B3", booked_on="2026-10-17", txs=(Tx("300.00"),))
    balances = {"opening": "1300.00", "closing": "1300.00"}
    await take(database, statement(leaving, back, statement_id="STM-2", sequence=2, **balances))
    await settle(database, 3, ("RETURN", REFUND, 30_000))
    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 30_000)}


def mistaken(session):
    return undo_entry(at(session), 3, "another payment came back")


async def test_a_refund_that_is_proposed_again_did_come_back(database):
    await bounced(database)
    await refund(database)

    await refused(database, UndoBlockedError, mistaken)
    async with database.write("cancel") as session:
        payment = await payments.get_payment(session, f"{REFUND}/2")
        await payments.cancel(session, payment, "it had arrived", who="olga", at=NOW)
    await undo(database, 3)

    async def once_more(session):
        payment = await payments.get_payment(session, f"{REFUND}/2")
        await payments.again(session, payment, HUB_ACCOUNT, HUB_ACCOUNT, who="x", at=NOW)

    found = await refused(database, PaymentStateError, once_more)
    assert found.message.endswith(f"({REFUND}, which it replaced, is BOOKED)")


async def test_a_refund_whose_money_is_set_off_did_come_back(database):
    await bounced(database)
    await set_off(database, "INVOICE", OTHER)

    await refused(database, UndoBlockedError, mistaken)


async def test_what_a_debtor_pays_into_a_net_it_has_left_settles_itself_and_is_owed_back(database):
    await set_up(database)
    await remittance(database)
    name = "PAY-2026-09-GB-HUB"
    async with database.write("leave") as session:
        (await find_incoming(session, name)).state = EXCLUDED
    entry = Ntry("100.00", reference="B1", txs=(Tx("100.00", e2e=name, name="GB"),))

    await take(database, statement(entry, closing="100.00"))

    assert await books(database) == {BANK: 10_000, "Liabilities:HUB:Due:GB": -10_000}
    assert await left(database) == {"2026-09-GB-HUB": ("LEFT_NET", "GB", 10_000)}
    async with database.read() as session:
        assert (await find_incoming(session, name)).state == EXCLUDED
    await undo(database, 1)
    assert await left(database) == {}


async def test_nothing_is_set_off_against_what_a_debtor_that_left_the_net_does_not_owe(database):
    await set_up(database)
    await remittance(database)
    name = "PAY-2026-09-GB-HUB"
    async with database.write("leave") as session:
        (await find_incoming(session, name)).state = EXCLUDED
    await take(database, statement(Ntry("30.00", reference="B1"), closing="30.00"))
    await settle(database, 1, ("OVERPAYMENT", name, 3_000))

    await refused(
        database,
        NotExpectedError,
        lambda session: set_offs.propose_set_off(
            at(session), "OP-1-1", "REMITTANCE_IN", name, "as agreed"
        ),
    )


async def test_the_same_set_off_is_proposed_once(database):
    await overpaid(database)

    assert await set_off(database, "INVOICE", OTHER) == await set_off(database, "INVOICE", OTHER)
    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 10_000)}


async def undoing(database, number, *, reason="the wrong invoice", who=OFFICER, by=APPROVER):
    async with database.write("undo") as session:
        await set_offs.propose_undo(at(session, who), number, reason)
    async with database.write("confirm") as session:
        row = await set_offs.confirm_undo(at(session, by), number)
        return row.state, row.undo_reason, row.undo_proposed_by, row.undone_by


async def told(database):
    """Return what GB is told of overpayments."""
    async with database.read() as session:
        rows = await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        return [msgspec.json.decode(row.body) for row in rows if row.kind == "overpayment.returned"]


def confirming(number, who=APPROVER):
    return lambda session: set_offs.confirm_undo(at(session, who), number)


def proposing_undo(number, reason="a mistake"):
    return lambda session: set_offs.propose_undo(at(session), number, reason)


async def test_a_set_off_against_an_invoice_is_undone_by_two_people_and_the_entry_can_be(database):
    await overpaid(database)
    number = await set_off(database, "INVOICE", OTHER)
    before = await books(database)
    await approve(database, number)
    await refused(database, UndoBlockedError, lambda session: undo_entry(at(session), 1, "wrong"))
    for reason in ("", " ", "x" * 2_001):
        await refused(database, ReasonError, proposing_undo(number, reason))
    await refused(database, SetOffStateError, confirming(number))

    async with database.write("undo") as session:
        await set_offs.propose_undo(at(session), number, " the wrong invoice ")
    async with database.write("again") as session:
        again = await set_offs.propose_undo(at(session, APPROVER), number, "another reason")
    assert (again.undo_reason, again.undo_proposed_by) == ("the wrong invoice", "olga")
    assert [item for item in await waiting(database) if item[0] == "set-off"] == [
        (
            "set-off",
            str(number),
            f"olga undoes 200.00 EUR of {OP} against {OTHER}: the wrong invoice",
            "settlement_approver",
        )
    ]
    await refused(database, SamePersonError, confirming(number, OFFICER))
    done = ("UNDONE", "the wrong invoice", "olga", "anna")
    assert await undoing(database, number) == done
    standing = await books(database)
    assert await undoing(database, number) == done  # once

    assert standing == before == await books(database)
    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 30_000)}
    async with database.read() as session:
        receipts = await licensing.receipts_of(session, OTHER)
    assert sorted(receipt.amount for receipt in receipts) == [-20_000, 20_000]
    await refused(
        database,
        SetOffStateError,
        lambda session: set_offs.withdraw_set_off(at(session), number),
    )
    await undo(database, 1)
    assert await left(database) == {}


async def test_a_set_off_against_a_remittance_is_undone_and_can_be_made_again(database):
    await set_up(database)
    await remittance(database)
    name = "PAY-2026-09-GB-HUB"
    await take(database, statement(Ntry("30.00", reference="B1"), closing="30.00"))
    await settle(database, 1, ("OVERPAYMENT", name, 3_000))
    before = await books(database)
    first = await set_off(database, "REMITTANCE_IN", name, "OP-1-1")
    await approve(database, first)

    assert (await undoing(database, first))[0] == "UNDONE"

    assert await books(database) == before
    nothing = {"refund": "REFUND-OP-1-1", "refunded": "0", "currency": "EUR", "against": name}
    assert await told(database) == [
        {**nothing, "set_off": "3000", "undone": "0"},
        {**nothing, "set_off": "0", "undone": "3000"},
    ]
    async with database.read() as session:
        row = await find_incoming(session, name)
    assert (row.state, row.received, row.settled) == ("EXPECTED", 0, 0)
    second = await set_off(database, "REMITTANCE_IN", name, "OP-1-1")
    await approve(database, second)
    assert (await undoing(database, second))[0] == "UNDONE"
    assert await books(database) == before
    await undo(database, 1)
    assert await left(database) == {}


async def against_a_remittance(database):
    """GB paid 30.00 too much, set off against what it owes: 100.00."""
    await set_up(database)
    await remittance(database)
    await take(database, statement(Ntry("30.00", reference="B1"), closing="30.00"))
    await settle(database, 1, ("OVERPAYMENT", OF_GB, 3_000))
    number = await set_off(database, "REMITTANCE_IN", OF_GB, "OP-1-1")
    await approve(database, number)
    return number


async def test_of_two_set_offs_alike_the_entry_of_the_one_that_is_undone_is_taken_back(database):
    first = await against_a_remittance(database)
    later = {"statement_id": "STM-2", "sequence": 2, "day": "2026-10-17"}
    more = Ntry("30.00", reference="B2", booked_on="2026-10-17")
    await take(database, statement(more, opening="30.00", closing="60.00", **later))
    await settle(database, 2, ("OVERPAYMENT", OF_GB, 3_000))
    await approve(database, await set_off(database, "REMITTANCE_IN", OF_GB, "OP-2-1"))

    await undoing(database, first)

    async with database.read() as session:
        undone = await undone_receipts(session, OF_GB)
        assert (await find_incoming(session, OF_GB)).received == 3_000
    assert undone == [f"remittance/{OF_GB}/received/1/undone"]


async def test_what_an_earlier_release_set_off_and_told_nobody_is_not_undone(database):
    number = await against_a_remittance(database)
    async with database.write("as it was kept before") as session:
        (await store.find_set_off(session, number)).made = None

    found = await refused(database, SetOffStateError, proposing_undo(number))
    assert found.detail == f"{number} was approved by an earlier release, which undid none"
    assert [said["undone"] for said in await told(database)] == ["0"]


@pytest.mark.parametrize(
    ("name", "decided", "is_blocked"),
    [
        ("ADJ-2026-09-HC-DE-000001-GB-EUR", False, False),  # released by GB: nobody waits for it
        ("PAY-2026-09-GB-DE", False, True),  # GB left the net
        ("PAY-2026-09-GB-DE", True, False),
    ],
)
async def test_at_a_node_only_members_that_waited_for_a_remittance_keep_it(
    database, name, decided, is_blocked
):
    row = OverpaymentSetOff(id=1, ref=name, kind="REMITTANCE_IN")
    async with database.write("a remittance, and a member that was paid") as session:
        awaited = Awaited(
            incoming_id=name,
            run="ab" * 32,
            period="2026-09",
            payer="GB",
            amount=Amount(3_000, "EUR"),
            debt=Leg("Liabilities:DE:Due:GB", Amount(3_000, "EUR")),
            due_on=NOW.date(),
            is_net=False,
        )
        expect(session, awaited)
        if decided:
            act = {"who": "ann", "at": NOW}
            await session.flush()
            await ahead.propose(session, "2026-09", "they need it", **act)
            await ahead.confirm(session, "2026-09", who="bob", at=NOW)
        paid = "PAY-2026-09-DE-000001"
        of_member = await a_payment(session, paid, kind="MEMBER", payee="member:m", run="ab" * 32)
        of_member.state = "BOOKED"
        await session.flush()
        acting = replace(at(session), here="DE")
        why = await set_offs._passed_on(acting, row)

    assert why == (f"{paid} was paid once {name} had come" if is_blocked else None)


async def test_that_somebody_proposed_to_undo_is_taken_back_and_the_set_off_stands(database):
    await overpaid(database)
    number = await set_off(database, "INVOICE", OTHER)
    await approve(database, number)
    async with database.write("undo") as session:
        await set_offs.propose_undo(at(session), number, "a mistake")
    async with database.write("withdraw") as session:
        row = await set_offs.withdraw_set_off(at(session), number)
        assert (row.state, row.undo_proposed_by, row.undo_reason) == ("APPROVED", None, None)

    await refused(database, SetOffStateError, confirming(number))


@pytest.mark.parametrize("state", ["PROPOSED", "WITHDRAWN"])
async def test_only_what_was_approved_is_undone(database, state):
    await overpaid(database)
    number = await set_off(database, "INVOICE", OTHER)
    if state == "WITHDRAWN":
        async with database.write("withdraw") as session:
            await set_offs.withdraw_set_off(at(session), number)

    for act in (proposing_undo(number), confirming(number), proposing_undo(99)):
        await refused(database, SetOffStateError, act)


async def test_a_set_off_whose_money_was_shared_out_is_not_undone(database):
    await overpaid(database)
    number = await set_off(database, "INVOICE", OTHER)
    await approve(database, number)
    async with database.write("undo") as session:
        await set_offs.propose_undo(at(session), number, "a mistake")
    async with database.write("a month is settled") as session:
        session.add(LockedPeriod(period="2026-10", run_id="ab" * 32))

    found = await refused(database, UndoBlockedError, confirming(number))
    assert found.detail == f"set-off {number}: the run of 2026-10 shares out what {OTHER} received"


async def test_a_set_off_whose_licence_pays_back_what_was_received_is_not_undone(database):
    await overpaid(database)
    number = await set_off(database, "INVOICE", OTHER)
    await approve(database, number)
    async with database.write("end") as session:
        ended = await refunds.end_licence(
            session,
            OTHER,
            NOW.date(),
            reason="the lab closes",
            who=OFFICER,
            licensing=HUB,
            now=NOW,
        )

    found = await refused(database, UndoBlockedError, proposing_undo(number))
    back = f"REFUND-{ended.number} pays back what {OTHER} received"
    assert found.detail == f"set-off {number}: {back}"


@pytest.mark.parametrize(
    ("state", "refusal"), [("BOOKED", UndoBlockedError), ("PROPOSED", None), ("REJECTED", None)]
)
async def test_a_set_off_is_not_undone_once_others_were_paid_since_it_had_come(
    database, state, refusal
):
    await set_up(database)
    await remittance(database)
    name = "PAY-2026-09-GB-HUB"
    await take(database, statement(Ntry("30.00", reference="B1"), closing="30.00"))
    await settle(database, 1, ("OVERPAYMENT", name, 3_000))
    number = await set_off(database, "REMITTANCE_IN", name, "OP-1-1")
    await approve(database, number)
    async with database.write("others") as session:
        run = (await find_incoming(session, name)).run_id
        other = await a_payment(session, "PAY-2026-09-HUB-FR", run=run, payee="FR")
        other.state = state

    if refusal is None:
        assert (await undoing(database, number))[0] == "UNDONE"
    else:
        found = await refused(database, refusal, proposing_undo(number))
        assert found.detail == (
            f"set-off {number}: PAY-2026-09-HUB-FR was paid once {name} had come"
        )


async def test_a_set_off_is_not_undone_once_its_debtor_has_left_the_net(database):
    await set_up(database)
    await remittance(database)
    name = "PAY-2026-09-GB-HUB"
    await take(database, statement(Ntry("30.00", reference="B1"), closing="30.00"))
    await settle(database, 1, ("OVERPAYMENT", name, 3_000))
    number = await set_off(database, "REMITTANCE_IN", name, "OP-1-1")
    await approve(database, number)
    async with database.write("left") as session:
        (await find_incoming(session, name)).state = EXCLUDED

    found = await refused(database, UndoBlockedError, proposing_undo(number))
    assert found.detail == f"set-off {number}: the debtor of {name} left the net"


async def test_what_was_paid_too_much_is_owed_back_where_it_was_owed_and_two_people_say_so(
    database,
):
    await set_up(database)
    async with database.write("paid") as session:
        await a_payment(session, PAID, currency="EUR")
        await a_payment(session, "PAY-2026-09-HUB-000001", kind="MEMBER", payee="member:m")
        await a_payment(session, "PAY-2026-09-HUB-JP", payee="JP", debt_currency="JPY")
    await take(database, statement(Ntry("30.00", "DBIT", "B1"), closing="-30.00"))

    for ref in ("", "nonsense", "PAY-2026-09-HUB-000001", "PAY-2026-09-HUB-JP"):
        await refused(database, BadItemError, settling_(1, ("OVERPAYMENT", ref, -3_000)))
    match = await settle(database, 1, ("OVERPAYMENT", PAID, -3_000))
    assert match.act == "PROPOSED"
    async with database.write("approve") as session:
        await settling.approve(at(session, APPROVER), 1)

    assert await books(database) == {BANK: -3_000, "Liabilities:HUB:Due:GB": 3_000}
    assert await left(database) == {}
    await undo(database, 1)
    assert await books(database) == {BANK: -3_000, SUSPENSE: 3_000}


async def test_set_offs_are_read_a_page_at_a_time_newest_first(database):
    await overpaid(database)
    for _ in range(3):
        number = await set_off(database, "INVOICE", OTHER)
        async with database.write("withdraw") as session:
            await set_offs.withdraw_set_off(at(session), number)

    async with database.read() as session:
        pages = [
            [row.id for row in await store.newest_set_offs(session, before=before, limit=2)]
            for before in (None, 2, 1)
        ]

    assert pages == [[3, 2], [1], []]


async def asked(database):
    """Return how many questions the database gets for the list, and for one of it."""
    sent = []

    def note(_connection, _cursor, statement, *_):
        sent.append(statement)

    counts = []
    async with database.read() as session:
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", note)
        try:
            for act in (
                lambda: overpayments.overpayments(session, "HUB"),
                lambda: overpayments.find_overpayment(session, "HUB", OP),
            ):
                sent.clear()
                await act()
                counts.append(sum("SELECT" in statement for statement in sent))
        finally:
            event.remove(engine, "before_cursor_execute", note)
    return counts


async def test_what_is_used_up_is_not_read_again_for_what_is_open(database):
    await overpaid(database)
    before = await asked(database)
    more = [
        Ntry("100.00", reference=f"B{number}", txs=(Tx("100.00", name="Lab One"),))
        for number in range(2, 5)
    ]
    later = {"statement_id": "STM-2", "sequence": 2, "day": "2026-10-17"}
    await take(database, statement(*more, opening="1300.00", closing="1600.00", **later))
    for number in range(2, 5):
        await settle(database, number, ("OVERPAYMENT", LICENCE, 10_000))
        async with database.write("refund") as session:
            await overpayments.refund(at(session), f"OP-{number}-1", HUB_ACCOUNT)

    assert await left(database) == {OP: ("OVERPAYMENT", "lab:lab-one", 30_000)}
    assert await asked(database) == before


async def test_no_other_id_finds_an_overpayment(database):
    await overpaid(database)

    for wrong in ("OP-1-1", "OP-01-2", "OP-1-2/2", "OP-9-9", "2026-09-GB-HUB", "OP-1-2-", ""):
        await refused(
            database,
            UnknownOverpaymentError,
            lambda session, wrong=wrong: overpayments.refund(at(session), wrong, HUB_ACCOUNT),
        )
