"""What a member owes waits twelve months for its credits, and then goes to the reserve."""

from datetime import date

import pytest

from federation.distribution import store
from federation.distribution.old_debits import OldDebit, members_debits_to_reserve, old_debits
from federation.distribution.tables import MemberBalance
from tests.payments.factories import balances

ON = date(2027, 11, 5)


def a_balance(period, moved, *, member="ada", payable=0, opening=0):
    """Return a balance of a month in which a member was adjusted by an amount."""
    outstanding = opening + moved - payable
    return MemberBalance(
        period=period,
        member_id=member,
        opening=opening,
        attributed=0,
        adjusted=moved,
        payable=payable,
        outstanding=outstanding,
        reason="SET_OFF" if outstanding < 0 else None,
    )


def found(*rows, before="2026-11"):
    return list(old_debits(rows, before))


def test_a_debit_is_old_after_its_time_and_not_before():
    debit = a_balance("2026-10", -900)

    assert found(debit) == [OldDebit("ada", "2026-10", 900)]
    assert found(debit, before="2026-10") == []


def test_credits_took_up_the_oldest_debit_first():
    rows = [
        a_balance("2026-09", -900),
        a_balance("2026-10", -500, opening=-900),
        a_balance("2026-12", 1_000, opening=-1_400),
    ]

    assert found(*rows) == [OldDebit("ada", "2026-10", 400)]


def test_what_was_outstanding_to_a_member_was_used_before_it_owed_anything():
    rows = [a_balance("2026-08", 300), a_balance("2026-09", -500, opening=300)]

    assert found(*rows) == [OldDebit("ada", "2026-09", 200)]
    assert found(a_balance("2026-08", 300), a_balance("2026-09", -300, opening=300)) == []


def test_what_was_paid_does_not_count_as_owed():
    rows = [a_balance("2026-08", 700, payable=700), a_balance("2026-09", -100)]

    assert found(*rows) == [OldDebit("ada", "2026-09", 100)]


@pytest.mark.parametrize(("period", "given_up"), [("2027-10", 0), ("2027-11", 900)])
async def test_a_distribution_gives_up_debits_older_than_twelve_months(database, period, given_up):
    rows = [
        a_balance("2026-10", -900),
        a_balance("2026-11", -50, opening=-900),
        a_balance("2026-10", 70, member="ben"),
    ]
    async with database.write("test") as session:
        session.add_all(rows)
    async with database.write("test") as session:
        await members_debits_to_reserve(session, "GB", period, "GBP", ON)

    async with database.read() as session:
        books = await balances(session)
        adjusted = await store.waiting_adjustments(session)
    assert [(row.member_id, row.reason, row.amount, row.service_period) for row in adjusted] == (
        [("ada", "RESERVE", 900, "2026-10")] if given_up else []
    )
    assert books == (
        {
            "Equity:GB:Reserve": {"GBP": 900},
            "Liabilities:GB:Members": {"GBP": -900},
        }
        if given_up
        else {}
    )
    if given_up:
        assert adjusted[0].document == f"reserve/{period}/members"
