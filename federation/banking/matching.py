"""What an entry may be for: candidates, ranked, with the reasons. Pure, and linear in its input.

Everything is found through an index (by reference, account, name or amount), never by comparing
all with all. A score is a sum of points, each with its reason beside it.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from federation.bankfiles.entries import Instructed
from federation.banking.items import BANK_CHARGE, FX_DIFFERENCE, Item
from federation.banking.words import alike_percent, is_reference, keys_in, name_words, reference_key
from federation.money import decimal_text
from federation.payments.expected import Expected
from federation.values.bps import WHOLE_BPS

END_TO_END, REFERENCE, AMOUNT, NEAR_AMOUNT = 60, 40, 30, 10
ACCOUNT, SAME_NAME, LIKE_NAME, IN_WINDOW = 15, 10, 5, 5
SCORE_MIN = 30
SHOWN_MAX, CANDIDATES_MAX = 5, 20
LIKE_PERCENT = 50


def signed_amount(item: Expected) -> int:
    """Return what is expected: in is positive, out negative."""
    return item.amount if item.direction == "IN" else -item.amount


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far an amount (bps, but at least some minor units) and a day may lie off."""

    amount_bps: int = 200
    amount_min: int = 3_000
    days_before: int = 30
    days_after: int = 60

    def are_near(self, amount: int, other: int) -> bool:
        """Say whether two amounts lie within the bounds."""
        off = max(abs(other) * self.amount_bps // WHOLE_BPS, self.amount_min)
        return abs(amount - other) <= off

    def is_in_window(self, day: date | None, due_on: date | None) -> bool:
        """Say whether a day lies around the day something is due."""
        if day is None or due_on is None:
            return False
        return -self.days_before <= (day - due_on).days <= self.days_after


@dataclass(frozen=True, slots=True)
class Movement:
    """An entry, or one transaction of it: signed minor units, and all that may say what it is."""

    entry: int
    amount: int
    currency: str
    day: date | None
    end_to_end_id: str | None = None
    references: tuple[str, ...] = ()
    account: str | None = None
    names: tuple[str, ...] = ()  # of the counterparty, and of those it acted for
    text: str = ""
    charges: int = 0
    instructed: Instructed | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry with its transactions; without details `parts` is empty."""

    whole: Movement
    parts: tuple[Movement, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What one entry (or several together) may be for. `difference` is what no item explains."""

    entries: tuple[int, ...]
    items: tuple[Item, ...]
    difference: int
    score: int
    reasons: tuple[str, ...]
    is_exact: bool = False


@dataclass(slots=True)
class Matcher:
    """Looks up what is expected by reference, account, name or amount of a movement."""

    expected: Sequence[Expected]
    bounds: Bounds = field(default_factory=Bounds)
    _by_key: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _by_account: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _by_name: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _by_amount: dict[tuple[str, int], list[tuple[date, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        for place, item in enumerate(self.expected):
            for key in {reference_key(text) for text in (item.id, *item.references)}:
                if key:
                    self._by_key[key].append(place)
            if item.account:
                self._by_account[item.account].append(place)
            if item.counterparty_name:
                self._by_name[_name_key(item.counterparty_name)].append(place)
            self._by_amount[item.currency, signed_amount(item)].append(
                (item.due_on or date.min, place)
            )
        for days in self._by_amount.values():
            days.sort()

    def suggest(self, candidate: Candidate) -> list[Suggestion]:
        """Return what an entry may be for, the best first; one to one and one to many."""
        found = self._one_to_many(candidate) if candidate.parts else []
        found += self._one_to_one(candidate.whole)
        found += self._several_named(candidate.whole)
        unique: dict[frozenset[tuple[str, str]], Suggestion] = {}
        for each in sorted(found, key=_rank):
            unique.setdefault(frozenset((item.kind, item.ref) for item in each.items), each)
        return list(unique.values())[:SHOWN_MAX]

    def exactly(self, movement: Movement) -> Expected | None:
        """Return the one thing expected under a movement's EndToEndId, of its very amount."""
        if movement.end_to_end_id is None:
            return None
        key = reference_key(movement.end_to_end_id)
        named = [self.expected[place] for place in self._by_key.get(key, ())]
        named = [item for item in named if (signed_amount(item) > 0) == (movement.amount > 0)]
        if len(named) != 1 or movement.end_to_end_id not in {named[0].id, *named[0].references}:
            return None
        same = (signed_amount(named[0]), named[0].currency) == (movement.amount, movement.currency)
        return named[0] if same else None

    def named_by(self, movement: Movement) -> set[int]:
        """Return the places of what a movement's ids and text name, in its direction."""
        keys = set(filter(is_reference, map(reference_key, movement.references)))
        if movement.end_to_end_id is not None:
            keys.add(reference_key(movement.end_to_end_id))
        keys.update(keys_in(movement.text))
        return {
            place
            for key in keys
            for place in self._by_key.get(key, ())
            if (signed_amount(self.expected[place]) > 0) == (movement.amount > 0)
        }

    def _places(self, movement: Movement) -> set[int]:
        named = sorted(self.named_by(movement))[:CANDIDATES_MAX]
        places = set(named)
        if movement.account:
            places.update(self._by_account.get(movement.account, ())[:CANDIDATES_MAX])
        for name in movement.names:
            places.update(self._by_name.get(_name_key(name), ())[:CANDIDATES_MAX])
        days = self._by_amount.get((movement.currency, movement.amount), [])
        start = max(bisect_left(days, (movement.day or date.min, 0)) - CANDIDATES_MAX // 2, 0)
        places.update(place for _, place in days[start : start + CANDIDATES_MAX])
        return places

    def _one_to_one(self, movement: Movement) -> list[Suggestion]:
        found: list[Suggestion] = []
        beyond_doubt = self.exactly(movement)
        for place in self._places(movement):
            item = self.expected[place]
            score, reasons = self._score(movement, item)
            if score >= SCORE_MIN and (signed_amount(item) > 0) == (movement.amount > 0):
                items = _with_difference(movement, [item])
                left = movement.amount - sum(each.amount for each in items)
                exact = beyond_doubt is item
                found.append(
                    Suggestion((movement.entry,), items, left, score, tuple(reasons), exact)
                )
        return found

    def _one_to_many(self, candidate: Candidate) -> list[Suggestion]:
        """Match each transaction of an entry; all must be found, each something else."""
        chosen: dict[int, Expected] = {}
        score, reasons, exact = 10**6, [f"{len(candidate.parts)} transactions, each found"], True
        for part in candidate.parts:
            ranked = sorted(
                ((self._score(part, self.expected[place]), place) for place in self._places(part)),
                key=lambda row: (-row[0][0], row[1]),
            )
            best = next((row for row in ranked if row[1] not in chosen), None)
            if best is None or best[0][0] < REFERENCE:
                return []
            chosen[best[1]] = self.expected[best[1]]
            score = min(score, best[0][0])
            exact = exact and self.exactly(part) is self.expected[best[1]]
        items = _with_difference(candidate.whole, list(chosen.values()))
        left = candidate.whole.amount - sum(item.amount for item in items)
        exact = exact and left == 0 and len(items) == len(chosen)
        entry = candidate.whole.entry
        return [Suggestion((entry,), items, left, score, tuple(reasons), exact)]

    def _several_named(self, movement: Movement) -> list[Suggestion]:
        """Suggest everything that an entry names, where it is just the sum of it."""
        named = [self.expected[place] for place in sorted(self.named_by(movement))]
        total = sum(signed_amount(item) for item in named)
        currencies = {item.currency for item in named}
        if len(named) < 2 or total != movement.amount or currencies != {movement.currency}:  # noqa: PLR2004 - several
            return []
        items = tuple(Item(item.kind, item.id, signed_amount(item)) for item in named)
        reasons = (f"names {len(named)} that add up to it",)
        return [Suggestion((movement.entry,), items, 0, REFERENCE + AMOUNT, reasons)]

    def _score(self, movement: Movement, item: Expected) -> tuple[int, list[str]]:
        found = list(self._evidence(movement, item))
        return sum(points for points, _ in found), [reason for _, reason in found]

    def _evidence(self, movement: Movement, item: Expected) -> Iterator[tuple[int, str]]:
        yield from _named(movement, item)
        yield from self._amounts(movement, item)
        if movement.account and movement.account == item.account:
            yield ACCOUNT, "account of the counterparty"
        if movement.names and item.counterparty_name:
            wanted = item.counterparty_name
            percent = max(alike_percent(name, wanted) for name in movement.names)
            if percent >= LIKE_PERCENT:
                points = SAME_NAME if percent == 100 else LIKE_NAME  # noqa: PLR2004 - all words
                yield points, f"name {percent} % alike: {item.counterparty_name}"
        if self.bounds.is_in_window(movement.day, item.due_on):
            yield IN_WINDOW, f"due on {item.due_on}"

    def _amounts(self, movement: Movement, item: Expected) -> Iterator[tuple[int, str]]:
        ordered = movement.instructed
        if item.currency != movement.currency:
            if ordered == Instructed(item.amount, item.currency):
                yield AMOUNT, f"ordered {decimal_text(item.amount, item.currency)} {item.currency}"
            return
        if signed_amount(item) == movement.amount:
            yield AMOUNT, "same amount"
        elif self.bounds.are_near(movement.amount, signed_amount(item)):
            off = decimal_text(movement.amount - signed_amount(item), item.currency)
            yield NEAR_AMOUNT, f"amount off by {off} {item.currency}"


def _named(movement: Movement, item: Expected) -> Iterator[tuple[int, str]]:
    wanted = {reference_key(text): text for text in (*item.references, item.id)}
    ours = movement.end_to_end_id
    if ours is not None and reference_key(ours) in wanted:
        yield END_TO_END, f"EndToEndId {ours}"
        return
    keys = [*map(reference_key, movement.references), *keys_in(movement.text)]
    for key in keys:
        if key in wanted and is_reference(key):
            yield REFERENCE, f"reference {wanted[key]}"
            return


def _with_difference(movement: Movement, named: Sequence[Expected]) -> tuple[Item, ...]:
    """Return items for what is expected, and a named one for what the bank says it took.

    In another currency the bank's own amount stands: it converted.
    """
    if len(named) == 1 and named[0].currency != movement.currency:
        return (Item(named[0].kind, named[0].id, movement.amount),)
    items = [Item(item.kind, item.id, signed_amount(item)) for item in named]
    off = movement.amount - sum(item.amount for item in items)
    if off < 0 and -off == movement.charges:
        items.append(Item(BANK_CHARGE, items[0].ref, off, "as the bank states"))
    elif off and movement.instructed is not None:
        stated = movement.instructed
        note = f"converted from {decimal_text(stated.amount, stated.currency)} {stated.currency}"
        items.append(Item(FX_DIFFERENCE, items[0].ref, off, note))
    return tuple(items)


def _name_key(name: str) -> str:
    return " ".join(sorted(name_words(name)))


def _rank(suggestion: Suggestion) -> tuple[int, int, list[tuple[str, str]]]:
    """Order by score, then by what stays unexplained, then by name: the same each time."""
    names = [(item.kind, item.ref) for item in suggestion.items]
    return (-suggestion.score, abs(suggestion.difference), names)


Bearers = Mapping[tuple[str, bool], int]
"""{(EndToEndId, whether it came in): how many open transactions bear it}"""


def bearers_among(candidates: Iterable[Candidate]) -> Bearers:
    """Count by whom each EndToEndId is borne among some candidates."""
    return Counter(
        (movement.end_to_end_id, movement.amount > 0)
        for candidate in candidates
        for movement in (candidate.parts or (candidate.whole,))
        if movement.end_to_end_id
    )


def match_all(
    candidates: Sequence[Candidate], matcher: Matcher, bearers: Bearers
) -> dict[int, list[Suggestion]]:
    """Return {entry: suggestions}; adds what several entries pay together (many to one).

    A match is exact only if no other open entry bears the same EndToEndId: `bearers` counts those
    of every open entry, also where only some are candidates.
    """
    found: dict[int, list[Suggestion]] = {}
    for candidate in candidates:
        alone = all(
            bearers.get((movement.end_to_end_id, movement.amount > 0), 0) <= 1
            for movement in (candidate.parts or (candidate.whole,))
            if movement.end_to_end_id
        )
        suggestions = matcher.suggest(candidate)
        found[candidate.whole.entry] = suggestions if alone else list(map(_inexact, suggestions))
    for together in _many_to_one(candidates, matcher):
        for entry in together.entries:
            found[entry] = sorted([together, *found[entry]], key=_rank)[:SHOWN_MAX]
    return found


def _inexact(suggestion: Suggestion) -> Suggestion:
    reasons = (*suggestion.reasons, "another entry bears the same EndToEndId")
    return Suggestion(
        suggestion.entries, suggestion.items, suggestion.difference, suggestion.score, reasons
    )


def _many_to_one(candidates: Iterable[Candidate], matcher: Matcher) -> Iterator[Suggestion]:
    """Yield what several entries pay together: all name it, and their sum is its amount."""
    payers: Mapping[int, list[Movement]] = defaultdict(list)
    for candidate in candidates:
        if not candidate.parts:
            for place in matcher.named_by(candidate.whole):
                payers[place].append(candidate.whole)
    for place, movements in payers.items():
        item = matcher.expected[place]
        total = sum(movement.amount for movement in movements)
        currencies = {movement.currency for movement in movements}
        if len(movements) > 1 and total == signed_amount(item) and currencies == {item.currency}:
            yield Suggestion(
                tuple(movement.entry for movement in movements),
                (Item(item.kind, item.id, signed_amount(item)),),
                0,
                REFERENCE + AMOUNT,
                (f"{len(movements)} entries name it and add up to it",),
            )
