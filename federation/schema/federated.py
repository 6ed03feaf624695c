"""Lists over all nodes as if they were one, in GraphQL: at the hub (decision 55)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, repeat
from typing import Any, Generic, TypeVar, cast

import msgspec
import strawberry
from graphql import GraphQLObjectType, get_named_type
from strawberry.federation.schema_directives import Cost

from federation.federated.asking import Node as AskedNode
from federation.federated.cursors import Cursors, Position
from federation.federated.listing import (
    Gathering,
    Listed,
    Listing,
    Reply,
    deadline_seconds,
    require_replies,
)
from federation.federated.merging import Key
from federation.federated.selections import TYPENAME, Argument, Asking, Selection, select
from federation.federated.shapes import shapes_of
from federation.federated.wire import DEADLINE_MS, OnBehalfOf
from federation.schema.choices import NodeState, Require
from federation.schema.context import Info
from federation.schema.costs import EACH_NODE
from federation.schema.pages import Edge, PageInfo
from federation.schema.reservations import Reservation
from federation.schema.rightholders import Rightholder
from federation.schema.splicing import Spliced
from federation.schema.work_types import Work
from federation.server import Server
from federation.trust.store import trusted_places
from federation.values.cursors import page_size
from federation.values.roles import MAY_READ_HISTORIES

Node = TypeVar("Node")


@strawberry.type(description="How a node answered a question to all of them.")
class NodeAnswer:
    """Whether a node has answered, how soon, and of when its answer is."""

    node: str = strawberry.field(description="The node's code.")
    state: NodeState = strawberry.field(description="Whether it has answered.")
    latency_ms: int = strawberry.field(description="How long it took, in milliseconds.")
    as_of: datetime | None = strawberry.field(
        description="As of when what it tells is: now, or an earlier time where it is STALE; null "
        "where it tells nothing."
    )
    code: str | None = strawberry.field(
        description="Why not, for programs: NO_ANSWER, SENT_AWAY, DEADLINE_OVER, BAD_ANSWER or a "
        "code of the node's own."
    )
    message: str | None = strawberry.field(description="Why not, for people.")

    @classmethod
    def of(cls, reply: Reply, now: datetime) -> "NodeAnswer":
        """Show how a node answered."""
        state = NodeState(reply.state)
        as_of = now - timedelta(seconds=reply.age_seconds)
        return cls(
            node=reply.node,
            state=state,
            latency_ms=reply.latency_ms,
            as_of=as_of if state in {NodeState.OK, NodeState.STALE} else None,
            code=reply.code,
            message=reply.message,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A page that was put together, and what its parts are shown by."""

    selection: Selection
    listed: Listed
    cursors: Cursors

    def edges(self, name: str, kind: str) -> msgspec.Raw:
        """Return the edges that are asked for under a name, as JSON; `kind` is their type."""
        entries, members, columns = self.listed.page.entries, list[bytes](), list[Any]()
        for member, field, number in self.selection.edges[name]:
            value = b"%b"
            if number is not None:
                columns.append([shown[number] for _, shown in entries])
            elif field == TYPENAME:
                value = b'"%b"' % kind.encode()
            else:
                columns.append(self._cursors_behind([key for key, _ in entries]))
                value = b'"%b"'
            members.append(b'"%b":%b' % (member.encode(), value))
        edge = b"{%b}" % b",".join(members)
        rows = zip(*columns, strict=True) if columns else repeat((), len(entries))
        return msgspec.Raw(b"[%b]" % b",".join([edge % row for row in rows]))

    def _cursors_behind(self, keys: Sequence[Key]) -> Iterator[bytes]:
        """Return the cursors of places of the page: they need no escapes in JSON."""
        missing, is_stale = self.listed.page.missing_at, self.listed.is_stale
        for owed, places in groupby(keys, key=missing):
            yield from map(
                str.encode, self.cursors.write_all(list(places), owed, is_stale=is_stale)
            )

    def late(self, name: str) -> list[msgspec.Raw]:
        """Return the late entries that are asked for under a name, as JSON."""
        number = self.selection.things[name]
        return [entry.shown[number] for entry in self.listed.page.late]

    def page_info(self) -> PageInfo:
        """Return whether the list goes on, and from where."""
        end = self.listed.end
        cursor = None if end == Position() else self.cursors.write(end)
        return PageInfo(has_next_page=self.listed.page.has_more, end_cursor=cursor)


