"""What waits on a server in GraphQL: why, whose turn it is, until when."""

import strawberry
from strawberry.federation.schema_directives import Cost

from federation.accounts.worklist import of_accounts
from federation.banking.worklist import of_banking
from federation.disputes.worklist import of_disputes, of_releases
from federation.people.worklist import of_people
from federation.proposals.worklist import of_proposals
from federation.releases.worklist import of_suspense
from federation.reservations.worklist import of_reservations
from federation.runs import worklist
from federation.schema.context import Info
from federation.treasury.worklist import of_payments
from federation.trust.worklist import of_messages, of_nodes
from federation.values.roles import (
    MAY_FOLLOW_THE_MONTH,
    MAY_KEEP_THE_REGISTRY,
    MAY_READ_APPLICATIONS,
    MAY_READ_BOOKS,
    MAY_READ_MEMBERS,
    MAY_READ_PEOPLE,
    MAY_READ_WORK_LIST,
    may_keep_disputes,
)
from federation.values.work_item import WorkItem as Item
from federation.webhooks.worklist import of_webhooks


@strawberry.type(description="What waits: why, whose turn it is (a role or a party), until when.")
class WorkItem:
    """Something that waits; `until` is an ISO date or instant, None where it is open."""

    kind: str
    subject: str
    why: str
    turn: str
    until: str | None


@strawberry.type
class WorkListQuery:
    """What waits, for whom: on every server."""

    @strawberry.field(
        description="Everything that waits here: why, whose turn, until when.",
        directives=[Cost(weight=5)],
    )
    async def work_list(self, info: Info) -> list[WorkItem]:
        """List what waits: of months, payments, held money, bank entries; of people; of messages.

        Registry officers see what is proposed of members, claims and works, which published
        reservations wait to end, and contested claims.
        Who runs the hub sees people and messages alone. Who runs a node sees months and payments
        too, but neither held money nor bank entries: it reads no books.
        """
        who = info.context.require(*MAY_READ_WORK_LIST.roles)
        server = info.context.server
        calendar = server.calendar
        async with server.db.read() as session:
            items: list[Item] = []
            if not who.roles.isdisjoint(MAY_FOLLOW_THE_MONTH.roles):
                items += await worklist.of_months(
                    session, server.code, calendar, server.clock(), server.failed_months
                )
                items += await of_payments(session, server.code, server.clock())
            if not who.roles.isdisjoint(MAY_READ_BOOKS.roles):
                items += await of_suspense(session, server.code)
                items += await of_banking(session, server.code)
            if not who.roles.isdisjoint(MAY_READ_PEOPLE.roles):
                items += await of_people(session, server.code)
                items += await of_accounts(session, server.code, server.clock())
            if not who.roles.isdisjoint(MAY_READ_MEMBERS.roles):
                items += await of_proposals(session, server.clock())
                items += await of_reservations(session)
            if not who.roles.isdisjoint({*may_keep_disputes(server.code), *MAY_READ_BOOKS.roles}):
                items += await of_disputes(session, server.code, server.clock())
            if not who.roles.isdisjoint(MAY_READ_BOOKS.roles):
                items += await of_releases(session, server.code)
            if who.roles & set(MAY_READ_WORK_LIST.roles) - set(MAY_KEEP_THE_REGISTRY):
                items += await of_messages(session, server.code)
                items += await of_webhooks(session)
            if not who.roles.isdisjoint(MAY_READ_APPLICATIONS.roles):
                items += await of_nodes(session)
        return [
            WorkItem(
                kind=item.kind,
                subject=item.subject,
                why=item.why,
                turn=item.turn,
                until=item.until.isoformat() if item.until else None,
            )
            for item in items
        ]
