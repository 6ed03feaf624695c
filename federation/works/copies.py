"""Copies and their originals: within a collective no original is a copy, at any time."""

from collections.abc import Sequence
from typing import ClassVar

from federation.errors import RefusalError
from federation.history import acts
from federation.history.kinds import Found, Moment, Statement
from federation.history.merges import over_period
from federation.history.spans import Span
from federation.history.store import versions_over
from federation.store.sessions import ReadSession
from federation.works import store
from federation.works.store import WORKS
from federation.works.work import Work


class CanonicalChainError(RefusalError):
    """The original of a copy must not be a copy itself."""

    code: ClassVar[str] = "CANONICAL_CHAIN"


def is_linked(statement: Statement[Work]) -> bool:
    """Tell whether a statement makes a copy, or merges: nothing else can make a copy of a copy."""
    is_copy = statement.body is not None and statement.body.canonical is not None
    return is_copy or statement.merged_into is not None


async def require_one_step(session: ReadSession, node: str, statement: Statement[Work]) -> None:
    """Refuse what would make a copy of a copy while a statement holds (CANONICAL_CHAIN).

    The original must be there when the statement begins (NOT_REGISTERED_THEN), and be no other work
    while it holds (MERGED). It may end: its copies stay copies of what was. Another collective
    answers for its own works.
    """
    if statement.body is None:
        return
    if statement.merged_into is not None:
        await _require_no_chain_by_merge(session, node, statement, statement.merged_into)
        return
    canonical = statement.body.canonical
    if canonical is None:
        return
    own = f"{node}:{statement.thing}"
    for copy in await _copies_of(session, node, statement.thing, statement.period):
        raise CanonicalChainError(f"{node}:{copy} is a copy of {own}")
    original = statement.body.original_at(node)
    if original is None:
        return
    if original == statement.thing:
        raise CanonicalChainError(f"{own} is the work itself")
    await acts.get(session, WORKS, original, Moment(statement.starts_at))
    for version in await _versions(session, original, statement.period):
        if version.merged_into is not None:
            raise acts.MergedError(f"{canonical} is {node}:{version.merged_into}")
        if version.body.canonical is not None:
            raise CanonicalChainError(f"{canonical} is a copy of {version.body.canonical}")


async def _require_no_chain_by_merge(
    session: ReadSession, node: str, statement: Statement[Work], into: str
) -> None:
    """Refuse to merge a work into its own copy, or one that has copies into a copy."""
    for version in await _versions(session, into, statement.period):
        part = version.period.common(statement.period)
        if version.body.canonical is None or part is None:
            continue
        one, stays = f"{node}:{statement.thing}", f"{node}:{into}"
        for copy in await _copies_of(session, node, statement.thing, part):
            if copy == into:
                raise CanonicalChainError(f"{stays} is a copy of {one}")
            why = f"{node}:{copy} is a copy of {one}, and {stays} of {version.body.canonical}"
            raise CanonicalChainError(why)


async def _copies_of(session: ReadSession, node: str, thing: str, period: Span) -> list[str]:
    """Return the works that are copies of one for some time of a period, by id.

    Those count that name another, which was merged into it.
    """
    own = f"{node}:{thing}"
    names = (await store.copies_of(session, [own])).get(own, set()) - {thing}
    versions = await versions_over(session, WORKS, sorted(names), period)
    return [
        name
        for name, known in sorted(versions.items())
        for version in known
        if version.merged_into is None and await _is_copy(session, node, version, thing, period)
    ]


async def _is_copy(
    session: ReadSession, node: str, version: Found[Work], thing: str, period: Span
) -> bool:
    original, part = version.body.original_at(node), version.period.common(period)
    if original is None or part is None:
        return False
    if original == thing:
        return True
    stay = (await over_period(session, WORKS, [original], part))[original]
    return any(one.thing == thing for one in stay)


async def _versions(session: ReadSession, thing: str, period: Span) -> Sequence[Found[Work]]:
    return (await versions_over(session, WORKS, [thing], period)).get(thing, [])
