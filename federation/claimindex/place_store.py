"""The SQL that finds what stands at addresses: rows of claims and rulings, here or in the index.

Whoever asks chooses the addresses, and a host may have rows by the million, so none is looked
through: first which lengths the paths on a host have, each found by one step in an index however
many rows share it; then what stands at the very paths of such a length that may match. A pattern is
found so by what stands before its first `*`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from federation.addresses.matching import candidate_hosts, candidate_paths
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.place_keys import (
    HEAD_LENGTH,
    path_head,
    path_length,
    path_rest,
    place_of,
)
from federation.claimindex.tables import (
    ClaimRow,
    IndexClaimPast,
    IndexOptOutPast,
    IndexShare,
    RulingRow,
    Superseded,
)
from federation.consent.states import ALL_USES, NO_USE, State
from federation.store.asked import asked, is_sqlite, parameters_of
from federation.store.sessions import ReadSession

CHARACTERS_AT_ONCE: Final = 1_000_000  # of the places that one statement asks for
MANY: Final = 100  # places, or hosts, of a statement that is no short one

_OnSubjects = RulingRow | IndexShare
_OnHosts = type[ClaimRow | _OnSubjects]
_HOST, _LENGTH = ("host",), ("length",)
_PLACE = ("host", *_LENGTH, "head", "rest", "path")
_BEFORE_ALL: Final[ColumnElement[int]] = literal_column("-100000")
"""Less than `path_length` is of any path or pattern: no path is so long."""


class _Standing(NamedTuple):
    """What there is on some hosts: the lengths of paths, and of what patterns start with."""

    lengths: dict[str, set[int]]
    starts: dict[str, set[int]]


class UseAt(NamedTuple):
    """Which use at which instant rulings are asked about, and in which territory, if in one."""

    use: str
    at: datetime
    territory: str | None = None


def can_decide(of: type[RulingRow], question: UseAt | None) -> ColumnElement[bool]:
    """Return which rulings can decide a question (`consent.deciding.can_decide`).

    Without a question that is every ruling. A yes for some territories only is kept as a ruling on
    no use (`NO_USE`): where a territory is asked about, it may be a yes for the use there.
    """
    if question is None:
        return true()
    uses = [question.use, ALL_USES, *([] if question.territory is None else [NO_USE])]
    return and_(
        of.effective_at <= question.at,
        or_(of.ends_at.is_(None), of.ends_at > question.at),
        or_(of.use.in_(uses), of.state == State.MANDATED.value),
    )


def known(of: type[Superseded], known_at: datetime | None = None) -> ColumnElement[bool]:
    """Return which claims or opt-outs of a registry are known now (None), or were at an instant."""
    if known_at is None:
        return of.superseded_at.is_(None)
    return and_(
        of.recorded_at <= known_at,
        or_(of.superseded_at.is_(None), of.superseded_at > known_at),
    )


def was_known(of: _OnHosts, known_at: datetime | None) -> ColumnElement[bool]:
    """Return which rows were known at an instant, or are known now (None)."""
    if issubclass(of, Superseded):
        return known(of, known_at)
    if issubclass(of, IndexShare):
        return _share_known(known_at)
    if known_at is None:
        return true()
    if issubclass(of, IndexClaimPast | IndexOptOutPast):
        return and_(of.recorded_at <= known_at, of.withdrawn_at > known_at)
    return of.recorded_at <= known_at


def _share_known(known_at: datetime | None) -> ColumnElement[bool]:
    gone = IndexShare.withdrawn_at
    if known_at is None:
        return gone.is_(None)
    return and_(IndexShare.recorded_at <= known_at, or_(gone.is_(None), gone > known_at))


def is_near(on: type[ClaimRow], host: str | None, path: str) -> ColumnElement[bool]:
    """Tell of a claim whether it may hold an address or lies below it; of a path, on any host."""
    below = on.path.startswith(path.rstrip("/") + "/", autoescape=True)
    is_there = or_(on.path.in_(candidate_paths(path)), below)
    if host is None:
        return is_there
    return and_(on.host.in_(sorted({name for name, _ in candidate_hosts(host)})), is_there)


async def claims_matching(
    session: ReadSession,
    of: type[ClaimRow],
    query: Select[*tuple[Any, ...]],
    keys: Collection[UrlKey],
) -> list[Any]:
    """Return the rows of a question about claims that match some addresses.

    It asks for `host`, `path` and `wildcard` among others.
    """
    hosts = _Hosts(keys)
    found, _ = await _at_or_above(session, of, query, keys, hosts)
    return [row for row in found if (row.host, row.wildcard) in hosts.patterns]


async def standing_at(
    session: ReadSession,
    of: _OnHosts,
    query: Select[*tuple[Any, ...]],
    keys: Collection[UrlKey],
    *,
    on_other_hosts: bool = True,
) -> list[Any]:
    """Return the rows that stand at the paths of some addresses or above, or are of these alone.

    On their hosts, and on those of which these may be subdomains, whether a row says so or not; no
    pattern with a `*`. A long question is put in parts, each with its limit.
    """
    hosts = _Hosts(keys, on_other_hosts=on_other_hosts)
    return (await _at_or_above(session, of, query, keys, hosts))[0]


async def rulings_matching(
    session: ReadSession,
    of: type[_OnSubjects],
    query: Select[*tuple[Any, ...]],
    keys: Collection[UrlKey],
) -> list[Any]:
    """Return the rows of a question about rulings, or shares, that match some addresses.

    Among them are patterns that do not match: each that has the same text before its first `*` as
    an address. Who asks matches these by `addresses.matching`.
    """
    hosts = _Hosts(keys)
    found, starts = await _at_or_above(session, of, query, keys, hosts)
    for chunk in _in_parts(_starts(hosts, keys, starts)):
        found += await _rows_at(session, of, query, chunk, by_start=True)
    return [row for row in found if (row.host, row.wildcard) in hosts.patterns]


async def rulings_on(
    session: ReadSession,
    of: type[_OnSubjects],
    query: Select[*tuple[Any, ...]],
    subjects: Iterable[ClaimKey],
) -> list[Any]:
    """Return the rows about rulings, or shares, that stand on some subjects themselves."""
    places = dict.fromkeys((key.host, key.path) for key in subjects)
    found: list[Any] = []
    for chunk in _in_parts(places):
        found += await _rows_at(session, of, query, chunk)
    return found


class _Hosts:
    """Under which (host, wildcard) what matches some addresses may stand."""

    def __init__(self, keys: Iterable[UrlKey], *, on_other_hosts: bool = True) -> None:
        self.of: dict[str, list[str]] = {}
        self.patterns = set[tuple[str, bool]]()
        for host in {key.host for key in keys}:
            patterns = candidate_hosts(host) if on_other_hosts else [(host, False), (host, True)]
            self.patterns.update(patterns)
            self.of[host] = list(dict.fromkeys(name for name, _ in patterns))

    @property
    def names(self) -> list[str]:
        return sorted({name for name, _ in self.patterns})


async def _at_or_above(
    session: ReadSession,
    on: _OnHosts,
    query: Select[*tuple[Any, ...]],
    keys: Iterable[UrlKey],
    hosts: _Hosts,
) -> tuple[list[Any], Mapping[str, set[int]]]:
    """Return the rows, and of each host how long a text is that patterns with a `*` begin with."""
    found, there = list[Any](), await _standing(session, on, hosts.names)
    places = _places(hosts, keys, there.lengths, are_rulings=_may_be_pattern(on))
    for chunk in _in_parts(places):
        found += await _rows_at(session, on, query, chunk)
    return found, there.starts


async def _standing(session: ReadSession, on: _OnHosts, hosts: Sequence[str]) -> _Standing:
    """Return what there is on some hosts: one step in an index for each length of a path."""
    sqlite = is_sqlite(session)
    parameters = parameters_of(_HOST, [(host,) for host in hosts], sqlite=sqlite)
    found = _Standing({}, {})
    many = len(hosts) >= MANY
    for host, length in await session.rows(_lengths(on, sqlite=sqlite), parameters, many=many):
        if length < 0:
            found.starts.setdefault(host, set()).add(-length - 1)
        else:
            found.lengths.setdefault(host, set()).add(length)
    return found


@cache
def _lengths(on: _OnHosts, *, sqlite: bool) -> Select[str, int]:
    there, one = asked(_HOST, sqlite=sqlite), aliased(on)
    path: Any = one.path
    length = path_length(path, may_be_pattern=_may_be_pattern(on))
    lengths = select(there.c.host, _BEFORE_ALL.label("length")).cte(recursive=True)
    longer = select(length).where(one.host == lengths.c.host, length > lengths.c.length)
    following = longer.order_by(length).limit(literal_column("1")).scalar_subquery()
    lengths = lengths.union_all(
        select(lengths.c.host, following).where(lengths.c.length.is_not(None))
    )
    return select(lengths).where(lengths.c.length > _BEFORE_ALL)


def _places(
    hosts: _Hosts, keys: Iterable[UrlKey], lengths: Mapping[str, set[int]], *, are_rulings: bool
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


def _starts(
    hosts: _Hosts, keys: Iterable[UrlKey], starts: Mapping[str, set[int]]
) -> Iterator[tuple[str, str]]:
    """Yield each (host, `START*`) such that a pattern which matches may start so."""
    seen = set[tuple[str, str]]()
    for key in keys if starts else ():
        for host in hosts.of[key.host]:
            for length in starts.get(host, ()):
                place = (host, key.path[:length] + "*")
                if length <= len(key.path) and place not in seen:
                    seen.add(place)
                    yield place


def _in_parts(places: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield places in parts that fit into one statement."""
    part: list[tuple[str, str]] = []
    characters = 0
    for place in places:
        part.append(place)
        characters += len(place[0]) + len(place[1])
        if characters >= CHARACTERS_AT_ONCE:
            yield part
            part, characters = [], 0
    if part:
        yield part


