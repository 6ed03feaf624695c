"""What a resolver may reach: this server, who asks, and one way to change something."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, TypeVar

import msgspec
import strawberry
from strawberry.dataloader import DataLoader
from strawberry.litestar import BaseContext

from federation.errors import RefusalError
from federation.federated.documents import DocumentNotTrustedError, document_id, require_id
from federation.quotas import Act
from federation.schema.limits import Weight
from federation.server import Server
from federation.store.failures import DatabaseDownError
from federation.store.sessions import WriteSession
from federation.successions.service import shown_of, stands_for, succeeded_by
from federation.trust.principals import NotAuthenticatedError, Principal
from federation.values.roles import PEER, SIGNED_IN, Readers, Role

Result = TypeVar("Result")


class CostTooHighError(RefusalError):
    """The document costs more than one may; ask for shorter pages, or for less of each entry."""

    code: ClassVar[str] = "COST_TOO_HIGH"


class Charged(NamedTuple):
    """What a document cost, what one may cost at most, and what is left of the quota."""

    requested: int
    limit: int
    left: int


class Context(BaseContext, kw_only=True):
    """The context of one GraphQL request: this server, and who asks, None for nobody.

    `asker` is by what quotas count whoever asks: its subject, or the address it comes from.
    `loaders` put together what the fields of one request ask for, by name. `sent` are its variables
    as they were sent, where a field passes them on. `named` is a document that came with its id,
    after that id.
    """

    server: Server
    principal: Principal | None
    asker: str
    loaders: dict[str, DataLoader[Any, Any]] = msgspec.field(default_factory=dict)
    sent: dict[str, Any] = msgspec.field(default_factory=dict)
    named: tuple[str, str] | None = None

    def count(self, weight: Weight, cost: int, *, is_answered: bool) -> Charged:
        """Count what running a document costs beyond a request, or refuse it.

        A root field is a request of its own; a question about the schema costs nothing once it
        `is_answered` (TOO_MANY_REQUESTS, COST_TOO_HIGH).
        """
        charged = self._charge(cost)
        self.count_requests(weight.root_fields - 1)
        if weight.introspections and not is_answered:
            self.server.quotas.take(self.asker, "introspection", weight.introspections)
        return charged

    def _charge(self, cost: int) -> Charged:
        act: Act = "anonymous_cost" if self.principal is None else "cost"
        quotas = self.server.quotas
        limit = quotas.burst(act)
        if cost > limit:
            raise CostTooHighError(f"it costs {cost}, and {limit} is the limit")
        if cost:
            quotas.take(self.asker, act, cost)
        return Charged(cost, limit, quotas.left(self.asker, act))

    @property
    def nodes(self) -> int:
        """How many nodes there are to ask, as of the last question to all of them."""
        return max(1, self.server.asker.nodes)

    @property
    def is_server(self) -> bool:
        """Whether another server asks."""
        return self.principal is not None and not self.principal.roles.isdisjoint({PEER, SIGNED_IN})

    def count_requests(self, more: int) -> None:
        """Count so many requests more, or refuse (TOO_MANY_REQUESTS)."""
        act: Act = "anonymous" if self.principal is None else "graphql"
        if more > 0:
            self.server.quotas.take(self.asker, act, more)

    def document(self, name: str | None, text: str | None) -> str | None:
        """Return the document to run: as it was sent, or as its id names it.

        Of the documents that this server trusts anybody names each by its id, and who is not known
        may ask no others, where it trusts any (DOCUMENT_NOT_TRUSTED). Who is known names what it
        has sent itself (DOCUMENT_NOT_KNOWN, BAD_DOCUMENT_ID); nothing is kept of who is not.
        """
        trusted, who = self.server.trusted_documents, self.principal
        if name is not None and text is None and name in trusted:
            return trusted[name]
        if name is not None and text is None:
            return self.server.documents.get(who.subject if who else "", name)
        if who is None and trusted and document_id(text or "") not in trusted:
            raise DocumentNotTrustedError
        if who is None or name is None or text is None:
            return text
        require_id(name, text)
        self.named = name, text
        return text

    def keep_document(self) -> None:
        """Keep the document that was sent with its id: it was found good, and is about to run."""
        if self.principal is not None and self.named is not None:
            self.server.documents.keep(self.principal.subject, *self.named)

    def require(self, *roles: str) -> Principal:
        """Return who asks, holding one of the roles, or refuse."""
        if self.principal is None:
            raise NotAuthenticatedError
        if roles:
            self.principal.require(*roles)
        return self.principal

    def whose(self, readers: Readers, asked: str | None = None) -> str | None:
        """Return whose facts to show, as `Principal.whose` does, or refuse."""
        return self.require().whose(readers, asked)

    async def whose_or_succeeded(self, readers: Readers, asked: str | None) -> str | None:
        """Return whose facts to show; a member is also shown those of whom it succeeds by now."""
        own = self.whose(readers, asked)
        if asked is None or own is None or own == asked:
            return own
        async with self.server.db.read() as session:
            return await shown_of(session, own, asked, self.server.clock().date())

    async def own_members(self) -> frozenset[str]:
        """Return the members whose facts are who asks's own: a member, and whom it succeeds."""
        who = self.require()
        if Role.MEMBER not in who.roles:
            return frozenset()
        async with self.server.db.read() as session:
            return await succeeded_by(session, who.require_party(), self.server.clock().date())


Info = strawberry.Info[Context, None]


@strawberry.type(description="A request that was refused; nothing was changed.")
class Refused:
    """A refusal: a stable code for programs and a sentence for people; nothing was written."""

    code: str
    message: str

    @classmethod
    def of(cls, refusal: RefusalError) -> "Refused":
        """Show a refusal as data."""
        return cls(code=refusal.code, message=refusal.message)


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation field: who asks, the open transaction, business time."""

    session: WriteSession
    who: Principal
    server: Server
    now: datetime

    async def own_members(self) -> frozenset[str]:
        """Return for which members who acts speaks: itself, and whom it succeeds (SUCCEEDED).

        Who is no member speaks for none.
        """
        if Role.MEMBER not in self.who.roles:
            return frozenset()
        return await stands_for(self.session, self.who.require_party(), self.now.date())


async def change(
    info: Info,
    name: str,
    roles: tuple[str, ...],
    act: Callable[[Change], Awaitable[Result]],
) -> Result | Refused:
    """Run one mutation in one transaction; a refusal becomes data and leaves nothing behind.

    A database that does not answer refuses the request (DATABASE_DOWN): at a commit nobody knows.
    """
    context, server = info.context, info.context.server
    try:
        who = context.require(*roles)
        async with server.db.write(name) as session:
            result = await act(Change(session, who, server, server.clock()))
    except DatabaseDownError:
        raise
    except RefusalError as refusal:
        return Refused.of(refusal)
    return result
