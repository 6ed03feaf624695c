"""At a node: what the hub does with an ordinary overpayment is followed by its payments."""

import pytest

from federation.corrections.net_returned import ReturnMismatchError, receive_overpayment
from federation.distribution.inputs import RunMismatchError
from federation.money import UnknownCurrencyError
from federation.netting.messages import OverpaymentReturned
from federation.payments import service
from federation.payments.set_off import TooMuchSetOffError
from federation.payments.states import PaymentStateError
from federation.payments.store import find_incoming, payments
from federation.store.messages import BadMessageError, seal
from federation.treasury import bankword
from tests.databases import HUB_TERMS, refused
from tests.payments.factories import (
    CHECKER,
    GB_ACCOUNT,
    HUB_ACCOUNT,
    MAKER,
    NOW,
    a_payment,
    balances,
    exported,
)

REFUND, PAID = "REFUND-OP-7-1", "PAY-2026-10-GB-HUB"
TO_HUB = {
    "payer": "GB",
    "payee": "HUB",
    "payer_account": GB_ACCOUNT,
    "payee_account": HUB_ACCOUNT,
    "amount": 10_000,
    "currency": "GBP",
    "debt_account": "Liabilities:GB:Due:HUB",
    "debt_amount": 10_000,
    "debt_currency": "GBP",
    "period": "2026-10",
}


def said(**what):
    return OverpaymentReturned(
        **{"refund": REFUND, "refunded": "0", "currency": "GBP"} | what,
    )


def receiving(message):
    return lambda session: receive_overpayment(
        session, message, here="GB", terms=HUB_TERMS, now=NOW
    )


async def hear(database, **what):
    async with database.write("message") as session:
        await receiving(said(**what))(session)


async def owe(database, make=a_payment):
    async with database.write("payment") as session:
        await make(session, payment_id=PAID, **TO_HUB)


async def orders(database):
    async with database.read() as session:
        rows = await payments(session)
        return {
            row.payment_id: (row.amount, row.debt_amount, row.state, row.taken_as_paid)
            for row in rows
        }


async def live(database):
    """Return the amounts of what is proposed."""
    return [row[0] for row in (await orders(database)).values() if row[2] == "PROPOSED"]


async def at_the_bank(database, payment_id):
    async with database.write("the bank has it") as session:
        (await service.get_payment(session, payment_id)).state = "EXPORTED"


async def test_what_is_set_off_is_paid_no_more_and_what_is_undone_is_paid_with_the_rest(database):
    await owe(database)

    await hear(database, against=PAID, set_off="3000")
    assert await orders(database) == {
        PAID: (10_000, 10_000, "CANCELLED", 3_000),
        f"{PAID}/2": (7_000, 7_000, "PROPOSED", 0),
    }

    await hear(database, against=PAID, undone="3000")
    assert await orders(database) == {
        PAID: (10_000, 10_000, "CANCELLED", 0),
        f"{PAID}/2": (7_000, 7_000, "CANCELLED", 0),
        f"{PAID}/3": (10_000, 10_000, "PROPOSED", 0),
    }
    async with database.read() as session:
        assert await balances(session) == {}
    await refused(
        database, ReturnMismatchError, receiving(said(against=PAID, undone="3000"))
    )  # once


async def test_what_was_set_off_whole_and_undone_is_proposed_again(database):
    await owe(database)

    await hear(database, against=PAID, set_off="10000")
    assert await orders(database) == {PAID: (10_000, 10_000, "CANCELLED", 10_000)}
    await hear(database, against=PAID, undone="10000")
    assert await orders(database) == {
        PAID: (10_000, 10_000, "CANCELLED", 0),
        f"{PAID}/2": (10_000, 10_000, "PROPOSED", 0),
    }


async def test_two_set_offs_of_which_one_is_undone(database):
    await owe(database)

    await hear(database, against=PAID, set_off="4000")
    await hear(database, against=PAID, set_off="6000")
    await hear(database, against=PAID, undone="4000")

    found = await orders(database)
    live = {name: row for name, row in found.items() if row[2] == "PROPOSED"}
    assert live == {f"{PAID}/3": (4_000, 4_000, "PROPOSED", 0)}


async def test_both_of_two_set_offs_are_undone_in_any_parts(database):
    await owe(database)
    for what in ({"set_off": "2000"}, {"set_off": "3000"}, {"undone": "2000"}):
        await hear(database, against=PAID, **what)
    assert await live(database) == [7_000]

    await hear(database, against=PAID, undone="3000")
    assert await live(database) == [10_000]
    assert {row[3] for row in (await orders(database)).values()} == {0}
    await refused(database, ReturnMismatchError, receiving(said(against=PAID, undone="1")))


