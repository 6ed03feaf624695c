import pytest

from federation.bankfiles.pain001 import BadAccountError
from federation.distribution import member_payments as members
from federation.distribution import store as distribution
from federation.distribution.member_payments import (
    MemberPaid,
    NotDistributedError,
    paid_to_member,
    propose_member_payments,
    set_account,
)
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.postings import Amount
from federation.payments.proposal import Side
from federation.payments.states import PaymentStateError
from federation.registry.service import UnknownMemberError
from federation.treasury import bankword, exporting
from federation.trust.principals import SamePersonError
from federation.values.account import PaymentAccount
from tests.databases import refused
from tests.distribution.paying import (
    BANK,
    IBAN,
    OTHER_IBAN,
    PERIOD,
    a_member,
    distributed,
    owed,
    propose,
)
from tests.payments.factories import (
    BOOKED_ON,
    CHECKER,
    GB_ACCOUNT,
    MAKER,
    NOW,
    RETURNED_ON,
    VALUE_ON,
    balances,
)

ACCOUNTS = {
    "ada": ("IBAN", IBAN, None, None),
    "ben": ("IBAN", "GB29NWBK60161331926818", None, None),  # a digit is wrong
    "cy": ("OTHER", "12345678", None, "GBDSC/040004"),
    "dot": ("OTHER", "12345678", None, None),  # no bank is named
    "eve": ("IBAN", IBAN, None, None),  # gets nothing this month
}

PAYABLE = {"ada": 5_000, "ben": 4_000, "cy": 3_000, "dot": 2_000, "eve": 0}


@pytest.fixture
async def node(database):
    """A collective with a distributed month."""
    async with database.write("test") as session:
        for member_id, (scheme, account, bic, clearing_id) in ACCOUNTS.items():
            session.add(a_member(member_id, account, scheme, bic, clearing_id))
            session.add(owed(member_id, PAYABLE[member_id]))
        session.add(distributed())
    return database


async def paid(session, member_id):
    balance = (await distribution.balances(session, PERIOD)).get(member_id)
    return await paid_to_member(session, PERIOD, balance, member_id)


async def payments(session):
    return {
        row.payment_id.removeprefix("PAY-2026-09-GB-"): (
            row.payee,
            row.amount,
            row.state,
            row.reason,
        )
        for row in await payments_store.payments(session)
    }


async def exported(session, payment_id):
    payment = await payments_service.get_payment(session, f"PAY-2026-09-GB-{payment_id}")
    await payments_service.approve(session, payment, who=CHECKER, at=NOW)
    await exporting.export(session, [payment], value_on=VALUE_ON, who=MAKER, at=NOW)
    return payment


async def test_each_member_with_something_payable_gets_one_payment(node):
    async with node.write("test") as session:
        first = await propose(session)
        again = await propose(session)

        assert await payments(session) == {
            "000001": ("member:ada", 5_000, "PROPOSED", None),
            "000002": ("member:ben", 4_000, "OUTSTANDING", "ACCOUNT_INVALID"),
            "000003": ("member:cy", 3_000, "PROPOSED", None),
            "000004": ("member:dot", 2_000, "OUTSTANDING", "ACCOUNT_INVALID"),
        }
        assert (len(first.proposed), len(first.outstanding), first.remaining) == (2, 2, 0)
        assert (again.proposed, again.outstanding, again.remaining) == ([], [], 0)
        [ada] = await payments_store.payments(session, payee="member:ada")
        assert (ada.debt_account, ada.debt_amount) == ("Liabilities:GB:Members", 5_000)


async def test_the_rest_is_proposed_by_the_next_call(node, monkeypatch):
    monkeypatch.setattr(members, "PROPOSALS_MAX", 3)
    async with node.write("test") as session:
        first = await propose(session)
        assert (len(await payments(session)), first.remaining) == (3, 1)

        second = await propose(session)

        assert (len(await payments(session)), second.remaining) == (4, 0)


async def test_a_mended_account_makes_an_outstanding_payment_possible(node):
    async with node.write("test") as session:
        await propose(session)
        account = PaymentAccount("", "IBAN", OTHER_IBAN, None, None)
        await set_account(session, "ben", account, "GBP", who="registrar", at=NOW)

        found = await propose(session, who="bob")

        assert [row.payment_id for row in found.proposed] == ["PAY-2026-09-GB-000002"]
        assert (found.proposed[0].state, found.proposed[0].proposed_by) == ("PROPOSED", "bob")


