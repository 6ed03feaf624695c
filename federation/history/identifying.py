"""Which identifiers of a thing others have while a statement about it holds."""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, replace
from typing import Generic

from federation.history.acts import DEMERGED, MERGED, REGISTERED
from federation.history.kinds import Body, Found, Kind, Statement
from federation.history.merges import over_period
from federation.history.spans import Span
from federation.history.store import known_versions, merged_into, versions_over
from federation.store.sessions import ReadSession


@dataclass(frozen=True, slots=True)
class Numbering(Generic[Body]):
    """How things of a kind are numbered.

    `numbers_of` gives the identifiers of a body that number one thing only, `holders_of` returns
    {identifier: the things of which some version has it so}.
    """

    numbers_of: Callable[[Body], Sequence[str]]
    holders_of: Callable[[ReadSession, Sequence[str]], Awaitable[Mapping[str, Collection[str]]]]


async def held_by_others(
    session: ReadSession,
    kind: Kind[Body],
    statement: Statement[Body],
    others: Iterable[str],
    numbering: Callable[[Body], Collection[str]],
) -> list[tuple[str, str]]:
    """Return (identifier, whose it is) of those that others have for some time of the statement.

    `others` are the things that may have one; `numbering` gives those of a body that number one
    thing only. What was merged into another has none of its own: they are of the one that stays.
    """
    ours = set[str]() if statement.body is None else set(numbering(statement.body))
    same = {statement.thing, statement.merged_into or statement.thing}
    found = set[tuple[str, str]]()
    things = sorted(set(others) - same) if ours else []
    versions = await versions_over(session, kind, things, statement.period)
    for version in (version for known in versions.values() for version in known):
        shared = ours.intersection(numbering(version.body))
        if shared:
            stay = await _stay(session, kind, version, statement)
            found.update((identifier, name) for identifier in shared for name in stay - same)
    return sorted(found)


async def _stay(
    session: ReadSession, kind: Kind[Body], version: Found[Body], statement: Statement[Body]
) -> set[str]:
    """Return what a version is, over all the time that it has in common with a statement."""
    part = version.period.common(statement.period)
    if version.merged_into is None or part is None:
        return {version.thing}
    parts = await over_period(session, kind, [version.merged_into], part)
    return {one.thing for one in parts[version.merged_into]}


async def regained(
    session: ReadSession, kind: Kind[Body], numbering: Numbering[Body], statement: Statement[Body]
) -> list[tuple[str, str]]:
    """Return (identifier, whose it is) of what is merged into a thing, where others have it.

    While the thing was not there, or was another one, somebody else may have got one: then it is
    not registered, merged or demerged for that time.
    """
    if statement.act not in _GAINING or not await known_versions(session, kind, statement.thing):
        return []
    found = list[tuple[str, str]]()
    parts = [part async for part in _merged_into(session, kind, statement.thing, statement.period)]
    ours = {one.thing for one in parts}
    for one in parts:
        holders = await numbering.holders_of(session, numbering.numbers_of(one.body))
        others = {name for names in holders.values() for name in names} - ours
        is_so = Statement(
            statement.thing, statement.act, *one.period, one.body, statement.merged_into
        )
        found += await held_by_others(session, kind, is_so, others, numbering.numbers_of)
    return found


_GAINING = (REGISTERED, MERGED, DEMERGED)


async def _merged_into(
    session: ReadSession, kind: Kind[Body], thing: str, period: Span
) -> AsyncIterator[Found[Body]]:
    """Yield what is a thing over parts of a period, also by way of another that is."""
    waiting = [(thing, period)]
    while waiting:
        name, over = waiting.pop()
        for version in await merged_into(session, kind, name, over):
            part = version.period.common(over)
            if part is not None:
                yield replace(version, period=part)
                waiting.append((version.thing, part))
