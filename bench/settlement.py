"""A million (licence, member) weights: the distribution of production against bare integers.

Both split the same totals by the same weights. Production also converts currencies, takes the
fee, breaks ties fairly, says of every amount where it is from, and checks that nothing is lost.
"""

import gc
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from federation.settlement.plans import Distribution, NodeInputs, NodeTerms, distribute
from federation.settlement.rates import Rates
from federation.values.licence_key import LicenceKey
from federation.values.month import Month

LICENCES, MEMBERS, ROUNDS = 200, 5_000, 3
TIMES_MAX = 5.0
CURRENCIES = ("EUR", "GBP", "JPY", "USD")

RATES = {
    "GBP": ("2026-09-30", "0.8675"),
    "JPY": ("2026-09-30", "171.43"),
    "USD": ("2026-09-30", "1.1741"),
}


def the_inputs() -> NodeInputs:
    """Return a node's month: 200 licences in four currencies, each used of 5,000 members."""
    chance = random.Random(11)  # noqa: S311 - made up, the same each time
    members = [f"DE-{number:07d}" for number in range(MEMBERS)]
    licences = [LicenceKey(f"HUB-{number:06d}") for number in range(LICENCES)]
    return NodeInputs(
        node=NodeTerms("DE", "EUR", 1500, "per_usage"),
        period=Month("2026-09"),
        received=[
            (key, CURRENCIES[place % len(CURRENCIES)], chance.randrange(500_000, 90_000_000))
            for place, key in enumerate(licences)
        ],
        domestic=[],
        member_weights={
            # units x tier x use x basis points, as usage reports weigh
            key: {who: chance.randrange(1, 5_000) * 10**10 for who in members}
            for key in licences
        },
        members=[],
        rates=Rates("EUR", RATES),
    )


def by_bare_integers(
    totals: Mapping[LicenceKey, int], weights: Mapping[LicenceKey, Mapping[str, int]]
) -> dict[LicenceKey, list[int]]:
    """Split each total by weights, in the order of the members: floors, then remainders."""
    found = {}
    for licence, total in totals.items():
        members = list(weights[licence].values())
        whole = sum(members)
        amounts, remainders = [], []
        for weight in members:
            product = total * weight
            amounts.append(product // whole)
            remainders.append(product % whole)
        left = total - sum(amounts)
        order = sorted(range(len(members)), key=remainders.__getitem__, reverse=True)
        for place in order[:left]:
            amounts[place] += 1
        found[licence] = amounts
    return found


def totals_of(result: Distribution) -> dict[LicenceKey, int]:
    """Return what each licence gave, in the settlement currency."""
    totals: defaultdict[LicenceKey, int] = defaultdict(int)
    for line in result.lines:
        if line.licence is not None:
            totals[line.licence] += line.amount
    return dict(totals)


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def check(inputs: NodeInputs, result: Distribution, totals: Mapping[LicenceKey, int]) -> None:
    """Both sides do the same work: the same amounts, but for who is rounded up on a tie."""
    assert not result.checks["nothing_lost"][1]
    bare = by_bare_integers(totals, inputs.member_weights)
    given = {(line.licence, line.member): line.amount for line in result.lines}
    for licence, amounts in bare.items():
        pairs = zip(inputs.member_weights[licence], amounts, strict=True)
        assert all(abs(given.get((licence, who), 0) - amount) <= 1 for who, amount in pairs)


def main() -> None:
    inputs = the_inputs()
    result = distribute(inputs)
    totals = totals_of(result)
    check(inputs, result, totals)
    del result
    rounds = []
    for _ in range(ROUNDS):
        bare = seconds(lambda: by_bare_integers(totals, inputs.member_weights))
        rounds.append((bare, seconds(lambda: distribute(inputs))))
    bare, production = (min(taken) for taken in zip(*rounds, strict=True))
    print(f"{LICENCES * MEMBERS:,} weights: {LICENCES} licences of {MEMBERS:,} members")
    print(f"{'':8}{'bare, s':>14}{'distribute, s':>15}{'times bare':>13}")
    for number, taken in enumerate(rounds, start=1):
        print_times(f"round {number}", *taken)
    print_times("best", bare, production)
    print(f"wanted: at most {TIMES_MAX:g} times")
    sys.exit(0 if production / bare <= TIMES_MAX else 1)


def print_times(name: str, bare: float, production: float) -> None:
    print(f"{name:8}{bare:>14.3f}{production:>15.3f}{production / bare:>13.2f}")


if __name__ == "__main__":
    main()
