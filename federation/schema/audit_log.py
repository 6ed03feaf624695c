"""The audit log in GraphQL: who did what to what, newest first."""

from datetime import datetime

import msgspec
import strawberry

from federation.people import audit, store, tables
from federation.schema.context import Info
from federation.schema.ids import number_of_row, word_if_any
from federation.values.roles import MAY_READ_AUDIT_LOG

PAGE_MAX = 100


@strawberry.type(description="A particular of an act.")
class ActDetail:
    """Its name and what it was: a reason, an amount, a version."""

    name: str
    value: str


@strawberry.type(description="What somebody did; `hash` commits to it and to every act before it.")
class AuditAct:
    """Who (`actor`) did what (`act`) to what (`subject`), when; it can never be changed."""

    number: strawberry.ID
    at: datetime
    actor: str
    act: str
    subject: str
    detail: list[ActDetail]
    previous: str
    hash: str

    @classmethod
    def of(cls, row: tables.AuditAct) -> "AuditAct":
        """Show an act."""
        detail = msgspec.json.decode(row.detail, type=dict[str, str])
        return cls(
            number=strawberry.ID(str(row.number)),
            at=row.at,
            actor=row.actor,
            act=row.act,
            subject=row.subject,
            detail=[ActDetail(name=name, value=value) for name, value in detail.items()],
            previous=row.previous,
            hash=row.hash,
        )


@strawberry.type(description="A page of the audit log.")
class AuditLog:
    """Acts, newest first; `next` is the `after` of older ones."""

    acts: list[AuditAct]
    next: strawberry.ID | None


@strawberry.type
class AuditLogQuery:
    """What operators and auditors read of what people did: on every server."""

    @strawberry.field(description="Acts, newest first, at most 100 a page; of a subject or a word.")
    async def audit_log(
        self,
        info: Info,
        first: int,
        after: strawberry.ID | None = None,
        subject: str | None = None,
        act: str | None = None,
    ) -> AuditLog:
        """List acts; `after` is the `next` of the page before (BAD_ID, UNKNOWN_CHOICE)."""
        info.context.whose(MAY_READ_AUDIT_LOG)
        limit = min(max(first, 1), PAGE_MAX)
        async with info.context.server.db.read() as session:
            rows = await store.acts(
                session,
                before=None if after is None else number_of_row(after),
                subject=subject,
                act=word_if_any(act, audit.Act, "act"),
                limit=limit + 1,
            )
        acts = [AuditAct.of(row) for row in rows[:limit]]
        return AuditLog(acts=acts, next=acts[-1].number if len(rows) > limit else None)
