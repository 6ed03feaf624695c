"""Which crawlers came to a member's sites, served and refused, and how its gates do: at a node."""

from datetime import date, datetime

import strawberry

from federation.clients import tables as client_rows
from federation.schema.choices import CredentialState, GateMode
from federation.schema.context import Info
from federation.schema.pages import Connection
from federation.schema.scalars import BigInt
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_VISITS
from federation.visits import service, store
from federation.visits.store import VisitKey

_LIST = "visits"


@strawberry.type(description="Visits of one crawler with one outcome on one day (UTC).")
class Visits:
    """`outcome` is SERVED (counted as usage), NOT_COUNTED (no page), or why it was refused.

    `let_through`: the site only observes, and served what it would have refused.
    """

    day: date
    agent: str
    outcome: str
    let_through: bool
    count: BigInt

    @classmethod
    def of(cls, found: store.Visits) -> "Visits":
        """Show a sum over the sites of a member."""
        return cls(
            day=found.key.day,
            agent=found.key.agent,
            outcome=found.key.outcome,
            let_through=found.key.let_through,
            count=BigInt(found.visits),
        )


@strawberry.type(description="A program that guards a site of a member, as it last said of itself.")
class MemberSite:
    """What it said is null while it was never heard of; the credential where it has none.

    `policy_age_seconds` is how old the policy is by now that it worked with when it was heard of.
    `waiting_lines` were not handed in yet. `credential` is LIVE, ENDING (within 30 days), OVER or
    REVOKED.
    """

    site: str
    name: str | None
    heard_at: datetime | None
    kit: str | None
    mode: GateMode | None
    waiting_lines: BigInt | None
    policy_at: datetime | None
    policy_age_seconds: int | None
    credential: CredentialState | None
    credential_ends_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, found: service.Site, now: datetime) -> "MemberSite":
        """Show a site as it stands at an instant."""
        said, client = found.state, found.client
        policy_at = said.policy_at if said else None
        best = service.best_credential(found, now)
        credential = service.credential_state(found, now)
        return cls(
            site=found.name,
            name=client.name if client else None,
            heard_at=said.heard_at if said else None,
            kit=said.kit if said else None,
            mode=GateMode(said.mode) if said else None,
            waiting_lines=BigInt(said.waiting) if said else None,
            policy_at=policy_at,
            policy_age_seconds=int((now - policy_at).total_seconds()) if policy_at else None,
            credential=CredentialState(credential) if credential else None,
            credential_ends_at=_ends(best),
            last_used_at=client.last_used_at if client else None,
        )


def _ends(credential: client_rows.Credential | None) -> datetime | None:
    return credential.expires_at if credential else None


@strawberry.type(description="A day on which a member's sites and their node count differently.")
class VisitDifference:
    """`at_the_sites`: pages served, as gates counted; `at_the_node`: usage lines of that day."""

    day: date
    at_the_sites: BigInt
    at_the_node: BigInt

    @classmethod
    def of(cls, found: service.Difference) -> "VisitDifference":
        """Show a difference."""
        return cls(
            day=found.day,
            at_the_sites=BigInt(found.at_the_sites),
            at_the_node=BigInt(found.at_the_node),
        )


@strawberry.type
class VisitQuery:
    """What a publisher sees of its sites."""

    @strawberry.field(
        description="Visits of crawlers at a member's sites by day, agent and outcome: a member's "
        "own, or any for the registry. At most 400 days."
    )
    async def visits(
        self,
        info: Info,
        from_day: date,
        to_day: date,
        member: str | None = None,
        first: int = 100,
        after: str | None = None,
    ) -> Connection[Visits]:
        """List them (UNKNOWN_MEMBER, BAD_DAYS, BAD_PAGE, BAD_CURSOR)."""
        wanted = await info.context.whose_or_succeeded(MAY_READ_VISITS, member)
        size, key = page_size(first), key_of(_LIST, after, VisitKey)
        async with info.context.server.db.read() as session:
            found = await service.visits(
                session,
                wanted,
                from_day,
                to_day,
                after=key,
                limit=size + 1,
            )
        return Connection.of(found, size, lambda row: cursor_of(_LIST, row.key), Visits.of)

    @strawberry.field(
        description="A member's sites: when they were last heard of, their mode, the age of their "
        "policy, what they have not handed in yet, their credential."
    )
    async def member_sites(self, info: Info, member: str | None = None) -> list[MemberSite]:
        """List at most 100 programs and as many that are no clients (UNKNOWN_MEMBER)."""
        wanted = await info.context.whose_or_succeeded(MAY_READ_VISITS, member)
        server = info.context.server
        async with server.db.read() as session:
            found = await service.sites(session, wanted)
        return [MemberSite.of(each, server.clock()) for each in found]

    @strawberry.field(
        description="Days on which a member's sites served another number of pages than their node "
        "has usage lines of; empty where all agrees."
    )
    async def visit_differences(
        self, info: Info, from_day: date, to_day: date, member: str | None = None
    ) -> list[VisitDifference]:
        """List differences in the order of days, at most 400 (UNKNOWN_MEMBER, BAD_DAYS)."""
        wanted = await info.context.whose_or_succeeded(MAY_READ_VISITS, member)
        async with info.context.server.db.read() as session:
            found = await service.differences(session, wanted, from_day, to_day)
        return [VisitDifference.of(each) for each in found]
