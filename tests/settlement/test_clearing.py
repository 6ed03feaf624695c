"""What of a debt settles anything in the debtor's own currency (SETTLEMENT §5)."""

import pytest

from federation.settlement.clearing import Obligation, Position, settles
from federation.settlement.run import RunResult, owed_by

POSITIONS = {"DE": Position(0, 3), "GB": Position(5, 0)}


@pytest.mark.parametrize(
    ("debtor", "currency", "expected"),
    [("DE", "EUR", True), ("DE", "USD", True), ("GB", "EUR", True), ("GB", "USD", False)],
)
def test_what_clears_to_nothing_settles_nothing_in_another_currency(debtor, currency, expected):
    assert settles(POSITIONS, debtor, currency, "EUR") is expected


def test_a_node_owes_what_settles_and_nobody_elses():
    rows = [
        Obligation(debtor, "FR", currency, "share", f"{debtor}-000001", 1)
        for debtor in ("DE", "GB")
        for currency in ("EUR", "USD")
    ]
    result = RunResult({}, rows, [], POSITIONS, {}, {}, {}, [])

    assert owed_by(result, "DE", "EUR") == rows[:2]
    assert owed_by(result, "GB", "EUR") == rows[2:3]
