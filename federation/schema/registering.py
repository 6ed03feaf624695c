"""The acts of a registry officer on works and rightholders, as both have them in GraphQL."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import strawberry

from federation.history.kinds import Body, Found
from federation.history.service import Acts, Draft
from federation.schema.context import Change, Info, Refused, change
from federation.schema.histories import Ended, saying, within
from federation.values.roles import MAY_KEEP_THE_REGISTRY

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Registering(Generic[Body, Draft, Shown]):
    """The acts on the things of a kind: each in a transaction, with who did it, when and why.

    `name` is what transactions are named after, `acts` returns by what is acted in one, and
    `shown` shows a thing of the collective whose code it is given.
    """

    name: str
    acts: Callable[[Change], Awaitable[Acts[Body, Draft]]]
    shown: Callable[[str, Found[Body]], Shown]

    async def register(
        self, info: Info, id: str, draft: Draft, reason: str, starts_at: datetime | None
    ) -> Shown | Refused:
        """Register one from an instant on, now if none is given."""

        async def done(at: Change, acts: Acts[Body, Draft]) -> Found[Body]:
            return await acts.register(
                at.session,
                within(at, id),
                draft,
                starts_at=starts_at or at.now,
                saying=saying(at, reason),
            )

        return await self._change(info, "register", done)

    async def change(
        self,
        info: Info,
        id: str,
        draft: Draft,
        reason: str,
        starts_at: datetime | None,
        ends_at: datetime | None,
    ) -> Shown | Refused:
        """Say what one is over a period."""

        async def done(at: Change, acts: Acts[Body, Draft]) -> Found[Body]:
            return await acts.change(
                at.session,
                within(at, id),
                draft,
                starts_at=starts_at or at.now,
                ends_at=ends_at,
                saying=saying(at, reason),
            )

        return await self._change(info, "change", done)

    async def merge(
        self, info: Info, id: str, into: str, reason: str, starts_at: datetime | None
    ) -> Shown | Refused:
        """Say that one is another one; show the one that stays."""

        async def done(at: Change, acts: Acts[Body, Draft]) -> Found[Body]:
            return await acts.merge(
                at.session,
                within(at, id),
                within(at, into),
                at=starts_at or at.now,
                saying=saying(at, reason),
            )

        return await self._change(info, "merge", done)

    async def demerge(
        self, info: Info, id: str, reason: str, starts_at: datetime | None
    ) -> Shown | Refused:
        """Undo a merge."""

        async def done(at: Change, acts: Acts[Body, Draft]) -> Found[Body]:
            when = starts_at or at.now
            return await acts.demerge(
                at.session, within(at, id), at=when, saying=saying(at, reason)
            )

        return await self._change(info, "demerge", done)

    async def end(
        self, info: Info, id: str, reason: str, starts_at: datetime | None
    ) -> Ended | Refused:
        """Say that one is there no more."""

        async def act(at: Change) -> Ended:
            when, name = starts_at or at.now, within(at, id)
            acts = await self.acts(at)
            await acts.end(at.session, name, at=when, saying=saying(at, reason))
            return Ended(id=strawberry.ID(f"{at.server.code}:{name}"), ended_at=when)

        return await change(info, f"{self.name}.end", MAY_KEEP_THE_REGISTRY, act)

    async def _change(
        self,
        info: Info,
        name: str,
        done: Callable[[Change, Acts[Body, Draft]], Awaitable[Found[Any]]],
    ) -> Shown | Refused:
        async def act(at: Change) -> Shown:
            return self.shown(at.server.code, await done(at, await self.acts(at)))

        return await change(info, f"{self.name}.{name}", MAY_KEEP_THE_REGISTRY, act)
