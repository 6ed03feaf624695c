"""Debits between two nodes: taken up by credits of the same two, or given up after their time."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from federation.distribution.directly import Directly, Due, settle_directly
from federation.ledger.accounts import Entry, Posting
from federation.ledger.store import post
from federation.netting import between
from federation.netting.between import AccountContradictsError, NoSuchDebitError, Owed
from federation.netting.remittances import Remittance, propose_own_remittance
from federation.payments.payees import account_in
from federation.payments.postings import Amount
from federation.payments.proposal import Side
from federation.payments.record import kept
from federation.payments.service import approve, get_payment, name_account
from federation.payments.set_off import NewDebit, TooMuchSetOffError, open_debits, owe
from federation.payments.store import find_incoming, set_offs_between_nodes
from federation.settlement.messages import Between, RunCorrected
from federation.trust.principals import SamePersonError
from tests.databases import HUB_TERMS, refused
from tests.payments.factories import GB_ACCOUNT, HUB_ACCOUNT, balances

NOW = datetime(2026, 11, 5, 9, tzinfo=UTC)
ON = NOW.date()
ACCOUNTS = {"GB": GB_ACCOUNT, "FR": HUB_ACCOUNT}
OF_FR, OF_GB = "Liabilities:FR:Due:GB", "Liabilities:GB:Due:FR"
ADJ = "ADJ-2026-09-abcdefab-GB-FR"


def a_debit(period="2026-10", amount=10_000, cleared=8_500, currency="GBP"):
    """Return a debit: FR got 100.00 EUR too much, for 85.00 GBP of a licence of GB."""
    return NewDebit(
        node="FR",
        licensor="GB",
        document="correction/abcd/FR",
        period=period,
        amount=amount,
        cleared=cleared,
        currency="EUR",
        cleared_currency=currency,
    )


def owed(here, amount=30_000, debt=25_600, set_off=10_000):
    """Return what GB owes FR: 300.00 EUR, in its own books 256.00 GBP."""
    return Owed(
        kind="ADJUSTMENT",
        base=ADJ,
        run="ab" * 32,
        period="2026-09",
        payer="GB",
        payee="FR",
        amount=Amount(amount, "EUR"),
        debt=Amount(debt, "GBP") if here == "GB" else Amount(amount, "EUR"),
        due_on=date(2026, 11, 15),
        set_off=set_off,
    )


async def keep(database, *debits):
    async with database.write("debits") as session:
        for debit in debits:
            await owe(session, debit, ON)


async def settle(database, here, what):
    async with database.write("settle") as session:
        await between.settle_between(session, here, what, ACCOUNTS, at=NOW)


async def books(database):
    async with database.read() as session:
        return await balances(session)


async def enter(database, debit, credit, amount, currency):
    async with database.write("books") as session:
        entry = Entry(
            ON, f"{debit}/{currency}", "A debt", (Posting(debit, credit, amount, currency),)
        )
        await post(session, [entry])


async def test_the_payer_pays_what_older_debits_do_not_take_up(database):
    await keep(database, a_debit(amount=4_000, cleared=3_400), a_debit(amount=6_000, cleared=5_200))
    await enter(database, OF_GB, "Equity:GB:Clearing", 8_600, "GBP")
    await enter(database, "Equity:GB:Clearing", OF_GB, 25_600, "GBP")

    await settle(database, "GB", owed("GB"))

    async with database.read() as session:
        payment = await get_payment(session, ADJ)
    assert (payment.amount, payment.set_off, payment.state) == (20_000, 10_000, "PROPOSED")
    assert (payment.debt_amount, payment.debt_currency) == (17_067, "GBP")  # 256.00 less a third
    found = await books(database)
    assert found[OF_GB] == {"GBP": -17_067}
    assert found["Equity:GB:FxRealised"] == {"GBP": 8_600 - 8_533}


async def test_a_debit_in_another_currency_of_the_licence_passes_the_exchange_account(database):
    await keep(database, a_debit(currency="EUR", cleared=9_900))
    await enter(database, OF_GB, "Equity:GB:Clearing", 9_900, "EUR")
    await enter(database, "Equity:GB:Clearing", OF_GB, 25_600, "GBP")

    await settle(database, "GB", owed("GB"))

    assert await books(database) == {
        OF_GB: {"GBP": -17_067},
        "Equity:GB:Clearing": {"GBP": 25_600 - 8_533},
    }


async def test_the_payee_waits_for_the_rest_and_enters_nothing(database):
    await keep(database, a_debit())

    await settle(database, "FR", owed("FR"))

    async with database.read() as session:
        row = await find_incoming(session, ADJ)
    assert (row.amount, row.debt_amount, row.debt_account, row.state) == (
        20_000,
        20_000,
        OF_FR,
        "EXPECTED",
    )
    assert await books(database) == {}


async def test_what_debits_take_up_whole_is_neither_paid_nor_awaited_and_keeps_its_id(database):
    await keep(database, a_debit(amount=40_000, cleared=34_000))

    await settle(database, "GB", owed("GB", set_off=30_000))
    await settle(database, "GB", owed("GB", amount=10_000, debt=8_500, set_off=0))

    async with database.read() as session:
        rows = [await get_payment(session, name) for name in (ADJ, f"{ADJ}/2")]
    assert [(row.amount, row.set_off, row.state) for row in rows] == [
        (0, 30_000, "SET_OFF"),
        (10_000, 0, "PROPOSED"),
    ]


async def test_a_set_off_beyond_what_is_owed_is_refused(database):
    await keep(database, a_debit(amount=9_999))

    for here in ("GB", "FR"):
        await refused(
            database,
            NoSuchDebitError,
            lambda session, here=here: between.settle_between(
                session, here, owed(here), ACCOUNTS, at=NOW
            ),
        )


async def test_more_than_the_credit_is_not_set_off_of_it(database):
    await keep(database, a_debit(amount=100_000, cleared=85_000))

    for here in ("GB", "FR"):
        found = await refused(
            database,
            TooMuchSetOffError,
            lambda session, here=here: between.settle_between(
                session, here, owed(here, set_off=30_001), ACCOUNTS, at=NOW
            ),
        )
        assert found.detail == f"{ADJ}: 30001 of 30000"


def the_hub_says(*set_off):
    return RunCorrected(
        run_id="ab" * 32,
        corrects="cd" * 32,
        document="",
        credits=[],
        held=[],
        uses=[],
        remittance="0",
        set_off="0",
        left=["GB"],
        set_off_between=list(set_off),
    )


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ([Between("GB", "FR", "30001")], "1 of GB with FR"),
        ([Between("GB", "FR", "20000"), Between("GB", "FR", "10001")], "1 of GB with FR"),
        ([Between("GB", "FR", "1"), Between("FR", "GB", "5")], "5 of FR with GB"),
    ],
)
async def test_a_correction_that_sets_off_more_than_it_gives_is_refused(database, said, detail):
    await keep(database, a_debit(amount=100_000, cleared=85_000))
    credit = Due("GB", "FR", Amount(25_600, "GBP"), Amount(30_000, "EUR"), 30_000)
    directly = Directly((credit,), (), 30_000, frozenset())
    message = the_hub_says(*said)

    async def settle_it(session):
        own = Side("FR", HUB_ACCOUNT)
        await settle_directly(session, own, directly, message, "2026-09", HUB_TERMS, NOW)

    assert (await refused(database, TooMuchSetOffError, settle_it)).detail == detail


@pytest.mark.parametrize(("minor", "set_off"), [(500, 501), (-500, 1), (0, 1)])
async def test_no_more_than_a_remittance_is_set_off_of_it(database, minor, set_off):
    remittance = Remittance("ab" * 32, "2026-09", minor, "EUR", set_off)

    async def propose_it(session):
        own = Side("FR", HUB_ACCOUNT)
        await propose_own_remittance(session, remittance, own, HUB_TERMS, NOW)

    found = await refused(database, TooMuchSetOffError, propose_it)
    assert found.detail == f"PAY-2026-09-HUB-FR: {set_off} of {minor}"


async def test_the_hub_gives_up_after_their_time_what_two_owe_one_another(database):
    old, young = a_debit("2025-10"), a_debit("2025-11", amount=300, cleared=256)
    await keep(database, old, young)

    async with database.write("reserve") as session:
        found = await between.give_up(session, before="2025-11", period="2026-10", on=ON)
    async with database.write("reserve") as session:
        again = await between.give_up(session, before="2025-11", period="2026-11", on=ON)

    assert found == [Between("GB", "FR", "10000")]
    assert again == []
    assert await books(database) == {}


async def test_what_is_given_up_is_old_also_where_a_younger_debit_was_written_down_first(database):
    young, old = a_debit("2025-11", amount=300, cleared=256), a_debit("2025-10")
    await keep(database, young, old)

    async with database.write("reserve") as session:
        found = await between.give_up(session, before="2025-11", period="2026-10", on=ON)
        rows = await set_offs_between_nodes(session)

    assert found == [Between("GB", "FR", "10000")]
    assert [(item.period, item.amount) for item in open_debits(rows)] == [("2025-11", 300)]


async def reserved(database, here, currency):
    async with database.write("reserve") as session:
        waived = [Between("GB", "FR", "10000")]
        await between.to_reserve(session, here, currency, waived, "2026-10", ON)
    return await books(database)


async def test_who_got_too_much_keeps_in_its_reserve_what_is_given_up(database):
    await keep(database, a_debit("2025-10"), a_debit("2025-11", amount=300, cleared=256))
    await enter(database, "Equity:FR:Clearing", OF_FR, 10_300, "EUR")

    found = await reserved(database, "FR", "EUR")

    assert found[OF_FR] == {"EUR": -300}
    assert found["Equity:FR:Reserve"] == {"EUR": -10_000}


async def test_the_licensor_bears_in_its_reserve_what_is_given_up(database):
    await keep(database, a_debit("2025-10"), a_debit("2025-11", amount=300, cleared=256))
    await enter(database, OF_GB, "Equity:GB:Clearing", 8_756, "GBP")

    found = await reserved(database, "GB", "GBP")

    assert found[OF_GB] == {"GBP": 256}
    assert found["Equity:GB:Reserve"] == {"GBP": 8_500}


async def test_another_account_than_was_approved_waits_for_a_person_to_name_it(database):
    """Only the hub says what account another collective has."""
    at = {"at": NOW}
    async with database.write("first") as session:
        await between.settle_between(session, "GB", owed("GB", set_off=0), ACCOUNTS, at=NOW)
    async with database.write("approved") as session:
        await approve(session, await get_payment(session, ADJ), who="another", **at)
    for number, account, state, reason in (
        (2, HUB_ACCOUNT, "PROPOSED", None),
        (3, GB_ACCOUNT, "OUTSTANDING", "ACCOUNT_CHANGED"),
    ):
        async with database.write("more") as session:
            accounts = ACCOUNTS | {"FR": account}
            await between.settle_between(session, "GB", owed("GB", set_off=0), accounts, at=NOW)
            row = await get_payment(session, f"{ADJ}/{number}")
            assert (row.state, row.reason) == (state, reason)

    async with database.write("named") as session:
        row = await get_payment(session, f"{ADJ}/3")
        row.kind = "REMITTANCE"  # what lies between the two since one left the net
        await name_account(session, row, GB_ACCOUNT, HUB_ACCOUNT, who="somebody", **at)
        assert (row.state, row.reason, row.proposed_by) == ("PROPOSED", None, "somebody")
        assert row.payee_account == kept(HUB_ACCOUNT)
        with pytest.raises(SamePersonError):
            await approve(session, row, who="somebody", **at)


@pytest.mark.parametrize("code", ["GB", "HUB"])
def test_the_hub_says_no_other_account_than_a_node_knows(code):
    own = Side("GB", GB_ACCOUNT)
    known = {"GB": GB_ACCOUNT, "HUB": account_in(HUB_TERMS)}
    same = {key: account for key, account in known.items() if account}
    other = replace(HUB_ACCOUNT, name="Evil")
    assert between.known_accounts(own, HUB_TERMS, same | {"FR": HUB_ACCOUNT}) == {
        **known,
        "FR": HUB_ACCOUNT,
    }

    with pytest.raises(AccountContradictsError) as refusal:
        between.known_accounts(own, HUB_TERMS, {"FR": HUB_ACCOUNT, code: other})

    assert refusal.value.detail == code
