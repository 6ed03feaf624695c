"""The one decision: do the rulings on a work, a place or a member leave a use open? Pure.

The rules are SETTLEMENT §3, Consent records and published reservations. No record means yes; of
what is recorded the most specific subject has the word, a party the last; of that the latest, and
where two of one instant, or two subjects at one place, contradict each other the refusal. An
opt-out, a reservation ex ante or a published source that disallows is enough by itself, whatever a
more specific record says.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from federation.consent.states import ALL_USES, PARTY, Reason, State

_MANDATED: Final[str] = State.MANDATED.value
_ENOUGH: Final[Mapping[str, Reason]] = {
    State.OPT_OUT: Reason.OPTED_OUT,
    State.RESERVED_EX_ANTE: Reason.RESERVED_EX_ANTE,
}
_PUBLISHED: Final[frozenset[str]] = frozenset({State.PUBLISHED_ALLOW, State.PUBLISHED_DISALLOW})
_REFUSING: Final[Mapping[str, Reason]] = {
    State.WITHDRAWN: Reason.WITHDRAWN,
    State.WITHHELD: Reason.WITHHELD,
}
_SAYS_NO: Final = frozenset({*_ENOUGH, *_REFUSING, State.PUBLISHED_DISALLOW})
_RANK: Final = {reason: rank for rank, reason in enumerate(Reason)}


class Ruling(NamedTuple):
    """What is said of one subject: one use or all (`*`), from an instant to before another.

    `source` names whose word it is: a published source, or the work, claim, address or member that
    records are about; of a party that is told page by page it begins with `PARTY`. `length` is that
    of a published rule's pattern. `since` is from when on a record says it, where that is before
    `effective_at`: a work came to a page later. `row` is where it stands at the server that
    recorded it.
    """

    state: str
    use: str
    effective_at: datetime
    ends_at: datetime | None = None
    source: str | None = None
    length: int = 0
    since: datetime | None = None
    row: int | None = None

    def speaks_of(self, use: str) -> bool:
        """Tell whether it is about a use."""
        return self.use in (ALL_USES, use)

    @property
    def is_of_party(self) -> bool:
        """Tell whether a record of a page is the word of a party, more general than any place."""
        return self.source is not None and self.source.startswith(PARTY)

    @property
    def said_from(self) -> datetime:
        """From when on it is said: by this the latest of several is told."""
        return self.effective_at if self.since is None else self.since


class Decided(NamedTuple):
    """Why a use is reserved, None where it is not, and the ruling that says so.

    Without a ruling nothing is said of the use, which means yes.
    """

    reason: Reason | None
    ruling: Ruling | None


NOTHING_SAID: Final = Decided(None, None)


def says_no(ruling: Ruling) -> bool:
    """Tell whether a ruling refuses its use."""
    return ruling.state in _SAYS_NO


def can_decide(ruling: Ruling, use: str, at: datetime) -> bool:
    """Tell whether a ruling has any part in a decision: it is in force, and about the use.

    A mandate of another use is about this one too. A store may leave out what has no part.
    """
    of, ends_at = ruling.use, ruling.ends_at
    return (
        (of in (use, ALL_USES) or ruling.state == _MANDATED)
        and ruling.effective_at <= at
        and (ends_at is None or at < ends_at)
    )


def use_reserved(ruling: Ruling) -> str | None:
    """Return the use (`*` is all) that a ruling may reserve where nothing more is known; or None.

    A mandate of one use may reserve all others: who cannot tell which takes it for all.
    """
    if says_no(ruling):
        return ruling.use
    return ALL_USES if ruling.state == State.MANDATED and ruling.use != ALL_USES else None


def may_refuse_by(ruling: Ruling) -> Reason | None:
    """Return by which reason a ruling may reserve a use, None where it says yes to all it is of."""
    state = ruling.state
    if state == State.PUBLISHED_DISALLOW:
        return Reason.PUBLISHED
    if state == State.MANDATED and ruling.use != ALL_USES:
        return Reason.NOT_MANDATED
    return _ENOUGH.get(state) or _REFUSING.get(state)


def why_reserved(groups: Iterable[Sequence[Ruling]], use: str, at: datetime) -> Reason | None:
    """Return why a use is reserved at an instant; None where nothing says so (see `decide`)."""
    return decide(groups, use, at).reason


def decide(groups: Iterable[Sequence[Ruling]], use: str, at: datetime) -> Decided:
    """Return whether a use is reserved at an instant, why, and by which ruling.

    `groups` are the rulings that bear on it, those of one place together, the most specific place
    first, and last those that name who holds it: with these every other party has its word.
    """
    found: list[Decided] = []
    rules: dict[str | None, Ruling] = {}
    word: Decided | None = None
    records: list[Ruling] = []
    parties: list[Ruling] = []
    for group in groups:
        if records and word is None:
            word = _word(records, use)
        records = []
        for ruling in group:
            if not can_decide(ruling, use, at):
                continue
            state = ruling.state
            if state in _ENOUGH:
                found.append(Decided(_ENOUGH[state], ruling))
            elif state in _PUBLISHED:
                # The longest rule of a source wins, allow before disallow (RFC 9309, 2.2.2).
                other = rules.setdefault(ruling.source, ruling)
                rules[ruling.source] = max(other, ruling, key=_weight)
            elif ruling.is_of_party:
                parties.append(ruling)
            else:
                records.append(ruling)
    if word is None and (records or parties):
        word = _word([*records, *parties], use)
    found += [
        Decided(Reason.PUBLISHED, rule)
        for rule in rules.values()
        if rule.state == State.PUBLISHED_DISALLOW
    ]
    if word is not None:
        found.append(word)
    return stricter(found)


def stricter(found: Sequence[Decided]) -> Decided:
    """Return of several words that all count the one that stands: a refusal by its order, else yes.

    A yes that somebody said is rather returned than that nothing is said.
    """
    if len(found) == 1:
        return found[0]
    return min(found, key=_rank, default=NOTHING_SAID)


def _rank(one: Decided) -> int:
    if one.reason is not None:
        return _RANK[one.reason]
    return len(_RANK) + (one.ruling is None)


def _weight(rule: Ruling) -> tuple[int, bool]:
    return rule.length, rule.state == State.PUBLISHED_ALLOW


def _word(records: Sequence[Ruling], use: str) -> Decided:
    """Return what the records of one place, which all can decide, say of a use.

    Several subjects may be there, as two works on one page: one that says no is enough.
    """
    if len(records) == 1:
        return _word_of(records, use)
    of_each: dict[str | None, list[Ruling]] = {}
    for one in records:
        of_each.setdefault(one.source, []).append(one)
    return stricter([_word_of(said, use) for said in of_each.values()])


def _word_of(records: Sequence[Ruling], use: str) -> Decided:
    """Return what the records of one subject say of a use; those of other uses are mandates."""
    speaking = [one for one in records if one.speaks_of(use)]
    if not speaking:
        return Decided(Reason.NOT_MANDATED, max(records, key=_said_from))
    if len(speaking) > 1:
        latest = max(map(_said_from, speaking))
        speaking = [one for one in speaking if one.said_from == latest]
        refusals = (one for state in _REFUSING for one in speaking if one.state == state)
        speaking = [next(refusals, speaking[0])]
    [ruling] = speaking
    return Decided(_REFUSING.get(ruling.state), ruling)


def _said_from(ruling: Ruling) -> datetime:
    return ruling.said_from
