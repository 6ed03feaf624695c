"""Disputes between collectives as one of them sees them: asked of the hub, at a node."""

from datetime import date
from typing import Any

import strawberry

from federation.addresses.urls import ClaimKey
from federation.disputes.rules import OutcomeKind, State
from federation.registry import edit_store
from federation.schema.context import Info
from federation.values.cursors import page_size
from federation.values.party import HUB
from federation.values.roles import MAY_READ_DISPUTES

_OF_THE_HUB = """query($first: Int!, $after: String) {
  disputes(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { id claim state outcome reason proposed agreed
      sides { party dueOn isDocumented agrees } } } } }"""


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


@strawberry.type(description="A page of disputes between collectives.")
class DisputesBetween:
    """As the hub answered; to a member those over its own claims."""

    items: list[DisputeBetween] = strawberry.field(description="The disputes, by number.")
    next: str | None = strawberry.field(
        description="What to give as `after` for the next page; null where this is the last."
    )


@strawberry.type
class DisputeBetweenQuery:
    """What the hub has of this collective's disputes with others."""

    @strawberry.field(description="Disputes of this collective with others, as the hub has them.")
    async def disputes_between(
        self, info: Info, first: int, after: str | None = None
    ) -> DisputesBetween:
        """Ask the hub; a member sees those over its own claims (BAD_PAGE, PEER_DOWN)."""
        member = info.context.whose(MAY_READ_DISPUTES)
        server = info.context.server
        asked = {"first": page_size(first), "after": after}
        answer = (await server.peers.graphql(HUB, _OF_THE_HUB, asked))["disputes"]
        found = [DisputeBetween.of(edge["node"]) for edge in answer["edges"]]
        if member is not None:
            async with server.db.read() as session:
                claims = await edit_store.known_claims_of(session, member)
            own = {ClaimKey(row.host, row.path, row.wildcard).text for row in claims}
            found = [one for one in found if one.claim in own]
        page = answer["pageInfo"]
        return DisputesBetween(items=found, next=page["endCursor"] if page["hasNextPage"] else None)
