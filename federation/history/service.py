"""The acts on things of one kind: each read, judged, held against the others, and written down.

`acts.py` has what holds for every kind. A room of things (works, rightholders) says what is its
own: how a thing is described, what contradicts what is registered, and by what things are found.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from federation.errors import RefusalError
from federation.history import acts
from federation.history.identifying import Numbering, regained
from federation.history.kinds import Body, Found, Kind, Moment, Saying, Statement
from federation.history.merges import find_as_merged
from federation.identifiers.schemes import IdentifierTakenError
from federation.store.sessions import ReadSession, WriteSession

Draft = TypeVar("Draft")


@dataclass(frozen=True, slots=True)
class Acts(Generic[Body, Draft]):
    """The acts on the things of a kind: works, or rightholders.

    `numbering` says how they are numbered. `read_id` and `read` refuse ids and descriptions.
    `contradictions` returns {id: why} of statements that contradict what is registered while they
    hold. `record` writes statements down, each of another thing, with what things are found by.
    """

    kind: Kind[Body]
    numbering: Numbering[Body]
    read_id: Callable[[str], str]
    read: Callable[[Draft], Body]
    contradictions: Callable[
        [ReadSession, Sequence[Statement[Body]]], Awaitable[dict[str, RefusalError]]
    ]
    record: Callable[[WriteSession, Sequence[Statement[Body]], Saying], Awaitable[range]]

    async def register(
        self,
        session: WriteSession,
        thing: str,
        draft: Draft,
        *,
        starts_at: datetime,
        saying: Saying,
    ) -> Found[Body]:
        """Register a thing under an id, from an instant on (REGISTERED_ALREADY)."""
        body, name = self.read(draft), self.read_id(thing)
        statement = await acts.judge_registration(session, self.kind, name, body, starts_at)
        return await self._say(session, statement, saying)

    async def change(
        self,
        session: WriteSession,
        thing: str,
        draft: Draft,
        *,
        starts_at: datetime,
        ends_at: datetime | None,
        saying: Saying,
    ) -> Found[Body]:
        """Say of a thing what it is over a period, past or to come: a change, or a correction."""
        statement = await self.judge_change(
            session, thing, draft, starts_at=starts_at, ends_at=ends_at
        )
        return await self._record(session, statement, saying)

    async def judge_change(
        self,
        session: ReadSession,
        thing: str,
        draft: Draft,
        *,
        starts_at: datetime,
        ends_at: datetime | None,
    ) -> Statement[Body]:
        """Judge a change, and return what would be said; nothing is written."""
        body = self.read(draft)
        statement = await acts.judge_change(session, self.kind, thing, body, starts_at, ends_at)
        await self._check(session, statement)
        return statement

    async def end(self, session: WriteSession, thing: str, *, at: datetime, saying: Saying) -> None:
        """Say that a thing is there no more, from an instant on."""
        statement = await acts.judge_end(session, self.kind, thing, at)
        await self.record(session, [statement], saying)

    async def merge(
        self, session: WriteSession, thing: str, into: str, *, at: datetime, saying: Saying
    ) -> Found[Body]:
        """Say that a thing is another one, registered twice; return the one that stays.

        What was merged into the first before follows it.
        """
        statement = await acts.judge_merge(session, self.kind, thing, into, at)
        return await self._say(session, statement, saying)

    async def demerge(
        self, session: WriteSession, thing: str, *, at: datetime, saying: Saying
    ) -> Found[Body]:
        """Say that a merged thing is one of its own again, as it was last before."""
        statement = await acts.judge_demerge(session, self.kind, thing, at)
        return await self._say(session, statement, saying)

    async def _say(
        self, session: WriteSession, statement: Statement[Body], saying: Saying
    ) -> Found[Body]:
        await self._check(session, statement)
        return await self._record(session, statement, saying)

    async def _check(self, session: ReadSession, statement: Statement[Body]) -> None:
        for refusal in (await self.contradictions(session, [statement])).values():
            raise refusal
        for identifier, other in await regained(session, self.kind, self.numbering, statement):
            raise IdentifierTakenError(f"{identifier} is of {other}")

    async def _record(
        self, session: WriteSession, statement: Statement[Body], saying: Saying
    ) -> Found[Body]:
        """Write down what was judged, and return the thing as it is then: the one that stays."""
        await self.record(session, [statement], saying)
        moment = Moment(statement.starts_at)
        [found] = await find_as_merged(session, self.kind, [statement.thing], moment)
        return found
