"""The SQL that finds what stands at addresses: rows of claims and rulings, here or in the index.

Whoever asks chooses the addresses, and a host may have rows by the million, so none is looked
through: first which lengths the paths on a host have, each found by one step in an index however
many rows share it; then what stands at the very paths of such a length that may match.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from federation.addresses.matching import candidate_hosts, candidate_paths
from federation.addresses.urls import UrlKey
from federation.consent.states import ALL_USES, NO_USE, State
from federation.registry.store import known
from federation.registry.tables import (
    Claim,
    IndexClaim,
    IndexClaimPast,
    IndexOptOut,
    IndexOptOutPast,
    OptOut,
    path_head,
    path_letters,
)
from federation.store.asked import asked
from federation.store.sessions import ReadSession

LETTERS_AT_ONCE: Final = 1_000_000  # of the places that one statement asks for

_Rulings = OptOut | IndexOptOut | IndexOptOutPast
_OnHosts = type[Claim | IndexClaim | IndexClaimPast | _Rulings]
_Places = dict[str, set[int]]
_PATTERN: Final = 0
"""Instead of how many letters a path has: it is a pattern with a `*`."""


class Asked(NamedTuple):
    """Which use at which instant rulings are asked about, and in which territory, if in one."""

    use: str
    at: datetime
    territory: str | None = None


def can_decide(of: type[_Rulings], question: Asked | None) -> ColumnElement[bool]:
    """Return which rulings can decide a question (`consent.deciding.can_decide`); None: each.

    Where a territory is asked, a yes that speaks of no use may be one there.
    """
    if question is None:
        return true()
    uses = [question.use, ALL_USES, *([] if question.territory is None else [NO_USE])]
    return and_(
        of.effective_at <= question.at,
        or_(of.ends_at.is_(None), of.ends_at > question.at),
        or_(of.use.in_(uses), of.state == State.MANDATED.value),
    )


def was_known(of: _OnHosts, known_at: datetime | None) -> ColumnElement[bool]:
    """Return which rows were known at an instant, or are known now (None)."""
    if issubclass(of, Claim | OptOut):
        return known(of, known_at)
    if known_at is None:
        return true()
    if issubclass(of, IndexClaimPast | IndexOptOutPast):
        return and_(of.recorded_at <= known_at, of.withdrawn_at > known_at)
    return of.recorded_at <= known_at


async def claims_matching(
    session: ReadSession,
    of: type[Claim | IndexClaim | IndexClaimPast],
    query: Select[*tuple[Any, ...]],
    keys: Collection[UrlKey],
) -> list[Any]:
    """Return the rows of a question about claims that match some addresses.

    It asks for `host`, `path` and `wildcard` among others.
    """
    hosts = _Hosts(keys)
    lengths = await _lengths(session, of, hosts.names)
    found: list[Any] = []
    for chunk in _in_letters(_places(hosts, keys, lengths, are_rulings=False)):
        found += await _standing(session, of, query, chunk)
    return [row for row in found if (row.host, row.wildcard) in hosts.patterns]


async def rulings_matching(
    session: ReadSession,
    of: type[_Rulings],
    query: Select[*tuple[Any, ...]],
    keys: Collection[UrlKey],
) -> list[Any]:
    """Return the same of a question about rulings; and of their hosts each pattern with a `*`."""
    hosts = _Hosts(keys)
    lengths = await _lengths(session, of, hosts.names)
    if not lengths:
        return []
    found: list[Any] = []
    for chunk in _in_letters(_places(hosts, keys, lengths, are_rulings=True)):
        found += await _standing(session, of, query, chunk)
    if with_patterns := [(host,) for host, letters in lengths.items() if _PATTERN in letters]:
        there = asked(session, ("host",), with_patterns)
        is_pattern = _letters(of, of.path) == literal_column(str(_PATTERN))
        found += await session.execute(query.where(of.host == there.c.host, is_pattern))
    return [row for row in found if (row.host, row.wildcard) in hosts.patterns]


class _Hosts:
    """Under which (host, wildcard) what matches some addresses may stand."""

    def __init__(self, keys: Iterable[UrlKey]) -> None:
        self.of: dict[str, list[str]] = {}
        self.patterns = set[tuple[str, bool]]()
        for host in {key.host for key in keys}:
            patterns = candidate_hosts(host)
            self.patterns.update(patterns)
            self.of[host] = list(dict.fromkeys(name for name, _ in patterns))

    @property
    def names(self) -> list[str]:
        return sorted({name for name, _ in self.patterns})


async def _lengths(session: ReadSession, on: _OnHosts, hosts: Sequence[str]) -> _Places:
    """Return {host: which lengths the paths on it have, and _PATTERN}, of those that have any."""
    there = asked(session, ("host",), [(host,) for host in hosts])
    one: Any = aliased(on)
    length = _letters(on, one.path)
    lengths = select(there.c.host, literal_column("-1").label("letters")).cte(recursive=True)
    longer = select(length).where(one.host == lengths.c.host, length > lengths.c.letters)
    following = longer.order_by(length).limit(1).scalar_subquery()
    lengths = lengths.union_all(
        select(lengths.c.host, following).where(lengths.c.letters.is_not(None))
    )
    found: _Places = {}
    for host, letters in await session.execute(select(lengths).where(lengths.c.letters >= 0)):
        found.setdefault(host, set()).add(letters)
    return found


def _places(
    hosts: _Hosts, keys: Iterable[UrlKey], lengths: _Places, *, are_rulings: bool
) -> Iterator[tuple[str, str]]:
    """Yield each (host, path) at which something that matches may stand."""
    seen = set[tuple[str, str]]()
    there = {of: [name for name in names if name in lengths] for of, names in hosts.of.items()}
    for key in keys:
        for host in there[key.host]:
            found = candidate_paths(key.path, lengths[host])
            if are_rulings and len(key.path) + 1 in lengths[host]:
                found.append(f"{key.path}$")  # of a path and nothing below it
            for path in found:
                place = (host, path)
                if place not in seen:
                    seen.add(place)
                    yield place


def _in_letters(places: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield places in parts that fit into one statement."""
    part: list[tuple[str, str]] = []
    letters = 0
    for place in places:
        part.append(place)
        letters += len(place[0]) + len(place[1])
        if letters >= LETTERS_AT_ONCE:
            yield part
            part, letters = [], 0
    if part:
        yield part


async def _standing(
    session: ReadSession,
    on: _OnHosts,
    query: Select[*tuple[Any, ...]],
    places: Sequence[tuple[str, str]],
) -> Sequence[Any]:
    there = asked(session, ("host", "path"), places)
    path: Any = on.path
    found = query.where(
        on.host == there.c.host,
        _letters(on, path) == func.length(there.c.path),
        path_head(path) == path_head(there.c.path),
        path == there.c.path,
    )
    return (await session.execute(found)).all()


def _letters(on: _OnHosts, path: Any) -> ColumnElement[int]:
    return path_letters(
        path, may_be_pattern=not issubclass(on, Claim | IndexClaim | IndexClaimPast)
    )
