"""What is wrong of a month is counted, and the first of it shown."""

from federation.proof.invariants.checks import INVARIANTS
from federation.proof.invariants.examining import Finding
from federation.schema.month_invariants import InvariantFinding


def test_of_very_many_violations_the_first_hundred_are_shown_and_all_are_counted():
    wrong = [f"entry {number}" for number in range(101)]
    shown = InvariantFinding.of(Finding(INVARIANTS[0], 200, wrong))
    assert (shown.examined, shown.violated, shown.violations) == (200, 101, wrong[:100])
