"""One list made of many nodes' parts of it: what comes next, what comes late, what is missing.

Every node has its part in one order: by what a thing is sorted by, then by its id in the
federation. Nothing here asks anybody: it says which nodes are to be asked on, and for how much.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isqrt
from operator import itemgetter
from typing import Final, Generic, NamedTuple, TypeVar

Payload = TypeVar("Payload")

SPARE: Final = 2
"""So many entries more than its share, and what chance adds to it, a node is asked for at first."""


class Key(NamedTuple):
    """A place in the order of the whole list: what a thing is sorted by, and its id, `GB:W-17`."""

    sorted_by: str
    id: str


class Entry(NamedTuple, Generic[Payload]):
    """An entry of a node's part: its place, and whatever is shown of it."""

    key: Key
    shown: Payload


@dataclass(slots=True)
class Part(Generic[Payload]):
    """What was read of one node's part of a list.

    It begins behind `since` (None: at the head). Everything up to `read_to` is in `entries`;
    nothing follows where it `is_whole`; the node `is_missing` once it did not answer.
    """

    node: str
    since: Key | None
    entries: list[Entry[Payload]] = field(default_factory=list)
    read_to: Key | None = None
    is_whole: bool = False
    is_missing: bool = False

    def __post_init__(self) -> None:
        if self.read_to is None:
            self.read_to = self.since

    def add(self, entries: Iterable[Entry[Payload]], goes_on_after: Key | None) -> None:
        """Keep a page that the node sent: it goes on after a key, None where that is all."""
        self.entries.extend(entries)
        self.is_whole = goes_on_after is None
        if goes_on_after is not None:
            self.read_to = goes_on_after
        elif self.entries:
            self.read_to = self.entries[-1].key

    def has_all_to(self, key: Key | None) -> bool:
        """Tell whether everything of the node up to a place was read."""
        return self.is_whole or not _is_before(self.read_to, key)


@dataclass(frozen=True, slots=True)
class Merged(Generic[Payload]):
    """A page of the whole list.

    `late` are entries from before the page, of nodes that did not answer earlier. `end` is the
    place up to which the list was shown, `missing` which nodes are still owed from where on.
    """

    entries: Sequence[Entry[Payload]]
    late: Sequence[Entry[Payload]]
    end: Key | None
    has_more: bool
    missing: Mapping[str, Key | None]

    def missing_at(self, place: Key | None) -> dict[str, Key | None]:
        """Return which nodes are owed from where on, for who goes on behind a place of the page."""
        if not self.missing:
            return {}
        return {node: key for node, key in self.missing.items() if _is_before(key, place)}


def share(first: int, nodes: int) -> int:
    """Return how many entries each of so many nodes is asked for, for a page of `first`.

    Where all have as many entries and chance mixes them, of 1,000 pages one or two hold more of a
    node than three standard deviations beyond its part: that node is asked on.
    """
    part = -(-first // max(nodes, 1))
    return min(first, part + 3 * isqrt(part) + SPARE)


def asked_on(
    parts: Sequence[Part[Payload]], start: Key | None, first: int
) -> list[tuple[Part[Payload], int]]:
    """Return the parts that ran out before the page was full, each with how much is still needed.

    A node that is owed late entries gives a page of them each time, and is not asked on for them.
    """
    ready = [part for part in parts if _takes_part(part, start)]
    ahead = _ahead(ready, start)
    wanted: list[tuple[Part[Payload], int]] = []
    for part in ready:
        known = _up_to(ahead, part.read_to)
        if known < first and not part.is_whole and not part.is_missing:
            wanted.append((part, first - known))
    return wanted


def merge(parts: Sequence[Part[Payload]], start: Key | None, first: int) -> Merged[Payload]:
    """Return the page of `first` entries behind `start`, as far as the parts were read.

    It ends where it is full, or where a node that answers was read no further: nothing is shown
    in front of what such a node may still have. A node that is missing holds up nobody.
    """
    late, owed = _late(parts, start, first)
    ready = [part for part in parts if part.node not in owed]
    limits = [part.read_to for part in ready if not part.is_missing and not part.is_whole]
    limit = min(limits, key=_from_the_head, default=None)
    ahead = _ahead(ready, start)
    shown = ahead[: min(first, _up_to(ahead, limit))] if limits else ahead[:first]
    if len(shown) == first or (shown and not limits):
        end: Key | None = shown[-1].key
    else:
        end = limit if limits else start
    answering = {part.node for part in parts if not part.is_missing}
    missing = owed | {part.node: part.read_to for part in ready if part.is_missing}
    return Merged(
        entries=shown,
        late=late,
        end=end,
        has_more=bool(limits) or len(ahead) > len(shown) or bool(answering & owed.keys()),
        missing={node: key for node, key in missing.items() if _is_before(key, end)},
    )


def _late(
    parts: Sequence[Part[Payload]], start: Key | None, first: int
) -> tuple[list[Entry[Payload]], dict[str, Key | None]]:
    """Return the late entries to show, and {node: up to where} of which more is late or may be."""
    waiting = [part for part in parts if _is_before(part.since, start)]
    found = sorted(
        (entry for part in waiting for entry in part.entries if not _is_before(start, entry.key)),
        key=_key,
    )
    shown = found[:first]
    owed: dict[str, Key | None] = {}
    for part in waiting:
        own = [entry.key for entry in part.entries if not _is_before(start, entry.key)]
        told = [key for key in own if key <= shown[-1].key] if shown else []
        if len(told) < len(own):
            owed[part.node] = told[-1] if told else part.since
        elif not part.has_all_to(start):
            owed[part.node] = part.read_to
    return shown, owed


def _takes_part(part: Part[Payload], start: Key | None) -> bool:
    """Tell whether a part is read up to where the page begins."""
    return not _is_before(part.since, start) or part.has_all_to(start)


def _ahead(parts: Iterable[Part[Payload]], start: Key | None) -> list[Entry[Payload]]:
    found = list[Entry[Payload]]()
    for part in parts:
        is_all = not _is_before(part.since, start)
        found += part.entries if is_all else [e for e in part.entries if _is_before(start, e.key)]
    return sorted(found, key=_key)


def _up_to(entries: Sequence[Entry[Payload]], place: Key | None) -> int:
    """Return how many of entries in order lie no further than a place; None is the head."""
    return bisect_right(entries, place, key=_key) if place else 0


_key: Final = itemgetter(0)  # of an entry


def _from_the_head(key: Key | None) -> tuple[bool, Key]:
    """Return what puts places in order, of which the head of the list is the first."""
    return key is not None, key or Key("", "")


def _is_before(one: Key | None, other: Key | None) -> bool:
    """Tell whether a place is before another; None is the head of the list."""
    if other is None:
        return False
    return one is None or one < other
