"""What a month owes a member that others succeed is paid to them: once, and to the unit."""

from datetime import timedelta

import pytest

from federation.distribution import store as distribution
from federation.distribution.member_payments import (
    MemberPaid,
    paid_to_member,
    passed_on,
    set_account,
)
from federation.distribution.service import _keep_balances
from federation.distribution.tables import MemberBalance
from federation.payments import record
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.postings import Amount
from federation.payments.states import PaymentStateError
from federation.successions import store as successions
from federation.successions.service import SucceededError
from federation.successions.succession import read_succession
from federation.treasury import bankword, batches, exporting
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
from tests.successions.drafts import draft

TODAY = NOW.date()
ACCOUNTS = {"ada": IBAN, "bea": IBAN, "cal": None, "dot": IBAN}
PAYABLE = {"ada": 101, "bea": 70}
ADA_IS_SUCCEEDED = ("ada", ("bea", 6_000), ("cal", 4_000))


@pytest.fixture
async def node(database):
    """A collective with a distributed month: ada is owed 101, bea 70; cal has no account."""
    async with database.write("test") as session:
        session.add_all(a_member(*each) for each in ACCOUNTS.items())
        session.add_all(owed(*each) for each in PAYABLE.items())
        session.add(distributed())
    return database


async def succeed(session, predecessor, *shares, on=TODAY):
    new = read_succession(draft(*shares, subject=f"member:{predecessor}", starts_on=on))
    return await successions.add(session, new, "rosa", "a letter", NOW)


async def take_back(session, row):
    row.superseded_at = NOW
    await session.flush()


async def found(session):
    """Return {number: (who earned it, who gets it, how much, state, reason)} of payments."""
    return {
        row.payment_id.removeprefix("PAY-2026-09-GB-"): (
            row.attributed_to,
            row.payee.removeprefix("member:"),
            row.amount,
            row.state,
            row.reason,
        )
        for row in await payments_store.payments(session)
    }


async def payment(session, number):
    return await payments_service.get_payment(session, f"PAY-2026-09-GB-{number}")


async def approved(session, number):
    row = await payment(session, number)
    return await payments_service.approve(session, row, who=CHECKER, at=NOW)


async def exported(session, number):
    row = await approved(session, number)
    await exporting.export(session, [row], value_on=VALUE_ON, who=MAKER, at=NOW)
    return row


async def booked(session, number):
    row = await exported(session, number)
    await bankword.book(session, row, BOOKED_ON, Amount(row.amount, "GBP"), **BANK)
    return row


async def returned(session, row):
    await bankword.record_return(
        session, row, RETURNED_ON, Amount(row.amount, "GBP"), "AC04", **BANK
    )


async def paid(session, member):
    balance = (await distribution.balances(session, PERIOD)).get(member)
    return await paid_to_member(session, PERIOD, balance, member)


FROM_ADA = [
    ("ada", "bea", 61, "PROPOSED", None),
    ("ada", "cal", 40, "OUTSTANDING", "ACCOUNT_MISSING"),
]


async def test_successors_are_paid_by_their_parts_and_their_own_month_apart(node):
    async with node.write("test") as session:
        await succeed(session, *ADA_IS_SUCCEEDED)
        first, again = await propose(session), await propose(session)

        assert await found(session) == {
            "000001": FROM_ADA[0],
            "000002": FROM_ADA[1],
            "000003": (None, "bea", 70, "PROPOSED", None),
        }
        assert (len(first.proposed), len(first.outstanding), first.remaining) == (2, 1, 0)
        assert (again.proposed, again.outstanding, again.remaining) == ([], [], 0)
        assert await paid(session, "ada") == MemberPaid(0, 61, 40, "ACCOUNT_MISSING")
        assert await paid(session, "bea") == MemberPaid(0, 70, 0, None)
        assert await paid(session, "cal") == MemberPaid(0, 0, 0, None)
        by_ada = await passed_on(session, PERIOD, "ada")
        assert [(one.payee, str(one.share), one.amount) for one in by_ada] == [
            ("bea", "3/5", 61),
            ("cal", "2/5", 40),
        ]
        assert await passed_on(session, PERIOD, "cal") == [by_ada[1]]
        assert await passed_on(session, PERIOD, "bea") == [by_ada[0]]


