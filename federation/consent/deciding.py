"""The one decision: do the rulings on a work, a place or a member leave a use open? Pure.

The rules are SETTLEMENT §3, Consent records and published reservations. No record means yes; of
what is recorded the most specific subject has the word, of that the latest, and where two of one
instant contradict each other the refusal. An opt-out, a reservation ex ante or a published source
that disallows is enough by itself, whatever a more specific record says.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from federation.consent.states import ALL_USES, Reason, State

_ENOUGH: Final = {
    State.OPT_OUT: Reason.OPTED_OUT,
    State.RESERVED_EX_ANTE: Reason.RESERVED_EX_ANTE,
}
_PUBLISHED: Final = frozenset({State.PUBLISHED_ALLOW, State.PUBLISHED_DISALLOW})
_REFUSING: Final = {State.WITHDRAWN: Reason.WITHDRAWN, State.WITHHELD: Reason.WITHHELD}
_RANK: Final = {reason: rank for rank, reason in enumerate(Reason)}


class Ruling(NamedTuple):
    """What is said of one subject: one use or all (`*`), from an instant to before another.

    `source` names the published source whose rule it is, `length` is that of the rule's pattern.
    """

    state: str
    use: str
    effective_at: datetime
    ends_at: datetime | None = None
    source: str | None = None
    length: int = 0

    def is_in_force(self, at: datetime) -> bool:
        """Tell whether it is so at an instant."""
        return self.effective_at <= at and (self.ends_at is None or at < self.ends_at)

    def speaks_of(self, use: str) -> bool:
        """Tell whether it is about a use."""
        return self.use in (ALL_USES, use)


def why_reserved(groups: Iterable[Sequence[Ruling]], use: str, at: datetime) -> Reason | None:
    """Return why a use is reserved at an instant; None where nothing says so.

    `groups` are the rulings that bear on it, those of one subject together, the most specific
    subject first.
    """
    found: list[Reason] = []
    rules: dict[str | None, tuple[int, bool]] = {}
    word: tuple[Reason | None] | None = None
    for group in groups:
        standing = [ruling for ruling in group if ruling.is_in_force(at)]
        if not standing:
            continue
        for ruling in standing:
            if not ruling.speaks_of(use):
                continue
            if ruling.state in _ENOUGH:
                found.append(_ENOUGH[State(ruling.state)])
            elif ruling.state in _PUBLISHED:
                # The longest rule of a source wins, allow before disallow (RFC 9309, 2.2.2).
                rule = (ruling.length, ruling.state == State.PUBLISHED_ALLOW)
                rules[ruling.source] = max(rule, rules.get(ruling.source, rule))
        if word is None:
            word = _word(standing, use)
    if any(not is_allowed for _, is_allowed in rules.values()):
        found.append(Reason.PUBLISHED)
    if word is not None and word[0] is not None:
        found.append(word[0])
    return min(found, key=_RANK.__getitem__, default=None)


def _word(standing: Sequence[Ruling], use: str) -> tuple[Reason | None] | None:
    """Return what the records of one subject say of a use, (None,) is yes; None if nothing."""
    records = [one for one in standing if one.state not in _ENOUGH and one.state not in _PUBLISHED]
    speaking = [one for one in records if one.speaks_of(use)]
    if speaking:
        latest = max(one.effective_at for one in speaking)
        said = [one.state for one in speaking if one.effective_at == latest]
        return (next((reason for state, reason in _REFUSING.items() if state in said), None),)
    is_narrowed = any(one.state == State.MANDATED for one in records)
    return (Reason.NOT_MANDATED,) if is_narrowed else None
