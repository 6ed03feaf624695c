"""What waits on a server in GraphQL: why, whose turn it is, until when."""

import strawberry

from federation.banking.worklist import of_banking
from federation.payments.worklist import of_payments
from federation.runs import worklist
from federation.schema.context import Info
from federation.suspense.worklist import of_suspense
from federation.values.roles import MAY_FOLLOW_THE_MONTH


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

    @strawberry.field(description="Everything that waits here: why, whose turn, until when.")
    async def work_list(self, info: Info) -> list[WorkItem]:
        """List what waits: of months, payments, held money and bank entries."""
        info.context.whose(MAY_FOLLOW_THE_MONTH)
        server = info.context.server
        calendar = server.calendar
        async with server.db.read() as session:
            items = [
                *await worklist.of_months(session, server.code, calendar, server.clock()),
                *await of_payments(session, server.clock()),
                *await of_suspense(session, server.code),
                *await of_banking(session),
            ]
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
