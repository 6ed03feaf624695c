"""What several collectives say that they have of one right at one place: more than the whole? Pure.

Within a collective a record that would bring its subject over the whole is refused
(`mandates.shares`); here nobody is right or wrong: who says what is added up.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import NamedTuple

import msgspec

from federation.claimindex.messages import OVER_MAX, Over
from federation.consent.states import ALL_USES
from federation.values.bps import WHOLE_BPS
from federation.values.right import Right

EVERYWHERE = ""


class Share(msgspec.Struct, frozen=True):
    """What one collective says that its party has, of one right at one place."""

    node: str
    source: str
    use: str
    right: Right
    territories: tuple[str, ...]
    bps: int
    starts_at: datetime
    ends_at: datetime | None

    def holds(self, at: datetime) -> bool:
        """Tell whether it is said of an instant."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


class _Case(NamedTuple):
    use: str
    right: Right
    territory: str

    def concerns(self, one: Share) -> bool:
        return (
            one.use in {ALL_USES, self.use}
            and one.right in {Right.ALL, self.right}
            and (not one.territories or self.territory in one.territories)
        )

    def wider(self) -> Iterator["_Case"]:
        """Yield what says the same of more."""
        for case in product({self.use, ALL_USES}, {self.right, Right.ALL}, {self.territory, ""}):
            if case != self:
                yield _Case(*case)


def over(shares: Sequence[Share]) -> list[Over]:
    """Return when, and of what, shares of several collectives at one place exceed the whole.

    What follows from a wider case (each use, each right, everywhere) is not said again; of very
    many the first are told. Exactly the whole is none.
    """
    if len({one.node for one in shares}) < 2:  # noqa: PLR2004
        return []
    found: dict[_Case, list[Over]] = {}
    for case in _cases(shares):
        spans = list(_spans(case, [one for one in shares if case.concerns(one)]))
        said = {_said(one) for wider in case.wider() for one in found.get(wider, ())}
        found[case] = [one for one in spans if _said(one) not in said]
    every = [one for spans in found.values() for one in spans]
    every.sort(key=lambda one: (one.starts_at, one.use, one.right, one.territory))
    return every[:OVER_MAX]


def excess(shares: Collection[Share], use: str, at: datetime) -> int | None:
    """Return what is beyond the whole for a use at an instant, None where not several say so.

    What is said of some territories only is left out: a line of usage names none.
    """
    there = [
        one
        for one in shares
        if not one.territories and one.use in {ALL_USES, use} and one.holds(at)
    ]
    if len({one.node for one in there}) < 2:  # noqa: PLR2004
        return None
    totals = [
        sum(_parts(one for one in there if one.right in {Right.ALL, right}).values())
        for right in {Right.ALL, *(one.right for one in there)}
    ]
    return min(max(0, max(totals) - WHOLE_BPS), WHOLE_BPS)


def _cases(shares: Iterable[Share]) -> Iterator[_Case]:
    """Yield every case that some share tells from others, the wider ones first."""
    every = list(shares)
    uses = sorted({one.use for one in every} - {ALL_USES})
    rights = sorted({one.right for one in every} - {Right.ALL})
    territories = sorted({name for one in every for name in one.territories})
    wide = product([ALL_USES, *uses], [Right.ALL, *rights], [EVERYWHERE, *territories])
    yield from (_Case(*case) for case in wide)


def _spans(case: _Case, shares: Sequence[Share]) -> Iterator[Over]:
    edges = {one.starts_at for one in shares}
    edges |= {one.ends_at for one in shares if one.ends_at is not None}
    ordered = sorted(edges)
    last: Over | None = None
    for place, at in enumerate(ordered):
        parts = _parts(one for one in shares if one.holds(at))
        ends_at = ordered[place + 1] if place + 1 < len(ordered) else None
        if len(parts) < 2 or sum(parts.values()) <= WHOLE_BPS:  # noqa: PLR2004
            continue
        if last is not None and last.ends_at == at and last.parts == parts:
            last = msgspec.structs.replace(last, ends_at=ends_at)
            continue
        if last is not None:
            yield last
        last = Over(case.use, case.right, case.territory, at, ends_at, parts)
    if last is not None:
        yield last


def _parts(shares: Iterable[Share]) -> dict[str, int]:
    """Return {collective: its part}: of several works at one place the one of which it has most."""
    sums: dict[str, dict[str, int]] = {}
    for one in shares:
        of_node = sums.setdefault(one.node, {})
        of_node[one.source] = of_node.get(one.source, 0) + one.bps
    return {node: min(max(sums[node].values()), WHOLE_BPS) for node in sorted(sums)}


def _said(one: Over) -> tuple[datetime, datetime | None, tuple[tuple[str, int], ...]]:
    return one.starts_at, one.ends_at, tuple(one.parts.items())
