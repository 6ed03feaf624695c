"""Where rightholders are who are no members: on the pages of the works that are theirs, and when.

Whose a work is its `rightholder` says; its creators may be others. Who was merged into another is
that one, so that both have their word on the works of either, while that is so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple, TypeAlias

from federation.history.merges import over_period
from federation.history.spans import Span
from federation.history.store import ever_merged_into
from federation.mandates.party_store import Version
from federation.mandates.placing import ALWAYS, Place, Placed, joined, joined_spans, page_of
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.sessions import ReadSession


class Standing(NamedTuple):
    """As which rightholder one is there, and from when to before when that one is no member."""

    head: str
    span: Span


class Holding(NamedTuple):
    """A page, `host/path`, of a work, and whose the work is."""

    page: str
    rightholder: str


Parties: TypeAlias = Mapping[str, Sequence[Standing]]
Holdings: TypeAlias = Mapping[Holding, Sequence[Span]]


async def read_parties(session: ReadSession, names: Collection[str]) -> Parties:
    """Return {rightholder: when it is no member} of some, and of all that were ever one of them."""
    parts = await over_period(session, RIGHTHOLDERS, sorted(names), ALWAYS)
    heads = {part.thing for its in parts.values() for part in its} | set(names)
    heads |= await ever_merged_into(session, RIGHTHOLDERS, heads)
    parts = await over_period(session, RIGHTHOLDERS, sorted(heads), ALWAYS)
    return {
        name: [Standing(part.thing, part.period) for part in its if part.body.member is None]
        for name, its in parts.items()
    }


def holdings_in(versions: Iterable[Version]) -> dict[Holding, list[Span]]:
    """Return which pages of works are whose, and when, by some versions of these."""
    found: dict[Holding, list[Span]] = defaultdict(list)
    for version in versions:
        whose = version.body.rightholder
        if whose is not None and version.merged_into is None:
            for page in version.body.addresses:
                found[Holding(page, whose)].append(version.span)
    return {holding: joined_spans(spans) for holding, spans in found.items()}


def together(all_: Iterable[Holdings]) -> dict[Holding, list[Span]]:
    """Return the holdings of several works as one."""
    found: dict[Holding, list[Span]] = defaultdict(list)
    for holding, spans in chain.from_iterable(one.items() for one in all_):
        found[holding].extend(spans)
    return found


class Moved(NamedTuple):
    """The pages that a transaction gave to somebody, and those that it took away as well."""

    gained: set[str]
    lost: set[str]


def moved(versions: Sequence[Version], now: datetime) -> Moved:
    """Return the pages of a work that somebody has at other times than was known before `now`.

    What a version that came `now` and went again said counts as lost, by whatever transaction.
    """
    after = holdings_in(one for one in versions if one.superseded_at is None)
    before = holdings_in(one for one in versions if is_before(one, now) or is_brief(one, now))
    is_doubtful = any(is_brief(one, now) for one in versions)
    found = Moved(set(), set())
    for holding in {*before, *after}:
        was, is_ = before.get(holding, []), after.get(holding, [])
        if is_doubtful or was != is_:
            is_lost = not all(any(_lies_in(span, other) for other in is_) for span in was)
            (found.lost if is_lost else found.gained).add(holding.page)
    return found


def stands_otherwise(versions: Sequence[Version], now: datetime) -> bool:
    """Tell whether a rightholder is a member, another or there at other times than before `now`."""
    after = _as_what(one for one in versions if one.superseded_at is None)
    before = _as_what(one for one in versions if is_before(one, now))
    return before != after or any(is_brief(one, now) for one in versions)


def is_before(version: Version, now: datetime) -> bool:
    """Tell whether a version was known before an instant."""
    return version.recorded_at < now


def is_brief(version: Version, now: datetime) -> bool:
    """Tell whether a version came at an instant and is known no more."""
    return version.recorded_at >= now and version.superseded_at is not None


def placed_pages(
    parties: Parties, names: Collection[str], holdings: Holdings
) -> dict[str, list[Placed]]:
    """Return {rightholder: on which of some pages it is, and when}."""
    by_head: dict[str, list[tuple[str, Span]]] = defaultdict(list)
    for (page, whose), spans in holdings.items():
        for standing in parties.get(whose, ()):
            common = (standing.span.common(span) for span in spans)
            by_head[standing.head] += [(page, span) for span in common if span is not None]
    return {name: list(joined(_on_pages(parties.get(name, ()), by_head))) for name in names}


def _on_pages(
    standings: Iterable[Standing], by_head: Mapping[str, Sequence[tuple[str, Span]]]
) -> Iterator[Placed]:
    for standing in standings:
        for page, span in by_head.get(standing.head, ()):
            common = standing.span.common(span)
            if common is not None:
                yield Placed(Place(None, page_of(page)), common)


def _as_what(versions: Iterable[Version]) -> dict[tuple[str | None, str | None], list[Span]]:
    found: dict[tuple[str | None, str | None], list[Span]] = defaultdict(list)
    for one in versions:
        found[one.merged_into, None if one.merged_into else one.body.member].append(one.span)
    return {what: joined_spans(spans) for what, spans in found.items()}


def _lies_in(span: Span, other: Span) -> bool:
    return span.common(other) == span
