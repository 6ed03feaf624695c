"""The audit log in GraphQL: who did what to what, newest first."""

from datetime import datetime

import msgspec
import strawberry

from federation.people import audit, store, tables
from federation.schema.context import Info
from federation.schema.ids import word_if_any
from federation.schema.pages import Connection
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_READ_AUDIT_LOG

_LIST = "auditLog"


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


@strawberry.type
class AuditLogQuery:
    """What operators and auditors read of what people did: on every server."""

    @strawberry.field(description="Acts, newest first; of a subject or a word.")
    async def audit_log(
        self,
        info: Info,
        first: int = 100,
        after: str | None = None,
        subject: str | None = None,
        act: str | None = None,
    ) -> Connection[AuditAct]:
        """List acts, 1 to 100 a page (BAD_PAGE, BAD_CURSOR, UNKNOWN_CHOICE)."""
        info.context.whose(MAY_READ_AUDIT_LOG)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await store.acts(
                session,
                before=key[0] if key else None,
                subject=subject,
                act=word_if_any(act, audit.Act, "act"),
                limit=size + 1,
            )
        return Connection.of(rows, size, lambda row: cursor_of(_LIST, (row.number,)), AuditAct.of)
