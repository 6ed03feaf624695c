"""What of a registry is said again on the stage of a dry run: a database of its own.

Things are brought there once: what was said of them there since stands.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Protocol

from federation.history.acts import CHANGED, MERGED
from federation.history.kinds import EVER, Kind, Saying, Statement
from federation.history.store import Told, known_of
from federation.history.tables import Change
from federation.mandates.tables import ConsentRecord
from federation.registry.tables import Member
from federation.rightholders import store as rightholders
from federation.rightholders.tables import (
    RightholderIdentifier,
    RightholderMember,
    RightholderVersion,
)
from federation.store.sessions import ReadSession, WriteSession
from federation.works import store as works
from federation.works.tables import (
    WorkAddress,
    WorkCopy,
    WorkIdentifier,
    WorkRightholder,
    WorkVersion,
)
from federation.works.work import Work

STAGED: Final = (
    Change,
    Member,
    ConsentRecord,
    RightholderVersion,
    RightholderIdentifier,
    RightholderMember,
    WorkVersion,
    WorkIdentifier,
    WorkAddress,
    WorkCopy,
    WorkRightholder,
)
"""The tables of a stage: those that judging a row reads or writes."""
_SAYING = Saying("", "", EVER)


class Bringing(Protocol):
    """Brings onto a stage what the rules look at beside the things that some rows name."""

    async def __call__(
        self,
        registry: ReadSession,
        stage: WriteSession,
        bodies: Sequence[Any],
        things: Collection[str],
    ) -> set[str]:
        """Return what else of the same kind has to be there."""
        ...


class _Recording(Protocol):
    async def __call__(
        self,
        session: WriteSession,
        statements: Sequence[Statement[Any]],
        saying: Saying,
        known: Any = None,
    ) -> range: ...


async def say_again(
    registry: ReadSession,
    stage: WriteSession,
    kind: Kind[Any],
    record: _Recording,
    things: Iterable[str],
) -> None:
    """Say on a stage all that is known now of some things, and of what they were merged into."""
    seen, asked = set[str](), set(things)
    while asked:
        seen |= asked
        there = await known_of(stage, kind, sorted(asked))
        told = await known_of(registry, kind, sorted(asked - there.keys()))
        versions = {thing: list(its.values()) for thing, its in told.items()}
        for number in range(max(map(len, versions.values()), default=0)):
            some = [its[number] for its in versions.values() if number < len(its)]
            await record(stage, [_statement(kind, one) for one in some], _SAYING, {})
        every = (one.merged_into for its in versions.values() for one in its)
        asked = {name for name in every if name is not None} - seen


def _statement(kind: Kind[Any], one: Told) -> Statement[Any]:
    act = CHANGED if one.merged_into is None else MERGED
    return Statement(one.thing, act, *one.span, kind.decode(one.body), one.merged_into)


def bringing_of_works(node: str) -> Bringing:
    """Return what brings the rightholders of works at a node, and the copies of works."""

    async def bring(
        registry: ReadSession,
        stage: WriteSession,
        bodies: Sequence[Work],
        things: Collection[str],
    ) -> set[str]:
        named = sorted({name for body in bodies for name in body.rightholders})
        kind = rightholders.RIGHTHOLDERS
        await say_again(registry, stage, kind, rightholders.record, named)
        copies = await works.copies_of(registry, sorted(f"{node}:{name}" for name in things))
        await works.note_copies(stage, copies)
        return {name for names in copies.values() for name in names}

    return bring


async def bring_members(
    registry: ReadSession,
    stage: WriteSession,
    bodies: Sequence[Any],
    things: Collection[str],
) -> set[str]:
    """Bring the members that rightholders are."""
    del things
    for name in {body.member for body in bodies if body.member is not None}:
        member = await registry.get(Member, name)
        if member is not None:
            await stage.merge(member)
    return set()