async def test_more_is_set_off_than_stands_beside_what_the_bank_has(database):
    await owe(database)
    await hear(database, against=PAID, set_off="3000")
    await at_the_bank(database, f"{PAID}/2")
    await hear(database, against=PAID, undone="3000")

    await hear(database, against=PAID, set_off="5000")
    assert await orders(database) == {
        PAID: (10_000, 10_000, "CANCELLED", 0),
        f"{PAID}/2": (7_000, 7_000, "EXPORTED", 2_000),
        f"{PAID}/3": (3_000, 3_000, "CANCELLED", 3_000),
    }
    await refused(database, TooMuchSetOffError, receiving(said(against=PAID, set_off="5001")))

    # What the bank pays beyond what is owed is the first that is not taken as paid any more.
    await hear(database, against=PAID, undone="2500")
    assert await live(database) == [500]
    assert (await orders(database))[f"{PAID}/2"] == (7_000, 7_000, "EXPORTED", 0)


async def test_what_another_order_pays_although_it_was_taken_is_not_proposed_again(database):
    await owe(database)
    await hear(database, against=PAID, set_off="3000")
    await at_the_bank(database, f"{PAID}/2")
    await hear(database, against=PAID, undone="3000")
    await at_the_bank(database, f"{PAID}/3")
    await hear(database, against=PAID, set_off="4000")
    async with database.write("the bank refuses one of the two") as session:
        rest = await service.get_payment(session, f"{PAID}/2")
        rest.state = "REJECTED"
        await service.again(session, rest, GB_ACCOUNT, HUB_ACCOUNT, who=MAKER, at=NOW)

    assert await orders(database) == {
        PAID: (10_000, 10_000, "CANCELLED", 0),
        f"{PAID}/2": (7_000, 7_000, "REJECTED", 4_000),
        f"{PAID}/3": (3_000, 3_000, "EXPORTED", 0),
        f"{PAID}/4": (3_000, 3_000, "PROPOSED", 0),
    }


async def test_what_was_set_off_before_a_new_net_stood_for_it_changes_no_payment(database):
    await owe(database)
    async with database.write("the net is left") as session:
        old = await service.get_payment(session, PAID)
        await service.set_aside(session, [old], "GB", who="HUB", at=NOW)
        await a_payment(session, payment_id=f"{PAID}/2", **TO_HUB)
    before = await orders(database)

    await hear(database, against=PAID, set_off="3000")
    await hear(database, against=PAID, undone="3000", refunded="7")

    assert await orders(database) == before
    async with database.read() as session:
        assert (await find_incoming(session, REFUND)).amount == 7


@pytest.mark.parametrize("against", [PAID, f"{PAID}/2"])
async def test_what_was_set_off_of_any_payment_that_a_new_net_stands_for_is_not_taken(
    database, against
):
    """An older release gave the third of them its id, which the hub may know as the second's."""
    await owe(database)
    await hear(database, against=PAID, set_off="3000")
    async with database.write("the net is left") as session:
        rows = [await service.get_payment(session, name) for name in (PAID, f"{PAID}/2")]
        await service.set_aside(session, rows, "GB", who="HUB", at=NOW)
        await a_payment(session, payment_id=f"{PAID}/3", **TO_HUB)
    before = await orders(database)

    await hear(database, against=against, set_off="1000")

    assert await orders(database) == before
    assert before[f"{PAID}/3"] == (10_000, 10_000, "PROPOSED", 0)


async def test_what_is_undone_is_paid_beside_a_rest_that_the_bank_has(database):
    await owe(database)
    await hear(database, against=PAID, set_off="3000")
    await at_the_bank(database, f"{PAID}/2")

    await hear(database, against=PAID, undone="3000")

    assert await orders(database) == {
        PAID: (10_000, 10_000, "CANCELLED", 0),
        f"{PAID}/2": (7_000, 7_000, "EXPORTED", 0),
        f"{PAID}/3": (3_000, 3_000, "PROPOSED", 0),
    }
    # The rest can still be proposed again if the bank does not pay it.
    await hear(database, against=PAID, set_off="3000")
    assert (await orders(database))[f"{PAID}/3"] == (3_000, 3_000, "CANCELLED", 3_000)
    assert (await orders(database))[f"{PAID}/2"] == (7_000, 7_000, "EXPORTED", 0)