async def test_before_its_day_and_after_it_was_taken_back_a_member_is_paid_itself(node):
    async with node.write("test") as session:
        row = await succeed(session, *ADA_IS_SUCCEEDED, on=TODAY + timedelta(days=1))
        await propose(session)
        assert (await found(session))["000001"] == (None, "ada", 101, "PROPOSED", None)

        await propose(session, at=NOW + timedelta(days=1))
        await take_back(session, row)
        await propose(session, at=NOW + timedelta(days=1))

        gone = ("CANCELLED", "SUCCEEDED")
        assert await found(session) == {
            "000001": (None, "ada", 101, *gone),
            "000002": (None, "bea", 70, "PROPOSED", None),
            "000003": ("ada", "bea", 61, *gone),
            "000004": ("ada", "cal", 40, *gone),
            "000005": (None, "ada", 101, "PROPOSED", None),
        }
        assert await paid(session, "ada") == MemberPaid(0, 101, 0, None)


async def test_chains_are_followed_when_it_is_paid(node):
    async with node.write("test") as session:
        await succeed(session, *ADA_IS_SUCCEEDED)
        await succeed(session, "cal", ("bea", 5_000), ("dot", 5_000))
        await propose(session)

        assert await found(session) == {
            "000001": ("ada", "bea", 81, "PROPOSED", None),
            "000002": ("ada", "dot", 20, "PROPOSED", None),
            "000003": (None, "bea", 70, "PROPOSED", None),
        }


async def test_what_left_before_stays_and_what_waits_goes_to_successors(node):
    async with node.write("test") as session:
        await propose(session)
        await approved(session, "000001")
        await booked(session, "000002")
        await succeed(session, *ADA_IS_SUCCEEDED)
        await succeed(session, "bea", ("dot", 10_000))
        await propose(session)

        assert await found(session) == {
            "000001": (None, "ada", 101, "CANCELLED", "SUCCEEDED"),
            "000002": (None, "bea", 70, "BOOKED", None),
            "000003": ("ada", "cal", 40, "OUTSTANDING", "ACCOUNT_MISSING"),
            "000004": ("ada", "dot", 61, "PROPOSED", None),
        }


async def test_nothing_approved_leaves_for_who_is_succeeded(node):
    async with node.write("test") as session:
        await propose(session)
        await approved(session, "000001")
        await succeed(session, *ADA_IS_SUCCEEDED)

    async def export(session):
        await batches.export_currency(session, "GB", "GBP", VALUE_ON, who=MAKER, at=NOW)

    async def approve(session):
        await succeed(session, "bea", ("dot", 10_000))
        await approved(session, "000002")

    assert (await refused(node, SucceededError, export)).code == "SUCCEEDED"
    assert (await refused(node, SucceededError, approve)).code == "SUCCEEDED"
    async with node.write("test") as session:
        await approved(session, "000002")
        file = await batches.export_currency(session, "GB", "GBP", VALUE_ON, who=MAKER, at=NOW)
        states_now = {name: row[3] for name, row in (await found(session)).items()}
        assert (file.payments, states_now) == (1, {"000001": "APPROVED", "000002": "EXPORTED"})


async def test_what_comes_back_after_the_day_goes_to_successors_and_only_once(node):
    async with node.write("test") as session:
        await propose(session)
        row = await booked(session, "000001")
        await succeed(session, *ADA_IS_SUCCEEDED)
        await propose(session)
        assert set(await found(session)) == {"000001", "000002"}

        await returned(session, row)
        await propose(session)
        await propose(session)

        assert await found(session) == {
            "000001": (None, "ada", 101, "RETURNED", "AC04"),
            "000002": (None, "bea", 70, "PROPOSED", None),
            "000003": FROM_ADA[0],
            "000004": FROM_ADA[1],
        }
        assert await paid(session, "ada") == MemberPaid(0, 61, 40, "ACCOUNT_MISSING")

    async def again(session):
        await payments_service.again(
            session, await payment(session, "000001"), GB_ACCOUNT, GB_ACCOUNT, who=MAKER, at=NOW
        )

    async def undo(session):
        row = await payment(session, "000001")
        await bankword.undo(session, row, "it did not come back", who="bank", at=NOW)

    assert (await refused(node, SucceededError, again)).code == "SUCCEEDED"
    assert (await refused(node, PaymentStateError, undo)).code == "PAYMENT_STATE"


async def test_what_a_successor_sent_back_goes_to_its_own_successor_and_no_other_part_moves(node):
    async with node.write("test") as session:
        await succeed(session, *ADA_IS_SUCCEEDED)
        account = PaymentAccount("", "IBAN", IBAN, None, None)
        await set_account(session, "cal", account, "GBP", who="registrar", at=NOW)
        await propose(session)
        bea, _ = await booked(session, "000001"), await booked(session, "000002")
        await returned(session, bea)
        await succeed(session, "bea", ("dot", 10_000))
        await propose(session)

        assert await found(session) == {
            "000001": ("ada", "bea", 61, "RETURNED", "AC04"),
            "000002": ("ada", "cal", 40, "BOOKED", None),
            "000003": (None, "bea", 70, "CANCELLED", "SUCCEEDED"),
            "000004": ("ada", "dot", 61, "PROPOSED", None),
            "000005": ("bea", "dot", 70, "PROPOSED", None),
        }
        assert await paid(session, "ada") == MemberPaid(40, 61, 0, None)


