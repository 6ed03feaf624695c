"""What other graphs may name of a node's (decision 65)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

import strawberry
from strawberry.federation.schema import FederationAny

from federation.schema.context import Info
from federation.schema.entities import Entity, SubgraphQuery, entities
from federation.schema.joining import Collective, find_collectives
from federation.schema.licences import Licence, find_licences
from federation.schema.members import Member, find_members
from federation.schema.rightholders import Rightholder, find_rightholders
from federation.schema.work_types import Work
from federation.schema.works import find_works

NodeEntity = Annotated[
    Collective | Licence | Member | Rightholder | Work,
    strawberry.union("_Entity", description="What other graphs may name by its key."),
]
KINDS: Final[Mapping[str, Entity]] = MappingProxyType(
    {
        "Collective": Entity("code", find_collectives),
        "Licence": Entity("number", find_licences),
        "Member": Entity("id", find_members),
        "Rightholder": Entity("id", find_rightholders),
        "Work": Entity("id", find_works),
    }
)


@strawberry.type
class NodeEntityQuery(SubgraphQuery):
    """A node as a subgraph of somebody's graph."""

    @strawberry.field(
        name="_entities", description="Things by their keys, for the routers of other graphs."
    )
    async def entities_(
        self, info: Info, representations: list[FederationAny]
    ) -> list[NodeEntity | None]:
        """Return each as its own field shows it, null where there is none for who asks.

        At most 100 are asked for at once (TOO_MANY_ENTITIES, BAD_REPRESENTATION).
        """
        return await entities(info, KINDS, representations)