async def _rows_at(
    session: ReadSession,
    on: _OnHosts,
    query: Select[*tuple[Any, ...]],
    places: Sequence[tuple[str, str]],
    *,
    by_start: bool = False,
) -> Sequence[Any]:
    sqlite, may_be_pattern = is_sqlite(session), _may_be_pattern(on)
    is_long = any(len(path) > HEAD_LENGTH for _, path in places)
    columns = _asked_for(by_start=by_start, may_be_pattern=may_be_pattern, is_long=is_long)
    rows = [
        (host, *place_of(path, may_be_pattern=may_be_pattern), path)[: len(columns)]
        for host, path in places
    ]
    return await session.rows(
        query.where(_is_there(on, columns, sqlite=sqlite)),
        parameters_of(columns, rows, sqlite=sqlite),
        many=len(places) >= MANY,
    )


def _asked_for(*, by_start: bool, may_be_pattern: bool, is_long: bool) -> tuple[str, ...]:
    """Return what is told of the places that are asked: what an index has, the path if it is cut.

    With `by_start` a place is a host and what a pattern has before its first `*`: those patterns
    are meant. They are compared by the first 1,000 characters that the index has, so of longer
    texts that differ behind these all are read.
    """
    if by_start:
        return _PLACE[:3]
    return _PLACE if is_long else _PLACE[: 4 if may_be_pattern else 3]


@cache
def _is_there(on: _OnHosts, columns: tuple[str, ...], *, sqlite: bool) -> ColumnElement[bool]:
    """Return which rows stand at the places that are asked; without `rest` those that start so."""
    path: Any = on.path
    may_be_pattern = _may_be_pattern(on)
    there = asked(columns, sqlite=sqlite, numbers=_LENGTH).c
    kept = {
        "host": on.host,
        "length": path_length(path, may_be_pattern=may_be_pattern),
        "head": path_head(path, may_be_pattern=may_be_pattern),
        "rest": path_rest(path),
        "path": path,
    }
    if not may_be_pattern:
        del kept["rest"]  # which no index has
    return and_(*(kept[name] == there[name] for name in columns if name in kept))


def _may_be_pattern(on: _OnHosts) -> bool:
    return not issubclass(on, ClaimRow)
