"""Messages of other servers that could not be handled: looked at, tried again, dropped by two."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.errors import RefusalError
from federation.schema.context import Change, Info, Refused, change
from federation.store import inbox
from federation.store.tables import ParkedMessage as ParkedRow
from federation.trust.principals import require_other_person
from federation.values.reason import stated
from federation.values.roles import MAY_HANDLE_PARKED, MAY_READ_PARKED

BODY_SHOWN_MAX = 10_000  # characters


@strawberry.type(description="A message of another server that was taken and could not be handled.")
class ParkedMessage:
    """A parked message, its reason, and where it stands."""

    id: strawberry.ID
    sender: str
    stream: str
    sequence: int
    kind: str
    state: str
    code: str
    reason: str
    attempts: int
    received_at: datetime
    body: str
    drop_proposed_by: str | None
    drop_reason: str | None

    @classmethod
    def of(cls, row: ParkedRow) -> "ParkedMessage":
        """Show a row; a long body is shown in part."""
        return cls(
            id=strawberry.ID(str(row.id)),
            sender=row.sender_code,
            stream=row.stream,
            sequence=row.sequence,
            kind=row.kind,
            state=row.state,
            code=row.code,
            reason=row.reason,
            attempts=row.attempts,
            received_at=row.received_at,
            body=row.body[: 4 * BODY_SHOWN_MAX].decode("utf-8", "replace")[:BODY_SHOWN_MAX],
            drop_proposed_by=row.drop_proposed_by,
            drop_reason=row.drop_reason,
        )


ParkedResult = Annotated[ParkedMessage | Refused, strawberry.union("ParkedResult")]


@strawberry.type
class ParkedQuery:
    """What is parked here."""

    @strawberry.field(
        description="Messages that wait: PARKED could not be handled, BEHIND waits for one before."
    )
    async def parked_messages(
        self, info: Info, first: int, after: strawberry.ID | None = None
    ) -> list[ParkedMessage]:
        """List what waits, oldest first, at most 100 at a time."""
        info.context.whose(MAY_READ_PARKED)
        async with info.context.server.db.read() as session:
            rows = await inbox.parked(
                session, after=_number(after or "0"), limit=min(max(first, 1), 100)
            )
            return [ParkedMessage.of(row) for row in rows]


@strawberry.type
class ParkedMutation:
    """What staff do with a parked message."""

    @strawberry.mutation(description="Have a parked message handled again, and those behind it.")
    async def retry_message(self, info: Info, message: strawberry.ID) -> ParkedResult:
        """Try again; it stays parked with its new reason if it is refused again."""
        server = info.context.server
        try:
            info.context.require(*MAY_HANDLE_PARKED)
            await server.retry.message(_number(message))
        except RefusalError as refusal:
            return Refused.of(refusal)
        async with server.db.read() as session:
            return ParkedMessage.of(await inbox.get_parked(session, _number(message)))

    @strawberry.mutation(description="Propose to drop a parked message; another person confirms.")
    async def propose_drop_message(
        self, info: Info, message: strawberry.ID, reason: str
    ) -> ParkedResult:
        """Propose, with a reason."""

        async def act(at: Change) -> ParkedMessage:
            row = await inbox.get_parked(at.session, _number(message))
            inbox.propose_drop(row, stated(reason), who=at.who.subject)
            return ParkedMessage.of(row)

        return await change(info, "inbox.propose_drop", MAY_HANDLE_PARKED, act)

    @strawberry.mutation(
        description="Drop a parked message for good; what waits behind it is handled."
    )
    async def confirm_drop_message(self, info: Info, message: strawberry.ID) -> ParkedResult:
        """Drop, as another person than who proposed it."""
        streams: list[tuple[str, str]] = []

        async def act(at: Change) -> ParkedMessage:
            row = await inbox.get_parked(at.session, _number(message))
            require_other_person(row.drop_proposed_by, at.who.subject)
            inbox.drop(row, who=at.who.subject, now=at.now)
            streams.append((row.sender, row.stream))
            return ParkedMessage.of(row)

        result = await change(info, "inbox.drop", MAY_HANDLE_PARKED, act)
        for sender, stream in streams:
            await info.context.server.retry.stream(sender, stream)
        return result


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:  # noqa: PLR2004 - 64 bits
        raise inbox.UnknownMessageError(text[:40])
    return int(text)
