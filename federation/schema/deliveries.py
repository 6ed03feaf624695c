"""Messages to other servers: how many wait, which streams are not taken, numbered anew."""

from typing import Annotated

import strawberry

from federation.people import deliveries as rules
from federation.schema.context import Change, Info, Refused, change
from federation.store import outbox
from federation.values.roles import MAY_HANDLE_PARKED, MAY_READ_DELIVERIES


@strawberry.type(description="Messages on their way to another server.")
class Delivery:
    """A server's entity id, and how many messages it has not taken yet."""

    target: str
    waiting: int


@strawberry.type(description="A stream of messages that another server did not take.")
class StreamNotTaken:
    """The number of the first message that waits, how many do, and why it was not taken."""

    target: str
    stream: str
    sequence: int
    waiting: int
    reason: str


@strawberry.type(description="A stream was numbered anew.")
class StreamRenumbered:
    """The number that its first message has now, and how many messages there are."""

    target: str
    stream: str
    sequence: int
    waiting: int


RenumberResult = Annotated[StreamRenumbered | Refused, strawberry.union("RenumberResult")]


@strawberry.type
class DeliveryQuery:
    """What is on its way: on every server."""

    @strawberry.field(description="Undelivered messages per target, for operators.")
    async def deliveries(self, info: Info) -> list[Delivery]:
        """List the servers that messages wait for; a server with none is left out."""
        info.context.whose(MAY_READ_DELIVERIES)
        async with info.context.server.db.read() as session:
            found = await outbox.targets_waiting(session)
        return [Delivery(target=target, waiting=count) for target, count in sorted(found.items())]

    @strawberry.field(
        description="Streams whose first message was not taken when it was last sent, the oldest "
        "100."
    )
    async def streams_not_taken(self, info: Info) -> list[StreamNotTaken]:
        """List streams with the reason of the last attempt."""
        info.context.whose(MAY_READ_DELIVERIES)
        async with info.context.server.db.read() as session:
            return [
                StreamNotTaken(
                    target=row.target,
                    stream=row.stream,
                    sequence=row.sequence,
                    waiting=count,
                    reason=row.last_error or "",
                )
                for row, count in await outbox.not_taken(session)
            ]


@strawberry.type
class DeliveryMutation:
    """What operators do where somebody else used the numbers of their messages."""

    @strawberry.mutation(
        description="Number what waits in a stream anew, from the number that its receiver "
        "expects next: it refused the first message with MESSAGE_CONFLICT, and said which."
    )
    async def renumber_stream(
        self, info: Info, target: str, stream: str, expected: int, reason: str
    ) -> RenumberResult:
        """Number anew, with a reason (NO_CONFLICT, REASON)."""

        async def act(at: Change) -> StreamRenumbered:
            count = await rules.renumber(
                at.session, target, stream, expected, reason=reason, who=at.who
            )
            return StreamRenumbered(target=target, stream=stream, sequence=expected, waiting=count)

        return await change(info, "outbox.renumber", MAY_HANDLE_PARKED, act)