@pytest.mark.parametrize("is_rejected", [False, True])
async def test_what_the_bank_has_is_the_whole_once_a_set_off_is_undone(database, is_rejected):
    async with database.write("at the bank") as session:
        await exported(session, payment_id=PAID, **TO_HUB)
    await hear(database, against=PAID, set_off="3000")
    assert await orders(database) == {PAID: (10_000, 10_000, "EXPORTED", 3_000)}

    if is_rejected:
        async with database.write("rejected") as session:
            payment = await service.get_payment(session, PAID)
            await bankword.reject(session, payment, "AC04", who="bank", at=NOW)
    await hear(database, against=PAID, undone="3000")

    state = "REJECTED" if is_rejected else "EXPORTED"
    assert await orders(database) == {PAID: (10_000, 10_000, state, 0)}
    if is_rejected:
        async with database.write("again") as session:
            payment = await service.get_payment(session, PAID)
            await service.again(session, payment, GB_ACCOUNT, HUB_ACCOUNT, who=MAKER, at=NOW)
        assert (await orders(database))[f"{PAID}/2"] == (10_000, 10_000, "PROPOSED", 0)


async def test_a_rest_that_was_cancelled_by_hand_can_still_be_proposed_again(database):
    await owe(database)
    await hear(database, against=PAID, set_off="3000")
    async with database.write("cancel") as session:
        rest = await service.get_payment(session, f"{PAID}/2")
        await service.cancel(session, rest, "not today", who=CHECKER, at=NOW)

    await hear(database, against=PAID, undone="3000")
    async with database.write("again") as session:
        rest = await service.get_payment(session, f"{PAID}/2")
        await service.again(session, rest, GB_ACCOUNT, HUB_ACCOUNT, who=MAKER, at=NOW)

    found = await orders(database)
    live = {name: row[0] for name, row in found.items() if row[2] == "PROPOSED"}
    assert live == {f"{PAID}/3": 3_000, f"{PAID}/4": 7_000}

    async def the_first(session):
        payment = await service.get_payment(session, PAID)
        await service.again(session, payment, GB_ACCOUNT, HUB_ACCOUNT, who=MAKER, at=NOW)

    await refused(database, PaymentStateError, the_first)


async def test_what_goes_back_is_waited_for_on_the_account_with_the_hub(database):
    await hear(database, refunded="3000")
    await hear(database, refunded="2500")

    async with database.read() as session:
        row = await find_incoming(session, REFUND)
    assert (row.payer, row.amount, row.currency, row.state) == ("HUB", 2_500, "GBP", "EXPECTED")
    assert (row.debt_account, row.debt_amount) == ("Liabilities:GB:Due:HUB", 2_500)
    assert (row.is_net, row.period, row.run_id) == (False, "2026-10", "")

    await hear(database)
    async with database.read() as session:
        assert (await find_incoming(session, REFUND)).state == "EXCLUDED"


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ({"refund": "REFUND-CN-HUB-000001"}, ReturnMismatchError),
        ({"refund": "PAY-2026-10-GB-HUB"}, ReturnMismatchError),
        ({"currency": "XXX"}, UnknownCurrencyError),
        ({"set_off": "1"}, ReturnMismatchError),
        ({"undone": "1"}, ReturnMismatchError),
        ({"against": PAID}, ReturnMismatchError),
        ({"against": PAID, "set_off": "1", "undone": "1"}, ReturnMismatchError),
        ({"against": PAID, "set_off": "1", "currency": "EUR"}, ReturnMismatchError),
        ({"against": PAID, "set_off": "10001"}, TooMuchSetOffError),
        ({"against": PAID, "undone": "1"}, ReturnMismatchError),
        ({"against": "PAY-2026-10-GB-000001", "set_off": "1"}, ReturnMismatchError),
        ({"against": "PAY-2026-10-GB-FR", "set_off": "1"}, ReturnMismatchError),
        ({"against": "PAY-2026-11-GB-HUB", "set_off": "1"}, RunMismatchError),
        ({"refund": "REFUND-OP-9-1", "refunded": "5"}, ReturnMismatchError),
    ],
)
async def test_what_does_not_fit_is_refused_whole(database, what, refusal):
    await owe(database)
    async with database.write("others") as session:
        to_member = {**TO_HUB, "kind": "MEMBER", "payee": "member:m"}
        await a_payment(session, payment_id="PAY-2026-10-GB-000001", **to_member)
        await a_payment(session, payment_id="PAY-2026-10-GB-FR", **{**TO_HUB, "payee": "FR"})
        await receiving(said(refund="REFUND-OP-9-1", refunded="7", currency="EUR"))(session)

    await refused(database, refusal, receiving(said(**what)))


@pytest.mark.parametrize(
    "what", [{"set_off": "-1"}, {"undone": "x"}, {"currency": "EURO"}, {"refund": "x" * 36}]
)
def test_a_message_out_of_its_form_is_not_sent(what):
    with pytest.raises(BadMessageError):
        seal(said(**what))
