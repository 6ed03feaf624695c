"""What matches a URL (SETTLEMENT §3.14 to §3.16): things filed under claims and patterns.

One rule for claims, opt-outs and the gate of a site. Pure.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from federation.addresses.patterns import FiledPatterns
from federation.addresses.urls import ClaimKey, UrlKey

HOSTS_REMEMBERED: Final = 1_024

T = TypeVar("T")


def is_pattern(path: str) -> bool:
    """Tell whether a normalised path is a pattern of RFC 9309, as an opt-out's may be."""
    return "*" in path or path.endswith("$")


def pattern_matches(pattern: str, path: str) -> bool:
    """Tell whether a pattern matches a path: `*` any characters, `$` at the end its end.

    Each piece between two `*` is taken where it stands first and never again, so that the time
    grows with the path, whatever the number of `*`.
    """
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    is_anchored = pattern.endswith("$")
    if not others:
        return not is_anchored or at == len(path)
    for piece in others[:-1] if is_anchored else others:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    last = others[-1]
    return not is_anchored or (len(path) - at >= len(last) and path.endswith(last))


def rule_length(path: str) -> int:
    """Return how long a rule of a published source is: the longest that matches decides.

    A `*` at the end adds nothing to a pattern, which is a prefix without one, so it does not count:
    rules on `/a` as RFC 9309 reads it, any path that starts so, are written `/a*`.
    """
    return len(path) - path.endswith("*")


def candidate_hosts(host: str) -> list[tuple[str, bool]]:
    """Return (host, wildcard) of every claim that could match a host, most specific first."""
    hosts = [(host, False), (host, True)]
    dot = -1 if host.startswith("[") else host.find(".")  # an address has no subdomains
    while dot >= 0:
        hosts.append((host[dot + 1 :], True))
        dot = host.find(".", dot + 1)
    return hosts


def candidate_paths(path: str, lengths: Collection[int] | None = None) -> list[str]:
    """Return the paths of every claim that could match a path: all that end a segment of it.

    Of a long path they are many and long: then `lengths` says which ones there are.
    """
    if lengths is None:
        return [path[:end] for end in _ends_of_segments(path)]
    size = len(path)
    found = [
        path[:end]
        for end in lengths
        if end <= size and (end == size or path[end - 1] == "/" or path[end] == "/")
    ]
    return sorted(found, key=len) if len(found) > 1 else found


def lies_within(claim: ClaimKey, outer: ClaimKey) -> bool:
    """Tell whether all that a claim matches is matched by another."""
    if claim.wildcard and not outer.wildcard:
        return False
    return (outer.host, outer.wildcard) in candidate_hosts(claim.host) and (
        claim.path == outer.path or outer.path in candidate_paths(claim.path)
    )


def outermost(claims: Iterable[ClaimKey]) -> list[ClaimKey]:
    """Return claims by host and path, without those that lie within another of the same host."""
    found: list[ClaimKey] = []
    kept = set[tuple[str, str]]()
    lengths: dict[str, set[int]] = {}  # of the paths kept on a host: of a long path few are asked
    in_order = sorted(set(claims), key=lambda each: (each.host, len(each.path), not each.wildcard))
    for claim in in_order:
        there = lengths.setdefault(claim.host, set())
        if not any((claim.host, path) in kept for path in candidate_paths(claim.path, there)):
            found.append(claim)
            kept.add((claim.host, claim.path))
            there.add(len(claim.path))
    return sorted(found, key=lambda each: (each.host, each.path))


@dataclass(slots=True)
class _Paths(Generic[T]):
    """What is filed on one host, by path and by pattern."""

    by_path: dict[str, list[T]] = field(default_factory=dict)
    by_whole_path: dict[str, list[T]] = field(default_factory=dict)  # of patterns such as /a$
    lengths: set[int] = field(default_factory=set)  # of the paths
    patterns: FiledPatterns[T] | None = None  # with a `*`

    def add(self, path: str, thing: T) -> None:
        self.by_path.setdefault(path, []).append(thing)
        self.lengths.add(len(path))

    def add_pattern(self, pattern: str, thing: T) -> None:
        if "*" not in pattern:
            self.by_whole_path.setdefault(pattern, []).append(thing)
            return
        if self.patterns is None:
            self.patterns = FiledPatterns()
        self.patterns.add(pattern, thing)

    def matching(self, path: str) -> list[tuple[T, ...]]:
        """Return what matches a path: it and no other first, then the longest; patterns last.

        Patterns have no order among themselves: what matches by them is one group, as it was
        filed. Only lengths that something has are tried: how many is the registry's doing, not the
        URL's.
        """
        found: list[tuple[T, ...]] = []
        if self.by_whole_path and (whole := self.by_whole_path.get(path + "$")) is not None:
            found.append(tuple(whole))
        if self.by_path:
            candidates = reversed(candidate_paths(path, self.lengths))
            there = map(self.by_path.get, candidates)
            found += [tuple(things) for things in there if things is not None]
        if self.patterns is not None and (by_pattern := self.patterns.matching(path)):
            found.append(by_pattern)
        return found


class Filed(Generic[T]):
    """Things filed under claims, or under the subjects of opt-outs, and looked up by URL."""

    def __init__(self) -> None:
        self._hosts: dict[tuple[str, bool], _Paths[T]] = {}
        self._serving: dict[str, list[_Paths[T]]] = {}  # what matches a host, the first asked for

    def add(self, key: ClaimKey, thing: T) -> None:
        """File a thing under a claim."""
        self._on(key).add(key.path, thing)

    def add_subject(self, key: ClaimKey, thing: T) -> None:
        """File a thing under an opt-out's subject, whose path may be a pattern."""
        if is_pattern(key.path):
            self._on(key).add_pattern(key.path, thing)
        else:
            self._on(key).add(key.path, thing)

    def _on(self, key: ClaimKey) -> _Paths[T]:
        host = (key.host, key.wildcard)
        there = self._hosts.get(host)
        if there is None:
            there = self._hosts[host] = _Paths()
            self._serving.clear()
        return there

    def matching(self, key: UrlKey) -> tuple[tuple[T, ...], ...]:
        """Return what is filed under each key that matches, the most specific first.

        Exact host before wildcard, longer wildcard before shorter, then the longer path.
        """
        serving = self._serving.get(key.host)
        if serving is None:
            hosts = (self._hosts.get(host) for host in candidate_hosts(key.host))
            serving = [paths for paths in hosts if paths is not None]
            if len(self._serving) < HOSTS_REMEMBERED:
                self._serving[key.host] = serving
        if len(serving) == 1:
            return tuple(serving[0].matching(key.path))
        return tuple(group for paths in serving for group in paths.matching(key.path))


def _ends_of_segments(path: str) -> list[int]:
    """Return after how many characters a path, or a segment of it with or without `/`, ends."""
    ends: list[int] = []
    mark = path.find("/")
    while mark >= 0:
        if mark and (not ends or ends[-1] != mark):
            ends.append(mark)
        ends.append(mark + 1)
        mark = path.find("/", mark + 1)
    if not ends or ends[-1] != len(path):
        ends.append(len(path))
    return ends
