"""50,000 bank entries against 50,000 expected payments, beside a bare dict join of the same rows.

The join knows the answer: it looks each EndToEndId up and compares the amount. Production reads
references out of free text, compares accounts and names, looks for several that add up, ranks what
it finds and says why. A tenth of the entries has no EndToEndId and is found by text or name only,
a tenth lost its amount to a charge, a tenth are batches of five.
"""

import gc
import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta

from federation.banking import words
from federation.banking.matching import (
    Candidate,
    Matcher,
    Movement,
    Suggestion,
    bearers_among,
    match_all,
)
from federation.payments.expected import Expected

ROWS, ROUNDS = 50_000, 3
SECONDS_MAX = 30.0
BATCH = 5
NAMES = ["Amber", "Birch", "Cedar", "Dune", "Elm", "Fern", "Grove", "Hazel", "Iris", "Jade"]
DAY = date(2026, 10, 16)


def the_expected() -> list[Expected]:
    """Return payments to members, remittances and invoices, many with the same amounts."""
    chance = random.Random(7)  # noqa: S311 - made up, the same each time
    found: list[Expected] = []
    for number in range(ROWS):
        is_in = number % 5 == 0
        found.append(
            Expected(
                kind="INVOICE" if is_in else "PAYMENT",
                id=f"HUB-{number:06d}" if is_in else f"PAY-2026-09-M-{number:07d}",
                direction="IN" if is_in else "OUT",
                party=f"member:{number}",
                counterparty_name=f"{' '.join(chance.sample(NAMES, 3))} {number % 97} Ltd",
                account=f"GB{number:020d}",
                amount=chance.randrange(1_00, 5_000_00),
                currency="EUR",
                references=(f"INV-HUB-{number:06d}",) if is_in else (),
                due_on=DAY - timedelta(days=number % 40),
            )
        )
    return found


def the_entries(expected: list[Expected]) -> list[Candidate]:
    """Return what the bank says of them, in another order."""
    entries: list[Candidate] = []
    parts: list[Movement] = []
    for number, item in enumerate(expected):
        movement = one_movement(number, item)
        if number % 10 == 1:
            parts.append(movement)
            if len(parts) == BATCH:
                total = sum(part.amount for part in parts)
                whole = Movement(parts[0].entry, total, "EUR", DAY)
                entries.append(Candidate(whole, tuple(parts)))
                parts = []
            continue
        entries.append(Candidate(movement))
    random.Random(8).shuffle(entries)  # noqa: S311 - the same each time
    return entries


def one_movement(number: int, item: Expected) -> Movement:
    sign = 1 if item.direction == "IN" else -1
    charge = 350 if number % 10 == 2 else 0  # noqa: PLR2004 - a tenth
    is_named = number % 10 != 3  # noqa: PLR2004 - a tenth
    reference = item.references[0] if item.references else item.id
    return Movement(
        entry=number,
        amount=sign * item.amount - charge,
        currency="EUR",
        day=DAY,
        end_to_end_id=item.id if is_named else None,
        account=None,
        names=(item.counterparty_name.upper(),) if number % 2 else (),
        text="" if is_named else f"payment for {reference.replace('-', ' ').lower()} thank you",
        charges=charge,
    )


def join(entries: list[Candidate], expected: list[Expected]) -> int:
    """Count what a bare join by id and amount finds."""
    by_id = {item.id: item for item in expected}
    found = 0
    for candidate in entries:
        for movement in candidate.parts or (candidate.whole,):
            item = by_id.get(movement.end_to_end_id or "")
            if item is not None and item.amount == abs(movement.amount):
                found += 1
    return found


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def check(entries: list[Candidate], found: dict[int, list[Suggestion]], joined: int) -> None:
    """Every entry's best suggestion is what it was made from; at least the join's are exact."""
    exact = 0
    for candidate in entries:
        best = found[candidate.whole.entry][0]
        wanted = {movement.entry for movement in candidate.parts or (candidate.whole,)}
        named = {int(item.ref[-6:]) for item in best.items if item.kind in {"INVOICE", "PAYMENT"}}
        assert named == wanted, (candidate, best)
        assert best.difference == 0
        exact += len(wanted) if best.is_exact else 0
    assert exact == joined, (exact, joined)


def main() -> None:
    expected = the_expected()
    entries = the_entries(expected)
    bearers = bearers_among(entries)
    check(entries, match_all(entries, Matcher(expected), bearers), join(entries, expected))
    rounds = []
    for _ in range(ROUNDS):
        bare = seconds(lambda: join(entries, expected))
        for remembered in (words.reference_key, words.keys_in, words.name_words):
            remembered.cache_clear()
        rounds.append((bare, seconds(lambda: match_all(entries, Matcher(expected), bearers))))
    bare, production = (min(taken) for taken in zip(*rounds, strict=True))
    print(f"{ROWS:,} transactions in {len(entries):,} entries against {ROWS:,} expected")
    print(f"{'':8}{'dict join, s':>14}{'match, s':>12}{'times':>10}")
    for number, taken in enumerate(rounds, start=1):
        print_times(f"round {number}", *taken)
    print_times("best", bare, production)
    print(f"wanted: at most {SECONDS_MAX:g} s")
    sys.exit(0 if production <= SECONDS_MAX else 1)


def print_times(name: str, bare: float, production: float) -> None:
    print(f"{name:8}{bare:>14.3f}{production:>12.3f}{production / bare:>10.1f}")


if __name__ == "__main__":
    main()