async def test_a_rejected_part_is_paid_to_the_successors_other_account(node):
    async with node.write("test") as session:
        await succeed(session, *ADA_IS_SUCCEEDED)
        await propose(session)
        await bankword.reject(session, await exported(session, "000001"), "AC04", **BANK)
        nothing = await propose(session)
        account = PaymentAccount("", "IBAN", OTHER_IBAN, None, None)
        await set_account(session, "bea", account, "GBP", who="registrar", at=NOW)
        [second] = (await propose(session)).proposed

        assert nothing.proposed == []
        assert (second.payment_id, second.replaces) == (
            "PAY-2026-09-GB-000001/2",
            "PAY-2026-09-GB-000001",
        )
        assert (second.attributed_to, second.share, second.amount) == ("ada", "3/5", 61)


async def test_shares_that_were_corrected_are_paid_as_they_are_now(node):
    async with node.write("test") as session:
        wrong = await succeed(session, *ADA_IS_SUCCEEDED)
        await propose(session)
        await booked(session, "000001")
        await take_back(session, wrong)
        await succeed(session, "ada", ("bea", 5_000), ("cal", 2_500), ("dot", 2_500))
        await propose(session)

        ada = {number: row for number, row in (await found(session)).items() if row[0] == "ada"}
        assert ada == {
            "000001": ("ada", "bea", 61, "BOOKED", None),
            "000002": ("ada", "cal", 40, "CANCELLED", "SUCCEEDED"),
            "000004": ("ada", "cal", 20, "OUTSTANDING", "ACCOUNT_MISSING"),
            "000005": ("ada", "dot", 20, "PROPOSED", None),
        }


async def test_the_books_say_who_earned_what_a_successor_is_paid(node):
    async with node.write("test") as session:
        await succeed(session, "ada", ("bea", 10_000))
        await propose(session)
        row = await booked(session, "000001")
        tags = record.tags_of(row)

        assert (tags["party"], tags["attributed_to"]) == ("member:bea", "member:ada")
        assert await balances(session) == {
            "Liabilities:GB:Members": {"GBP": 101},
            "Liabilities:GB:Suspense:BankEntry": {"GBP": -101},
        }


async def test_an_account_that_is_missing_holds_up_no_member_that_is_succeeded(node):
    async with node.write("test") as session:
        session.add(
            MemberBalance(
                period="2026-08",
                member_id="cal",
                opening=0,
                attributed=500,
                payable=0,
                outstanding=500,
                reason="ACCOUNT_MISSING",
            )
        )
        await session.flush()
        for row in (await distribution.balances(session, PERIOD)).values():
            await session.delete(row)
        await succeed(session, "cal", ("bea", 10_000), on=TODAY)
        await _keep_balances(session, PERIOD, {}, 100, TODAY - timedelta(days=1))
        before = (await distribution.balances(session, PERIOD))["cal"]
        assert (before.payable, before.outstanding, before.reason) == (0, 500, "ACCOUNT_MISSING")
        await session.delete(before)
        await session.flush()

        await _keep_balances(session, PERIOD, {}, 100, TODAY)

        after = (await distribution.balances(session, PERIOD))["cal"]
        assert (after.opening, after.payable, after.outstanding) == (500, 500, 0)
        await propose(session)
        assert await found(session) == {"000001": ("cal", "bea", 500, "PROPOSED", None)}


async def test_nothing_approved_leaves_by_shares_that_were_taken_back(node):
    async with node.write("test") as session:
        wrong = await succeed(session, "ada", ("bea", 6_000), ("dot", 4_000))
        await propose(session)
        await approved(session, "000001")
        await take_back(session, wrong)
        await succeed(session, "ada", ("bea", 5_000), ("dot", 5_000))

    async def export(session):
        await batches.export_currency(session, "GB", "GBP", VALUE_ON, who=MAKER, at=NOW)

    assert (await refused(node, SucceededError, export)).code == "SUCCEEDED"
    async with node.write("test") as session:
        await propose(session)
        ada = [row for row in (await found(session)).values() if row[0] == "ada"]
        assert [row[1:4] for row in ada] == [
            ("bea", 61, "CANCELLED"),
            ("dot", 40, "CANCELLED"),
            ("bea", 50, "PROPOSED"),
            ("dot", 51, "PROPOSED"),
        ]
