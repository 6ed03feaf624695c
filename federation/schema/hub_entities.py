"""What other graphs may name of the hub's; works and rightholders are the nodes' (decision 65)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final, cast

import strawberry
from graphql import GraphQLObjectType
from strawberry.federation.schema import FederationAny

from federation.errors import RefusalError
from federation.federated.asking import Node as AskedNode
from federation.federated.entities import Wanted, look_up_entities
from federation.federated.listing import NodesMissingError
from federation.federated.selections import select_of_kind
from federation.federated.shapes import shapes_of
from federation.federated.wire import DEADLINE_MS, OnBehalfOf
from federation.schema.context import Info
from federation.schema.entities import Entity, SubgraphQuery, entities
from federation.schema.federated import asking_of, trusted_nodes
from federation.schema.joining import Collective, find_collectives
from federation.schema.licences import Licence, find_licences
from federation.schema.rightholders import Rightholder
from federation.schema.splicing import Spliced
from federation.schema.work_types import Work
from federation.server import Server
from federation.trust.parties import get_party
from federation.values.ids import code_of
from federation.values.roles import MAY_READ_HISTORIES

HubEntity = Annotated[
    Collective | Licence | Rightholder | Work,
    strawberry.union("_Entity", description="What other graphs may name by its key."),
]


async def find_works(info: Info, ids: Sequence[str]) -> dict[str, Any]:
    """Return {id: the work}, as it is published."""
    info.context.require()
    return await _at_the_nodes(info, "Work", OnBehalfOf.SIGNED_IN, ids)


async def find_rightholders(info: Info, ids: Sequence[str]) -> dict[str, Any]:
    """Return {id: the rightholder}, to who may ask a node the same."""
    info.context.require(*MAY_READ_HISTORIES)
    return await _at_the_nodes(info, "Rightholder", OnBehalfOf.PARTNER, ids)


KINDS: Final[Mapping[str, Entity]] = MappingProxyType(
    {
        "Collective": Entity("code", find_collectives),
        "Licence": Entity("number", find_licences),
        "Rightholder": Entity("id", find_rightholders),
        "Work": Entity("id", find_works),
    }
)


@strawberry.type
class HubEntityQuery(SubgraphQuery):
    """The hub as a subgraph of somebody's graph."""

    @strawberry.field(
        name="_entities", description="Things by their keys, for the routers of other graphs."
    )
    async def entities_(
        self, info: Info, representations: list[FederationAny]
    ) -> list[HubEntity | None]:
        """Return each as its own field shows it, null where there is none for who asks.

        At most 100 are asked for at once (TOO_MANY_ENTITIES, BAD_REPRESENTATION). Works and
        rightholders are asked of the nodes that their ids name (BAD_ID, UNKNOWN_NODE); those of a
        node that does not answer within a second are NODES_MISSING.
        """
        return await entities(info, KINDS, representations)


async def _at_the_nodes(
    info: Info, kind: str, on_behalf_of: OnBehalfOf, ids: Sequence[str]
) -> dict[str, Any]:
    """Ask each node that some ids name once, for all of them; what it sends is passed on."""
    server = info.context.server
    deadline = server.monotonic() + DEADLINE_MS / 1000
    nodes = {node.code: node for node in await trusted_nodes(server)}
    asked, found = await _by_node(server, nodes, ids)
    wanted, is_nothing_selected = _wanted(info, kind, on_behalf_of)
    with server.asker.page_for(info.context.asker):
        looked = await look_up_entities(server.asker, asked, wanted, deadline=deadline)
    for name, shown in looked.found.items():
        found[name] = Spliced({} if is_nothing_selected else shown)
    for node, error in looked.failed.items():
        refusal = NodesMissingError(f"{node.code} ({error.code})")
        found.update(dict.fromkeys(asked[node], refusal))
    return found


async def _by_node(
    server: Server, nodes: Mapping[str, AskedNode], ids: Sequence[str]
) -> tuple[dict[AskedNode, list[str]], dict[str, Any]]:
    """Return {node: the ids of its things}, and why others are of none that is asked."""
    asked, refused = dict[AskedNode, list[str]](), dict[str, Any]()
    for name in ids:
        try:
            node = nodes.get(code := code_of(name))
            if node is not None:
                asked.setdefault(node, []).append(name)
                continue
            async with server.db.read() as session:
                await get_party(session, code)
            refused[name] = NodesMissingError(f"{code} (SUSPENDED)")
        except RefusalError as refusal:
            refused[name] = refusal
    return asked, refused


def _wanted(info: Info, kind: str, on_behalf_of: OnBehalfOf) -> tuple[Wanted, bool]:
    """Return what is asked of things of a kind, and whether that is only whether they are there."""
    raw = info._raw_info  # noqa: SLF001 - the document itself is passed on
    selected = select_of_kind(asking_of(info), raw.field_nodes, kind)
    selection = selected if selected.below else selected.with_id()
    of = cast("GraphQLObjectType", raw.schema.type_map[kind])
    [shape] = shapes_of(of, selection, raw.fragments)
    return Wanted(kind, selection, shape, on_behalf_of), not selected.below
