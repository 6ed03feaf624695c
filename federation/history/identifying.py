"""Which identifiers of a thing others have while a statement about it holds."""

from collections.abc import Callable, Collection, Iterable

from federation.history.kinds import Body, Found, Kind, Statement
from federation.history.merges import over_period
from federation.history.store import versions_over
from federation.store.sessions import ReadSession


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