@strawberry.type(description="A page of a list over all nodes, and how each of them answered.")
class FederatedConnection(Generic[Node]):
    """The entries of a page, those that come late, and whether there are more."""

    answer: strawberry.Private[Answer]
    page_info: PageInfo = strawberry.field(description="Whether there are more.")
    nodes: list[NodeAnswer] = strawberry.field(description="How each node answered, by code.")
    complete: bool = strawberry.field(
        description="Whether every node has answered, now and on the pages before, so that nothing "
        "is missing up to the end of this page."
    )

    @strawberry.field(description="The entries in order.")
    def edges(self, info: Info) -> list[Edge[Node]]:
        """Pass on what the nodes sent."""
        kind = get_named_type(info._raw_info.return_type)  # noqa: SLF001 - names `__typename`
        found = self.answer.edges(str(info.path.key), kind.name)
        return cast("list[Edge[Node]]", Spliced(found))

    @strawberry.field(
        description="Entries from before this page, of nodes that did not answer when it was their "
        "turn; each comes once. Who does not ask for them is not shown them later either."
    )
    def late(self, info: Info) -> list[Node]:
        """Pass on what comes late."""
        return cast("list[Node]", Spliced(self.answer.late(str(info.path.key))))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to all nodes: a list of theirs, its arguments, how many entries, after which."""

    field: str
    kind: str
    arguments: Mapping[str, Argument]
    on_behalf_of: OnBehalfOf
    first: int
    after: str | None
    require: Require
    deadline_ms: int
    may_be_earlier: bool = True
    """Whether an earlier answer is told of a node that gives none: never of what is reserved."""


async def ask_all(info: Info, asked: Asked) -> FederatedConnection[Any]:
    """Ask every node that is not suspended for its part of a list, and merge what they answer."""
    server = info.context.server
    size, seconds = page_size(asked.first), deadline_seconds(asked.deadline_ms)
    question = (asked.field, {name: one.value for name, one in asked.arguments.items()})
    cursors = Cursors(server.pepper.seal, question, server.clock())
    position = cursors.read(asked.after)
    deadline = server.monotonic() + seconds
    listing = listing_of(info, asked.field, asked.kind, asked.arguments, asked.on_behalf_of)
    nodes = await trusted_nodes(server)
    server.quotas.take(info.context.asker, "graphql", max(1, len(nodes)))
    gathering = Gathering(
        server.asker,
        nodes,
        listing,
        deadline=deadline,
        monotonic=server.monotonic,
        earlier=server.earlier if asked.may_be_earlier else None,
    )
    with server.asker.page_for(info.context.asker):
        listed = await gathering.page(position, size)
    require_replies(listed.replies, asked.require)
    answer, now = Answer(listing.selection, listed, cursors), server.clock()
    return FederatedConnection(
        answer=answer,
        page_info=answer.page_info(),
        nodes=[NodeAnswer.of(reply, now) for reply in listed.replies],
        complete=listed.is_complete,
    )


def listing_of(
    info: Info,
    field: str,
    kind: str,
    arguments: Mapping[str, Argument],
    on_behalf_of: OnBehalfOf,
    *,
    is_thing_needed: bool = False,
) -> Listing:
    """Return what of a field of all nodes is selected below this one; `kind` is its things' type.

    What nodes are asked with is what the client wrote; the id, where that is nothing of a thing
    and one is needed.
    """
    raw = info._raw_info  # noqa: SLF001 - the document itself is passed on
    selection = select(asking_of(info), raw.field_nodes)
    if is_thing_needed and not selection.below:
        selection = selection.with_id()
    shapes = shapes_of(
        cast("GraphQLObjectType", raw.schema.type_map[kind]), selection, raw.fragments
    )
    return Listing(field, arguments, selection, shapes, on_behalf_of)


def asking_of(info: Info) -> Asking:
    """Return the document that is answered, as it came."""
    raw = info._raw_info  # noqa: SLF001 - the document itself is passed on
    return Asking(raw.operation, raw.fragments, info.variable_values, info.context.sent)


async def trusted_nodes(server: Server) -> Sequence[AskedNode]:
    """Return the nodes that are not suspended, by code; of others nothing is remembered."""
    async with server.db.read() as session:
        nodes = [AskedNode(*place) for place in await trusted_places(session)]
    codes = [node.code for node in nodes]
    server.asker.keep(codes)
    server.earlier.keep_of(codes)
    return nodes


def instant(value: datetime | None) -> Argument:
    """Return an instant as an argument of a node's field."""
    return Argument("DateTime", None if value is None else value.isoformat())


