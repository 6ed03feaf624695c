"""One work, looked up at the nodes that can have it: at the hub (decision 60)."""

from datetime import datetime
from typing import ClassVar, cast

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.errors import RefusalError
from federation.federated.asking import ERROR
from federation.federated.asking import Node as AskedNode
from federation.federated.listing import (
    Listing,
    Reply,
    deadline_seconds,
    require_replies,
)
from federation.federated.looking_up import Looked, look_up
from federation.federated.selections import Argument
from federation.federated.wire import DEADLINE_MS, OnBehalfOf
from federation.holdings.service import Age, Routed, whom_to_ask
from federation.identifiers.schemes import parse_identifier
from federation.schema.choices import Require
from federation.schema.context import Info
from federation.schema.costs import EACH_NODE
from federation.schema.federated import (
    NodeAnswer,
    instant,
    listing_of,
    trusted_nodes,
)
from federation.schema.splicing import Spliced
from federation.schema.work_types import Work
from federation.server import Server
from federation.trust.parties import get_party
from federation.values.ids import code_of


class OneOfTwoError(RefusalError):
    """A work is asked for by its id or by an identifier: one of the two."""

    code: ClassVar[str] = "ONE_OF_TWO"


@strawberry.type(description="How old a node's filter of identifiers is.")
class FilterAge:
    """A node, which of its filters the hub goes by, and of when that is."""

    node: str = strawberry.field(description="The node's code.")
    epoch: int = strawberry.field(description="Which of the node's filters it is, counted.")
    as_of: datetime = strawberry.field(
        description="Until when the node's works have no identifier that is not in it."
    )
    age_seconds: int = strawberry.field(description="How long ago that is, in seconds.")

    @classmethod
    def of(cls, age: Age, now: datetime) -> "FilterAge":
        """Show the age of a filter."""
        seconds = max(0, int((now - age.as_of).total_seconds()))
        return cls(node=age.node, epoch=age.epoch, as_of=age.as_of, age_seconds=seconds)


@strawberry.type(description="That no collective has a work, and as of when that is certain.")
class NotRepresented:
    """As of the oldest of the filters by which nodes were not asked."""

    as_of: datetime = strawberry.field(
        description="As of when: the instant of the oldest filter by which a node was not asked, "
        "or now, if all were asked."
    )
    age_seconds: int = strawberry.field(description="How long ago that is, in seconds.")
    node: str | None = strawberry.field(
        description="The code of the node whose filter it is; null if all were asked."
    )
    epoch: int | None = strawberry.field(
        description="Which of that node's filters it is, counted; null if all were asked."
    )
    filters: list[FilterAge] = strawberry.field(
        description="Every filter by which a node was not asked, by the nodes' codes."
    )


@strawberry.type(description="A work, from each of the collectives that have it.")
class WorkAnswer:
    """What the nodes that were asked have sent, and how certain it is that there is no more."""

    listing: strawberry.Private[Listing]
    looked: strawberry.Private[Looked]
    nodes: list[NodeAnswer] = strawberry.field(
        description="How each node that was asked has answered, by code."
    )
    skipped_by_index: int = strawberry.field(
        description="How many nodes were not asked, because by what they told the hub they never "
        "had the identifier."
    )
    complete: bool = strawberry.field(description="Whether every node that was asked has answered.")
    not_represented: NotRepresented | None = strawberry.field(
        description="That no collective has it; null if one does, or if that is not known."
    )

    @strawberry.field(
        description="The work, once from each collective that has it, by the collectives' codes."
    )
    def works(self, info: Info) -> list[Work]:
        """Pass on what the nodes sent."""
        number = self.listing.selection.things[str(info.path.key)]
        return cast("list[Work]", Spliced([shown[number] for shown in self.looked.found]))


@strawberry.type
class FederatedWorkQuery:
    """A work of any collective."""

    @strawberry.field(
        description="A work of any collective, by its id or an identifier.",
        directives=[Cost(weight=5)],
        metadata=EACH_NODE,
    )
    async def work(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        identifier: str | None = None,
        at: datetime | None = None,
        require: Require | None = None,
        deadline_ms: int = DEADLINE_MS,
    ) -> WorkAnswer:
        """Ask the one node of an id, or the nodes that can have an identifier.

        Nodes tell the hub in few bits which identifiers their works have or had; one that never had
        this one is not asked. One that told nothing, or not for an hour, is. Each is asked as any
        lab could ask it; otherwise as `works`. Refused where fewer of those asked answer than
        `require` says (NODES_MISSING, ONE_OF_TWO, BAD_ID, UNKNOWN_NODE, BAD_IDENTIFIER,
        BAD_DEADLINE).
        """
        info.context.require()
        server, seconds = info.context.server, deadline_seconds(deadline_ms)
        deadline = server.monotonic() + seconds
        nodes = {node.code: node for node in await trusted_nodes(server)}
        if (id is None) == (identifier is None):
            raise OneOfTwoError
        if id is not None:
            routed, arguments = await _by_id(server, id), {"id": Argument("ID", id)}
        else:
            plain = parse_identifier(identifier or "").text
            async with server.db.read() as session:
                routed = await whom_to_ask(
                    session, server.filters, list(nodes), plain, server.clock()
                )
            arguments = {"identifier": Argument("String", plain)}
        arguments["at"] = instant(at)
        listing = listing_of(
            info, "work", "Work", arguments, OnBehalfOf.SIGNED_IN, is_thing_needed=True
        )
        asked = [nodes[code] for code in routed.asked if code in nodes]
        server.quotas.take(info.context.asker, "graphql", max(1, len(asked)))
        looked = await _look_up(info, asked, listing, deadline)
        looked.replies.extend(_suspended(code) for code in routed.asked if code not in nodes)
        if require is not None:
            require_replies(looked.replies, require)
        now = server.clock()
        return WorkAnswer(
            listing=listing,
            looked=looked,
            nodes=[NodeAnswer.of(reply, now) for reply in looked.replies],
            skipped_by_index=len(routed.skipped),
            complete=looked.is_complete,
            not_represented=_not_represented(looked, routed.skipped, now),
        )


async def _by_id(server: Server, id: str) -> Routed:
    """Return the node of an id, `GB:W-17` (BAD_ID, UNKNOWN_NODE)."""
    code = code_of(id)
    async with server.db.read() as session:
        await get_party(session, code)
    return Routed([code], [])


async def _look_up(info: Info, asked: list[AskedNode], listing: Listing, deadline: float) -> Looked:
    server = info.context.server
    with server.asker.page_for(info.context.asker):
        return await look_up(
            server.asker,
            asked,
            listing,
            deadline=deadline,
            monotonic=server.monotonic,
            earlier=server.earlier,
        )


def _suspended(code: str) -> Reply:
    return Reply(code, ERROR, 0, "SUSPENDED", "it is suspended, and not asked")


def _not_represented(looked: Looked, skipped: list[Age], now: datetime) -> NotRepresented | None:
    """Say that nobody has a work, as of the oldest filter; None if that is not known."""
    if looked.found or not looked.is_complete:
        return None
    oldest = min(skipped, key=lambda age: (age.as_of, age.node), default=None)
    if oldest is None:
        return NotRepresented(as_of=now, age_seconds=0, node=None, epoch=None, filters=[])
    filters = [FilterAge.of(age, now) for age in sorted(skipped, key=lambda age: age.node)]
    shown = FilterAge.of(oldest, now)
    return NotRepresented(
        as_of=shown.as_of,
        age_seconds=shown.age_seconds,
        node=shown.node,
        epoch=shown.epoch,
        filters=filters,
    )
