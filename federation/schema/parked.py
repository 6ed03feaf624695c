"""Messages of other servers that could not be handled: looked at, tried again, dropped by two."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from federation.errors import RefusalError
from federation.people import parked as rules
from federation.schema.choices import MessageState
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import row_number
from federation.schema.pages import Connection
from federation.store import inbox
from federation.store.sessions import ReadSession
from federation.store.tables import ParkedMessage as ParkedRow
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.roles import MAY_HANDLE_PARKED, MAY_READ_PARKED

BODY_SHOWN_MAX = 10_000  # characters


@strawberry.type(description="A message of another server that was taken and could not be handled.")
class ParkedMessage:
    """A message, why it was not handled (`code`, `reason`), and who proposed to drop it."""

    id: strawberry.ID
    sender: str
    stream: str
    sequence: int
    kind: str
    state: MessageState
    code: str
    reason: str
    attempts: int
    received_at: datetime
    body: str
    drop_proposed_by: str | None
    drop_reason: str | None

    @classmethod
    def of(cls, row: ParkedRow, begin: bytes) -> "ParkedMessage":
        """Show a parked message; of its body the first 10,000 characters, read from `begin`."""
        return cls(
            id=strawberry.ID(str(row.id)),
            sender=row.sender_code,
            stream=row.stream,
            sequence=row.sequence,
            kind=row.kind,
            state=MessageState(row.state),
            code=row.code,
            reason=row.reason,
            attempts=row.attempts,
            received_at=row.received_at,
            body=begin.decode("utf-8", "replace")[:BODY_SHOWN_MAX],
            drop_proposed_by=row.drop_proposed_by,
            drop_reason=row.drop_reason,
        )


_LIST = "parkedMessages"

ParkedResult = Annotated[ParkedMessage | Refused, strawberry.union("ParkedResult")]


@strawberry.type
class ParkedQuery:
    """Messages that wait for staff: on every server."""

    @strawberry.field(
        description="Messages that wait, oldest first: PARKED could not be handled, BEHIND waits "
        "for one before."
    )
    async def parked_messages(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[ParkedMessage]:
        """List what waits (BAD_PAGE, BAD_CURSOR)."""
        info.context.whose(MAY_READ_PARKED)
        size, key = page_size(first), key_of(_LIST, after, tuple[int])
        async with info.context.server.db.read() as session:
            rows = await inbox.parked(session, after=key[0] if key else 0, limit=size + 1)
            shown = await _shown(session, rows)
        return Connection.of(
            list(zip(rows, shown, strict=True)),
            size,
            lambda pair: cursor_of(_LIST, (pair[0].id,)),
            lambda pair: pair[1],
        )


@strawberry.type
class ParkedMutation:
    """What staff do with a parked message."""

    @strawberry.mutation(description="Have a parked message handled again, and those behind it.")
    async def retry_message(self, info: Info, message: strawberry.ID) -> ParkedResult:
        """Try again; refused again it stays parked (UNKNOWN_MESSAGE, MESSAGE_STATE)."""
        server = info.context.server
        try:
            info.context.require(*MAY_HANDLE_PARKED)
            await server.retry.message(_number(message))
        except RefusalError as refusal:
            return Refused.of(refusal)
        async with server.db.read() as session:
            [shown] = await _shown(session, [await inbox.get_parked(session, _number(message))])
            return shown

    @strawberry.mutation(description="Propose to drop a parked message; another person confirms.")
    async def propose_drop_message(
        self, info: Info, message: strawberry.ID, reason: str
    ) -> ParkedResult:
        """Propose, with a reason (UNKNOWN_MESSAGE, MESSAGE_STATE, REASON)."""

        async def act(at: Change) -> ParkedMessage:
            row = await rules.propose_drop(at.session, _number(message), reason, at.who)
            [shown] = await _shown(at.session, [row])
            return shown

        return await change(info, "inbox.propose_drop", MAY_HANDLE_PARKED, act)

    @strawberry.mutation(
        description="Drop a parked message for good; what waits behind it is handled."
    )
    async def confirm_drop_message(self, info: Info, message: strawberry.ID) -> ParkedResult:
        """Drop it as a second person (UNKNOWN_MESSAGE, SAME_PERSON, MESSAGE_STATE)."""
        streams: list[tuple[str, str]] = []

        async def act(at: Change) -> ParkedMessage:
            row = await rules.confirm_drop(at.session, _number(message), at.who, at.now)
            await info.context.server.retry.dropped(at.session, row)
            streams.append((row.sender, row.stream))
            [shown] = await _shown(at.session, [row])
            return shown

        result = await change(info, "inbox.drop", MAY_HANDLE_PARKED, act)
        for sender, stream in streams:
            await info.context.server.retry.stream(sender, stream)
        return result


async def _shown(session: ReadSession, rows: Sequence[ParkedRow]) -> list[ParkedMessage]:
    """Show parked messages; no more is read of their bodies than is shown."""
    begin = await inbox.beginnings(session, [row.id for row in rows], 4 * BODY_SHOWN_MAX)
    return [ParkedMessage.of(row, begin[row.id]) for row in rows]


def _number(text: str) -> int:
    number = row_number(text)
    if number is None:
        raise inbox.UnknownMessageError(text[:40])
    return number
