"""Debits are taken up by credits, oldest first, both amounts to the unit."""

from hypothesis import given as holds_for
from hypothesis import strategies as st

from federation.payments.set_off import Debit, Used, open_debits, take_up
from federation.payments.tables import SetOff

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
