"""Lists over all nodes in GraphQL at one of them: for its staff, through the hub (decision 67)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import strawberry
from graphql import GraphQLObjectType, get_named_type

from federation.federated.asking import CallError, Node
from federation.federated.cursors import require_cursor
from federation.federated.listing import DEADLINE_MS_MIN, Listing, deadline_seconds
from federation.federated.selections import Argument, Asking, whole
from federation.federated.shapes import shapes_of
from federation.federated.through_hub import ask_hub, deadline_of_hub
from federation.federated.wire import DEADLINE_MS, OnBehalfOf
from federation.schema.choices import Require
from federation.schema.context import Info
from federation.schema.federated import FederatedConnection, instant
from federation.schema.reservations import Reservation
from federation.schema.rightholders import Rightholder
from federation.schema.splicing import Spliced
from federation.schema.work_types import Work
from federation.server import PeerDownError, node_config
from federation.values.cursors import page_size
from federation.values.party import HUB
from federation.values.roles import MAY_READ_MEMBERS


@dataclass(frozen=True, slots=True)
class AskedOfHub:
    """A list of the hub's, its own arguments, and a page of it."""

    field: str
    arguments: Mapping[str, Argument]
    on_behalf_of: OnBehalfOf
    first: int
    after: str | None
    require: Require
    deadline_ms: int


async def pass_on(info: Info, asked: AskedOfHub) -> Any:
    """Return the hub's answer as it came, for staff of this collective (PEER_DOWN).

    Other servers are not among them: what the hub asks of a node never comes back to the hub.
    """
    info.context.require(*MAY_READ_MEMBERS.staff)
    server, first = info.context.server, page_size(asked.first)
    seconds = deadline_seconds(asked.deadline_ms)
    require_cursor(asked.after)
    deadline = server.monotonic() + seconds
    raw = info._raw_info  # noqa: SLF001 - the document itself is passed on
    asking = Asking(raw.operation, raw.fragments, info.variable_values, info.context.sent)
    selection = whole(asking, raw.field_nodes)
    kind = cast("GraphQLObjectType", get_named_type(raw.return_type))
    page = {
        "first": Argument("Int!", first),
        "after": Argument("String", asked.after),
        "require": Argument("Require!", asked.require.value),
        "deadlineMs": Argument("Int!", deadline_of_hub(asked.deadline_ms, DEADLINE_MS_MIN)),
    }
    shapes = shapes_of(kind, selection, raw.fragments)
    arguments = {**asked.arguments, **page}
    listing = Listing(asked.field, arguments, selection, shapes, asked.on_behalf_of)
    hub = node_config(server).hub
    try:
        with server.asker.page_for(info.context.asker):
            found = await ask_hub(
                server.asker, Node(HUB, hub.entity_id, hub.url), listing, deadline=deadline
            )
    except CallError as error:
        raise PeerDownError(f"{HUB}: {error.code}, {error.message}") from error
    return Spliced(found)


@strawberry.type
class OfAllQuery:
    """The registries of all nodes as the hub answers, asked here; for staff."""

    @strawberry.field(description="Works of all collectives, by title, through the hub; for staff.")
    async def works_of_all(
        self,
        info: Info,
        first: int,
        text: str = "",
        after: str | None = None,
        at: datetime | None = None,
        require: Require = Require.ANY,
        deadline_ms: int = DEADLINE_MS,
    ) -> FederatedConnection[Work]:
        """Ask the hub what it answers to `works`: everybody's, as they are published.

        Refused as there, and where the hub gives no answer in time (PEER_DOWN).
        """
        arguments = {"text": Argument("String!", text), "at": instant(at)}
        asked = AskedOfHub(
            "works", arguments, OnBehalfOf.SIGNED_IN, first, after, require, deadline_ms
        )
        return cast("FederatedConnection[Work]", await pass_on(info, asked))

    @strawberry.field(
        description="Rightholders of all collectives, by name, through the hub; for staff."
    )
    async def rightholders_of_all(
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
        """Ask the hub what it answers a partner to `rightholders`. Otherwise as `worksOfAll`."""
        arguments = {
            "text": Argument("String!", text),
            "at": instant(at),
            "knownAt": instant(known_at),
        }
        asked = AskedOfHub(
            "rightholders", arguments, OnBehalfOf.PARTNER, first, after, require, deadline_ms
        )
        return cast("FederatedConnection[Rightholder]", await pass_on(info, asked))

    @strawberry.field(
        description="What sites publish about the use of their pages, at all collectives, by host, "
        "through the hub; for staff."
    )
    async def reservations_of_all(
        self,
        info: Info,
        first: int,
        host: str | None = None,
        after: str | None = None,
        at: datetime | None = None,
        require: Require = Require.ANY,
        deadline_ms: int = DEADLINE_MS,
    ) -> FederatedConnection[Reservation]:
        """Ask the hub what it answers to `reservations`. Otherwise as `worksOfAll`."""
        arguments = {"host": Argument("String", host), "at": instant(at)}
        asked = AskedOfHub(
            "reservations", arguments, OnBehalfOf.SIGNED_IN, first, after, require, deadline_ms
        )
        return cast("FederatedConnection[Reservation]", await pass_on(info, asked))