@strawberry.type
class FederatedQuery:
    """The registries of all nodes, asked as one."""

    @strawberry.field(
        description="Works of all collectives, by title; as they are published.",
        directives=[Cost(weight=10)],
        metadata=EACH_NODE,
    )
    async def works(
        self,
        info: Info,
        first: int,
        text: str = "",
        after: str | None = None,
        at: datetime | None = None,
        require: Require = Require.ANY,
        deadline_ms: int = DEADLINE_MS,
    ) -> FederatedConnection[Work]:
        """List those whose titles, creators or identifiers hold every word of a text.

        The order is that of titles, then of ids. Every node is asked, as any lab could ask it; one
        that does not answer within the deadline is named in `nodes`, and what it has comes `late`;
        what it answered to the same question within ten minutes is told in its place (STALE).
        Refused where fewer answer than `require` says (NODES_MISSING, BAD_DEADLINE, BAD_PAGE,
        BAD_CURSOR, OTHER_QUESTION, CURSOR_EXPIRED).
        """
        info.context.require()
        arguments = {"text": Argument("String!", text), "at": instant(at)}
        return await ask_all(
            info,
            Asked(
                "works", "Work", arguments, OnBehalfOf.SIGNED_IN, first, after, require, deadline_ms
            ),
        )

    @strawberry.field(
        description="Rightholders of all collectives, by name; for partners.",
        directives=[Cost(weight=10)],
        metadata=EACH_NODE,
    )
    async def rightholders(
        self,
        info: Info,
        first: int,
        text: str = "",
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
        require: Require = Require.ANY,
        deadline_ms: int = DEADLINE_MS,
    ) -> FederatedConnection[Rightholder]:
        """List those whose names hold every word of a text, the last word as a beginning.

        It is for who may ask a node the same. Otherwise as `works`.
        """
        info.context.require(*MAY_READ_HISTORIES)
        arguments = {
            "text": Argument("String!", text),
            "at": instant(at),
            "knownAt": instant(known_at),
        }
        return await ask_all(
            info,
            Asked(
                "rightholders",
                "Rightholder",
                arguments,
                OnBehalfOf.PARTNER,
                first,
                after,
                require,
                deadline_ms,
            ),
        )

    @strawberry.field(
        description="What sites publish about the use of their pages, at all collectives, by host."
    )
    async def reservations(
        self,
        info: Info,
        first: int,
        host: str | None = None,
        after: str | None = None,
        at: datetime | None = None,
        require: Require = Require.ANY,
        deadline_ms: int = DEADLINE_MS,
    ) -> FederatedConnection[Reservation]:
        """List sources of which rules are in force `at` an instant, now by default.

        What may be done with an address is `rights`: members reserve by other ways, too. Otherwise
        as `works`.
        """
        info.context.require()
        arguments = {"host": Argument("String", host), "at": instant(at)}
        return await ask_all(
            info,
            Asked(
                "reservations",
                "Reservation",
                arguments,
                OnBehalfOf.SIGNED_IN,
                first,
                after,
                require,
                deadline_ms,
                may_be_earlier=False,
            ),
        )
