"""Things filed under patterns with a `*`, found by a path however many patterns there are. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
V = TypeVar("V")


@dataclass(slots=True)
class _Pieces(Generic[V]):
    """What follows one `*`: by the piece of a pattern up to the next, and how long these are."""

    by_piece: dict[str, V] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Node(Generic[T]):
    """Patterns that are alike up to here: what ends here, and what goes on after a `*`.

    `anchored` has the last pieces of patterns with a `$`, which stand at the end of a path.
    """

    here: list[tuple[int, T]] = field(default_factory=list)
    after: "_Pieces[_Node[T]] | None" = None
    anchored: _Pieces[list[tuple[int, T]]] | None = None


class FiledPatterns(Generic[T]):
    """Things filed under patterns with a `*` on one host.

    Patterns are filed piece by piece. Each piece is taken where it stands first and never again,
    as `pattern_matches` takes it, so what patterns have in common is looked for once; and of many
    that go on otherwise, those are taken that stand in the path, by looking up what does.
    """

    def __init__(self) -> None:
        self._starts: _Pieces[_Node[T]] = _Pieces()
        self._count = 0

    def add(self, pattern: str, thing: T) -> None:
        """File a thing under a normalised pattern, which holds a `*`."""
        start, *others = pattern.removesuffix("$").split("*")
        last = others.pop() if pattern.endswith("$") else None
        node = _at(self._starts, start)
        for piece in filter(None, others):
            if node.after is None:
                node.after = _Pieces()
            node = _at(node.after, piece)
        filed = node.here
        if last is not None:
            if node.anchored is None:
                node.anchored = _Pieces()
            filed = node.anchored.by_piece.setdefault(last, [])
            node.anchored.lengths.add(len(last))
        filed.append((self._count, thing))
        self._count += 1

    def matching(self, path: str) -> tuple[T, ...]:
        """Return what is filed under each pattern that matches a path, in the order of filing."""
        found: list[tuple[int, T]] = []
        reached: list[tuple[_Node[T], int]] = []
        for length in self._starts.lengths:
            node = self._starts.by_piece.get(path[:length]) if length <= len(path) else None
            if node is not None:
                reached.append((node, length))
        while reached:
            node, at = reached.pop()
            found += node.here
            if node.anchored is not None:
                for length in node.anchored.lengths:
                    if at + length <= len(path):
                        found += node.anchored.by_piece.get(path[len(path) - length :], ())
            if node.after is not None:
                reached += _standing_in(path, at, node.after)
        found.sort(key=_turn)
        return tuple(thing for _, thing in found)


def _at(pieces: _Pieces[_Node[T]], piece: str) -> _Node[T]:
    """Return the node of a piece, which is made where there is none."""
    node = pieces.by_piece.get(piece)
    if node is None:
        node = pieces.by_piece[piece] = _Node()
        pieces.lengths.add(len(piece))
    return node


def _standing_in(path: str, at: int, pieces: _Pieces[V]) -> Iterator[tuple[V, int]]:
    """Yield what pieces lead to that stand in a path from a place on, and the first end of each.

    Either each piece is looked for, or each part of the path that is as long as one is looked up:
    whatever is less.
    """
    places = {length: len(path) - at - length + 1 for length in pieces.lengths}
    if sum(count for count in places.values() if count > 0) < len(pieces.by_piece):
        for length, count in places.items():
            parts = (path[start : start + length] for start in range(at, at + count))
            for part in set(parts) & pieces.by_piece.keys():
                yield pieces.by_piece[part], path.find(part, at) + length
        return
    for piece, there in pieces.by_piece.items():
        start = path.find(piece, at)
        if start >= 0:
            yield there, start + len(piece)


def _turn(filed: tuple[int, object]) -> int:
    return filed[0]
