"""Debits are taken up by credits, oldest first, both amounts to the unit; old ones are waived."""

from datetime import date

import pytest
from hypothesis import given as holds_for
from hypothesis import strategies as st
from sqlalchemy import select

from federation.ledger import store as ledger
from federation.payments import set_off, store
from federation.payments.set_off import Debit, NewDebit, Used, open_debits, take_up
from federation.payments.tables import SetOff
from tests.databases import contents

AMOUNTS = st.integers(1, 10**15)
DEBITS = st.lists(st.tuples(AMOUNTS, st.integers(0, 10**15)), max_size=6)


def a_row(number, amount, cleared, of=None):
    return SetOff(id=number, amount=amount, cleared=cleared, of=of, period="2026-09", node="FR")


def test_the_oldest_debit_is_taken_up_first_and_its_two_amounts_together():
    debits = [Debit(1, "2026-09", 100, 90), Debit(2, "2026-10", 50, 45)]

    assert take_up(debits, 30) == [(debits[0], Used(30, 27))]
    assert take_up(debits, 120) == [(debits[0], Used(100, 90)), (debits[1], Used(20, 18))]
    assert take_up(debits, 0) == []


def test_what_is_left_of_a_debit_is_what_was_not_taken_up():
    rows = [a_row(1, -100, -90), a_row(2, 30, 27, of=1), a_row(3, -50, -45), a_row(4, 50, 45, of=3)]

    assert open_debits(rows) == [Debit(1, "2026-09", 70, 63)]


def test_the_debit_of_the_oldest_month_comes_first_whenever_it_was_written_down():
    rows = [a_row(1, -100, -90), a_row(2, -50, -45), a_row(3, -7, -6)]
    rows[1].period, rows[2].period = "2026-08", "2026-08"

    assert open_debits(rows) == [
        Debit(2, "2026-08", 50, 45),
        Debit(3, "2026-08", 7, 6),
        Debit(1, "2026-09", 100, 90),
    ]


@holds_for(DEBITS, st.lists(AMOUNTS, max_size=8))
def test_nothing_is_taken_twice_and_nothing_is_left_that_a_credit_could_take(debits, given):
    rows = [a_row(n, -amount, -cleared) for n, (amount, cleared) in enumerate(debits, start=1)]
    total, used = sum(amount for amount, _ in debits), 0
    for number, credit in enumerate(given, start=100):
        taken = take_up(open_debits(rows), credit)
        amount = sum(part.amount for _, part in taken)
        assert amount == min(credit, total - used)
        used += amount
        rows += [
            a_row(number * 10 + n, part.amount, part.cleared, of=debit.id)
            for n, (debit, part) in enumerate(taken)
        ]
    left = open_debits(rows)
    assert sum(item.amount for item in left) == total - used
    whole = {n for n, _ in enumerate(debits, start=1)} - {item.id for item in left}
    for number in whole:  # a debit taken up whole leaves nothing in clearing currency either
        assert sum(row.cleared for row in rows if number in (row.id, row.of)) == 0


TODAY = date(2027, 10, 5)


async def a_debit(session, period, *, node="FR", amount=100, cleared=90):
    debit = NewDebit(
        node=node,
        document=f"debit/{node}/{period}",
        period=period,
        amount=amount,
        cleared=cleared,
        currency="GBP",
    )
    await set_off.owe(session, debit, TODAY)


def waive(session, period, periods=12):
    before = set_off.oldest_kept(period, periods)
    return set_off.to_reserve(
        session, before=before, period=period, clearing_currency="EUR", on=TODAY
    )


@pytest.mark.parametrize(
    ("entered", "waived"),
    [("2026-08", {"FR": 100}), ("2026-09", {"FR": 100}), ("2026-10", {}), ("2026-11", {})],
)
async def test_what_is_left_of_a_debit_after_twelve_periods_goes_to_the_reserve(
    database, entered, waived
):
    """In October 2027 the credits of October 2026 to September 2027 have had their turn."""
    async with database.write("debit") as session:
        await a_debit(session, entered)
    before = await contents(database)

    async with database.write("waive") as session:
        assert await waive(session, "2027-10") == waived

    assert (await contents(database) == before) is (not waived)


@pytest.mark.parametrize(("periods", "waived"), [(1, {"FR": 100}), (2, {})])
async def test_the_terms_say_after_how_many_periods_a_debit_is_waived(database, periods, waived):
    async with database.write("debit") as session:
        await a_debit(session, "2027-08")
        assert await waive(session, "2027-10", periods) == waived


async def test_only_what_is_left_is_waived_and_only_once(database):
    async with database.write("debits") as session:
        await a_debit(session, "2026-09", amount=100, cleared=90)
        await a_debit(session, "2026-10", amount=7, cleared=6)
        await a_debit(session, "2026-08", node="JP", amount=31, cleared=1)
        used = await set_off.use(
            session, node="FR", document="credit", period="2026-10", credit=40, on=TODAY
        )
        assert used == Used(40, 36)

    async with database.write("waive") as session:
        assert await waive(session, "2027-10") == {"FR": 60, "JP": 31}
        await session.flush()
        assert await waive(session, "2027-10") == {}

    async with database.read() as session:
        rows = list(await session.scalars(select(SetOff).order_by(SetOff.id)))
        journal = await ledger.journal(session)
    assert [(item.id, item.amount, item.cleared) for item in open_debits(rows)] == [(2, 7, 6)]
    assert [
        (entry.document, posting.debit, posting.credit, posting.amount, posting.currency)
        for entry, postings in journal
        for posting in postings
    ] == [
        ("reserve/FR/1", "Equity:HUB:Reserve", "Liabilities:HUB:Due:FR", 54, "EUR"),
        ("reserve/JP/3", "Equity:HUB:Reserve", "Liabilities:HUB:Due:JP", 1, "EUR"),
    ]


async def test_what_is_taken_up_whole_is_not_read_again(database):
    async with database.write("debits") as session:
        await a_debit(session, "2026-09", amount=100)
        await a_debit(session, "2026-10", amount=9)
        await a_debit(session, "2026-11", node="JP", amount=31)
        await set_off.use(
            session, node="FR", document="credit", period="2026-11", credit=102, on=TODAY
        )

    async with database.read() as session:
        every = {node: await store.set_offs(session, node) for node in (None, "FR", "JP")}

    assert {node: [(row.id, row.of) for row in rows] for node, rows in every.items()} == {
        None: [(2, None), (3, None), (5, 2)],
        "FR": [(2, None), (5, 2)],
        "JP": [(3, None)],
    }


def test_a_debit_is_kept_for_so_many_periods_after_its_own():
    assert [set_off.oldest_kept("2027-10", periods) for periods in (1, 11, 12, 13)] == [
        "2027-09",
        "2026-11",
        "2026-10",
        "2026-09",
    ]
