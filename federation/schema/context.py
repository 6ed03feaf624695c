"""What a resolver may reach: this server, who asks, and one way to change something."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import strawberry
from strawberry.litestar import BaseContext

from federation.errors import RefusalError
from federation.server import Server
from federation.store.sessions import WriteSession
from federation.trust.principals import NotAuthenticatedError, Principal

Result = TypeVar("Result")


class Context(BaseContext, kw_only=True):
    """The context of one GraphQL request."""

    server: Server
    principal: Principal | None

    def require(self, *roles: str) -> Principal:
        """Return who asks, holding one of the roles, or refuse."""
        if self.principal is None:
            raise NotAuthenticatedError
        if roles:
            self.principal.require(*roles)
        return self.principal


Info = strawberry.Info[Context, None]


@strawberry.type(description="A request that was refused; nothing was changed.")
class Refused:
    """A refusal with a stable code."""

    code: str
    message: str

    @classmethod
    def of(cls, refusal: RefusalError) -> "Refused":
        """Translate a refusal."""
        return cls(code=refusal.code, message=refusal.message)


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation field: who asks, the open transaction, business time."""

    session: WriteSession
    who: Principal
    server: Server
    now: datetime


async def change(
    info: Info,
    name: str,
    roles: tuple[str, ...],
    act: Callable[[Change], Awaitable[Result]],
) -> Result | Refused:
    """Run one mutation in one transaction; a refusal becomes data and leaves nothing behind."""
    context, server = info.context, info.context.server
    try:
        who = context.require(*roles)
        async with server.db.write(name) as session:
            result = await act(Change(session, who, server, server.clock()))
    except RefusalError as refusal:
        return Refused.of(refusal)
    return result