async def test_attributed_paid_and_outstanding_are_told_apart(node):
    async with node.write("test") as session:
        before = await paid(session, "ada")
        await propose(session)
        payment = await exported(session, "000001")
        on_its_way = await paid(session, "ada")
        await bankword.book(session, payment, BOOKED_ON, Amount(5_000, "GBP"), **BANK)

        assert before == MemberPaid(0, 0, 5_000, None)
        assert on_its_way == MemberPaid(0, 5_000, 0, None)
        assert await paid(session, "ada") == MemberPaid(5_000, 0, 0, None)
        assert await paid(session, "ben") == MemberPaid(0, 0, 4_000, "ACCOUNT_INVALID")
        assert await paid(session, "eve") == MemberPaid(0, 0, 0, "BELOW_MINIMUM")
        assert await paid(session, "nobody") == MemberPaid(0, 0, 0, None)


@pytest.mark.parametrize(
    ("bank_code", "reason"), [("AC04", "ACCOUNT_INVALID"), ("MS03", "RETURNED")]
)
async def test_what_came_back_is_outstanding_until_it_is_paid_to_another_account(
    node, bank_code, reason
):
    async with node.write("test") as session:
        await propose(session)
        payment = await exported(session, "000001")
        await bankword.book(session, payment, BOOKED_ON, Amount(5_000, "GBP"), **BANK)
        await bankword.record_return(
            session, payment, RETURNED_ON, Amount(5_000, "GBP"), bank_code, **BANK
        )
        outstanding = await paid(session, "ada")
        nothing_new = await propose(session)
        account = PaymentAccount("", "IBAN", OTHER_IBAN, None, None)
        await set_account(session, "ada", account, "GBP", who="registrar", at=NOW)
        await propose(session)
        second = await exported(session, "000001/2")
        await bankword.book(session, second, BOOKED_ON, Amount(5_000, "GBP"), **BANK)

        assert outstanding == MemberPaid(0, 0, 5_000, reason)
        assert nothing_new.proposed == []
        assert second.replaces == "PAY-2026-09-GB-000001"
        assert await paid(session, "ada") == MemberPaid(5_000, 0, 0, None)
        assert await balances(session) == {
            "Liabilities:GB:Members": {"GBP": 5_000},
            "Liabilities:GB:Suspense:BankEntry": {"GBP": -5_000},
        }


async def test_nothing_is_proposed_again_twice(node):
    async with node.write("test") as session:
        await propose(session)
        payment = await payments_service.get_payment(session, "PAY-2026-09-GB-000001")
        await payments_service.cancel(session, payment, "wrong month", who=MAKER, at=NOW)
        await propose(session)
        assert await payments_service.get_payment(session, "PAY-2026-09-GB-000001/2")

    async def once_more(session):
        payment = await payments_service.get_payment(session, "PAY-2026-09-GB-000001")
        await payments_service.again(session, payment, GB_ACCOUNT, GB_ACCOUNT, who=MAKER, at=NOW)

    assert (await refused(node, PaymentStateError, once_more)).code == "PAYMENT_STATE"


async def test_who_entered_an_account_does_not_approve_a_payment_to_it(node):
    async with node.write("test") as session:
        account = PaymentAccount("", "IBAN", OTHER_IBAN, None, None)
        await set_account(session, "ada", account, "GBP", who=CHECKER, at=NOW)
        await propose(session)

    async def approve(session):
        payment = await payments_service.get_payment(session, "PAY-2026-09-GB-000001")
        await payments_service.approve(session, payment, who=CHECKER, at=NOW)

    assert (await refused(node, SamePersonError, approve)).code == "SAME_PERSON"


@pytest.mark.parametrize(
    "account",
    [
        PaymentAccount("", "IBAN", "GB29NWBK60161331926818", None, None),
        PaymentAccount("", "IBAN", "12345678", None, None),
        PaymentAccount("", "OTHER", "12345678", None, None),
        PaymentAccount("", "OTHER", "", "NWBKGB2L", None),
        PaymentAccount("", "OTHER", "12345678", None, None, "040004"),
        PaymentAccount("", "OTHER", "12345678", "NWBK", None),
    ],
)
async def test_an_account_that_a_bank_would_refuse_is_refused(node, account):
    async def act(session):
        await set_account(session, "ada", account, "GBP", who="registrar", at=NOW)

    assert (await refused(node, BadAccountError, act)).code == "BAD_ACCOUNT"


async def test_an_unknown_member_and_a_month_that_is_not_distributed_are_refused(node):
    async def unknown(session):
        account = PaymentAccount("", "IBAN", IBAN, None, None)
        await set_account(session, "zoe", account, "GBP", who="registrar", at=NOW)

    async def too_early(session):
        await propose_member_payments(
            session, "2026-10", Side("GB", GB_ACCOUNT), "GBP", who=MAKER, at=NOW
        )

    assert (await refused(node, UnknownMemberError, unknown)).code == "UNKNOWN_MEMBER"
    assert (await refused(node, NotDistributedError, too_early)).code == "NOT_DISTRIBUTED"
