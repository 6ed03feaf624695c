"""What the hub's people see and decide of admitted nodes: their changes, and suspensions."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.people import suspensions as decisions
from federation.people.suspensions import LIFT, SUSPEND
from federation.schema.choices import SuspensionAct, SuspensionState
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import row_number
from federation.schema.pages import Connection
from federation.trust import parties, store
from federation.trust.parties import entity_keys, former_keys
from federation.trust.tables import Party
from federation.trust.tables import Suspension as Row
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_ADMIT, MAY_READ_APPLICATIONS


@strawberry.type(description="A node as the hub knows it, and what is pending of it.")
class NodeEntity:
    """What a node says of itself as it was taken, and the address that is to be asked.

    Keys are named by their RFC 7638 thumbprints.
    """

    code: str
    entity_id: str
    url: str
    admitted_with: str
    keys: list[str]
    former_keys: list[str]
    stated_at: datetime | None
    moving_to: str | None
    moving_since: datetime | None
    moving_because: str | None
    suspended_at: datetime | None

    @classmethod
    def of(cls, row: Party) -> "NodeEntity":
        """Show a party."""
        return cls(
            code=row.code,
            entity_id=row.entity_id,
            url=row.url,
            admitted_with=parties.key_of(row.jwk),
            keys=sorted(entity_keys(row)),
            former_keys=list(former_keys(row)),
            stated_at=row.stated_at,
            moving_to=row.moving_to,
            moving_since=row.moving_since,
            moving_because=row.moving_because,
            suspended_at=row.suspended_at,
        )


@strawberry.type(description="A proposal to suspend a node, or to lift that, and what came of it.")
class Suspension:
    """`act` is SUSPEND or LIFT, `state` PROPOSED, DONE or WITHDRAWN."""

    id: strawberry.ID
    node: str
    act: SuspensionAct
    reason: str
    state: SuspensionState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: Row) -> "Suspension":
        """Show a row."""
        return cls(
            id=strawberry.ID(str(row.id)),
            node=row.code,
            act=SuspensionAct(row.act),
            reason=row.reason,
            state=SuspensionState(row.state),
            proposed_by=row.proposed_by,
            proposed_at=row.proposed_at,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
        )


_LIST = "suspensions"

SuspensionResult = Annotated[Suspension | Refused, strawberry.union("SuspensionResult")]


@strawberry.type
class NodeQuery:
    """What the hub's people read of nodes."""

    @strawberry.field(description="Every node: its address and keys, what is pending, suspended.")
    async def nodes(self, info: Info) -> list[NodeEntity]:
        """List the admitted nodes by code."""
        info.context.whose(MAY_READ_APPLICATIONS)
        async with info.context.server.db.read() as session:
            return [NodeEntity.of(row) for row in await store.node_parties(session)]

    @strawberry.field(description="Proposals about suspensions, newest first.")
    async def suspensions(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Suspension]:
        """List proposals (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_APPLICATIONS)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await store.suspensions(session, before=key[0] if key else None, limit=size + 1)
        return Connection.of(rows, size, lambda row: cursor_of(_LIST, (row.id,)), Suspension.of)


@strawberry.type
class NodeMutation:
    """How two operators of the hub suspend a node, and lift that."""

    @strawberry.mutation(
        description="Propose that the hub vouches for a node no more; another person confirms."
    )
    async def propose_suspension(self, info: Info, node: str, reason: str) -> SuspensionResult:
        """Propose it (UNKNOWN_NODE, SUSPENSION_STATE, REASON)."""
        return await _propose(info, node, SUSPEND, reason)

    @strawberry.mutation(
        description="Propose that the hub vouches for a node again; another person confirms."
    )
    async def propose_lifting(self, info: Info, node: str, reason: str) -> SuspensionResult:
        """Propose it (UNKNOWN_NODE, SUSPENSION_STATE, REASON)."""
        return await _propose(info, node, LIFT, reason)

    @strawberry.mutation(description="Confirm as another person: it counts at once.")
    async def confirm_suspension(self, info: Info, id: strawberry.ID) -> SuspensionResult:
        """Suspend, or lift (UNKNOWN_SUSPENSION, SAME_PERSON)."""

        async def act(at: Change) -> Suspension:
            number = row_number(id) or 0
            return Suspension.of(await decisions.confirm(at.session, number, at.who, at.now))

        return await change(info, "suspension.confirm", MAY_ADMIT, act)

    @strawberry.mutation(description="Take back a proposal about a suspension that waits.")
    async def withdraw_suspension(self, info: Info, id: strawberry.ID) -> SuspensionResult:
        """Withdraw it, whoever proposed it (UNKNOWN_SUSPENSION)."""

        async def act(at: Change) -> Suspension:
            number = row_number(id) or 0
            return Suspension.of(await decisions.withdraw(at.session, number, at.who, at.now))

        return await change(info, "suspension.withdraw", MAY_ADMIT, act)


async def _propose(info: Info, node: str, what: str, reason: str) -> Suspension | Refused:
    async def act(at: Change) -> Suspension:
        return Suspension.of(
            await decisions.propose(at.session, node, what, reason, at.who, at.now)
        )

    return await change(info, "suspension.propose", MAY_ADMIT, act)
