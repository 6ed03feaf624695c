"""Disputes between collectives as one of them sees them: asked of the hub, at a node."""

from datetime import date
from typing import Any

import strawberry

from federation.addresses.urls import ClaimKey
from federation.disputes.rules import OutcomeKind, State
from federation.registry import edit_store
from federation.schema.context import Info
from federation.schema.pages import Connection, Edge, PageInfo
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.party import HUB
from federation.values.roles import MAY_READ_DISPUTES

_OF_THE_HUB = """query($first: Int!, $after: String) {
  disputes(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { cursor node { id claim state outcome reason proposed agreed
      sides { party dueOn isDocumented agrees } } } } }"""
_LIST = "disputesBetween"


@strawberry.type(description="A side of a dispute between collectives.")
class CollectiveSide:
    """A collective, until when it is to bring documents, and whether it agrees."""

    party: str
    due_on: date | None = strawberry.field(description="The last day for its documents.")
    is_documented: bool = strawberry.field(description="Whether it brought a document.")
    agrees: bool = strawberry.field(description="Whether it agrees to what is proposed.")


@strawberry.type(description="A dispute between this collective and others, as the hub has it.")
class DisputeBetween:
    """What the hub says of it; documents and consent reach the hub's staff by letter."""

    id: strawberry.ID = strawberry.field(description="Its number at the hub: D-000001.")
    claim: str = strawberry.field(description="The claim that it is over.")
    state: State = strawberry.field(description="Where it stands.")
    outcome: OutcomeKind | None = strawberry.field(description="How it ended.")
    reason: str
    proposed: str | None = strawberry.field(description="How it is proposed to end, as JSON.")
    agreed: str | None = strawberry.field(description="How it ended in full, as JSON.")
    sides: list[CollectiveSide] = strawberry.field(description="The collectives.")

    @classmethod
    def of(cls, said: dict[str, Any]) -> "DisputeBetween":
        """Read what the hub answered."""
        return cls(
            id=strawberry.ID(said["id"]),
            claim=said["claim"],
            state=State(said["state"]),
            outcome=OutcomeKind(said["outcome"]) if said["outcome"] else None,
            reason=said["reason"],
            proposed=said["proposed"],
            agreed=said["agreed"],
            sides=[
                CollectiveSide(
                    party=side["party"],
                    due_on=date.fromisoformat(side["dueOn"]) if side["dueOn"] else None,
                    is_documented=side["isDocumented"],
                    agrees=side["agrees"],
                )
                for side in said["sides"]
            ],
        )


@strawberry.type
class DisputeBetweenQuery:
    """What the hub has of this collective's disputes with others."""

    @strawberry.field(
        description="Disputes of this collective with others, as the hub has them, by number."
    )
    async def disputes_between(
        self, info: Info, first: int, after: str | None = None
    ) -> Connection[DisputeBetween]:
        """Ask the hub; a member sees those over its own claims (BAD_PAGE, BAD_CURSOR, PEER_DOWN).

        Its page may be short, even empty, and go on.
        """
        member = info.context.whose(MAY_READ_DISPUTES)
        server = info.context.server
        size, key = page_size(first), key_of(_LIST, after, tuple[str])
        asked = {"first": size, "after": key and key[0]}
        answer = (await server.peers.graphql(HUB, _OF_THE_HUB, asked))["disputes"]
        edges = [
            Edge(cursor=cursor_of(_LIST, (edge["cursor"],)), node=DisputeBetween.of(edge["node"]))
            for edge in answer["edges"]
        ]
        if member is not None:
            async with server.db.read() as session:
                claims = await edit_store.known_claims_of(session, member)
            own = {ClaimKey(row.host, row.path, row.wildcard).text for row in claims}
            edges = [edge for edge in edges if edge.node.claim in own]
        page = answer["pageInfo"]
        end = None if page["endCursor"] is None else cursor_of(_LIST, (page["endCursor"],))
        return Connection(
            edges=edges, page_info=PageInfo(has_next_page=page["hasNextPage"], end_cursor=end)
        )
