"""Messages from other servers: each is taken once, in the order of its stream.

What is refused, has not the form of its kind or breaks its handler is parked with its reason
(`store/inbox.py`): the rest of its stream waits behind it, everything else goes on.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from federation.errors import LaterError, RefusalError
from federation.logs import get_logger
from federation.messaging.senders import Sender
from federation.server import Server
from federation.store import inbox
from federation.store.messages import (
    KIB,
    LARGEST_BYTES,
    BadMessageError,
    Message,
    Stream,
    opened,
)
from federation.store.sessions import WriteSession
from federation.store.tables import ParkedMessage
from federation.values.plain import TooDeepError, why_unread

MESSAGES_MAX = 200
BYTES_MAX = LARGEST_BYTES + 64 * KIB  # one message, and what is around it
UNEXPECTED = "UNEXPECTED"
log = get_logger("inbox")


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message of a delivery as it was sent."""

    stream: Stream
    sequence: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    body: msgspec.Raw


_Envelopes = Annotated[list[_Envelope], Meta(max_length=MESSAGES_MAX)]  # or a voice alone


class Envelope(NamedTuple):
    """One message with its number in its stream from the sender to this server."""

    stream: str
    sequence: int
    kind: str
    body: bytes


class NotTaken(msgspec.Struct, frozen=True):
    """Why a stream was not taken further: the code and sentence of the refusal."""

    code: str
    message: str


class Delivered(msgspec.Struct, frozen=True):
    """What was taken: per stream every message up to a number; then why the next one was not."""

    up_to: dict[str, int]
    not_taken: dict[str, NotTaken] = {}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message being handled: the open transaction, the sender's code and entity id."""

    session: WriteSession
    server: Server
    sender: str
    entity_id: str = ""


Handler = Callable[[Arrival, Any], Awaitable[None]]
Handlers = Mapping[str, tuple[type[Message], Handler]]
OnDrop = Callable[[Arrival, ParkedMessage], Awaitable[None]]
"""What a server does where its staff drop a message of a kind unhandled."""


def handlers_of(pairs: Iterable[tuple[type[Message], Handler]]) -> Handlers:
    """Return handlers by the kind of their message; a kind is handled once (ValueError)."""
    found: dict[str, tuple[type[Message], Handler]] = {}
    for shape, handler in pairs:
        if shape.KIND in found:
            raise ValueError(f"{shape.KIND} has two handlers")
        found[shape.KIND] = (shape, handler)
    return found


def read_envelopes(body: bytes, handlers: Handlers) -> list[Envelope]:
    """Read a delivery; one that is malformed or holds a kind not taken here is refused whole.

    What is returned has its own bytes: the caller lets go of the delivery, so that a large message
    is not in memory twice while it is handled.
    """
    try:
        envelopes = msgspec.json.decode(body, type=_Envelopes)
    except RecursionError as error:
        raise TooDeepError from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadMessageError(why_unread(body, error)) from error
    for envelope in envelopes:
        if envelope.kind not in handlers:
            raise BadMessageError(f"no message of kind {envelope.kind!r} is taken here")
    return [Envelope(one.stream, one.sequence, one.kind, bytes(one.body)) for one in envelopes]


async def take(
    server: Server, handlers: Handlers, sender: Sender, envelopes: Sequence[Envelope]
) -> Delivered:
    """Take messages of an admitted server, each in a transaction of its own."""
    up_to: dict[str, int] = {}
    not_taken: dict[str, NotTaken] = {}
    for envelope in envelopes:
        if envelope.stream in not_taken:
            continue
        try:
            await _take_one(server, handlers, sender, envelope)
        except RefusalError as refusal:
            not_taken[envelope.stream] = NotTaken(refusal.code, refusal.message[:500])
            log.warning(
                "message not taken",
                sender=sender.entity_id,
                stream=envelope.stream,
                kind=envelope.kind,
                code=refusal.code,
            )
        else:
            up_to[envelope.stream] = envelope.sequence
    return Delivered(up_to, not_taken)


async def _take_one(server: Server, handlers: Handlers, sender: Sender, envelope: Envelope) -> None:
    """Handle a message, or park it; refuse only what is out of its order or too much."""
    body = envelope.body
    try:
        async with server.db.write(f"inbox.{envelope.kind}") as session:
            if not await _is_new(session, server, sender, envelope, body):
                return
            if await inbox.is_held_up(session, sender.key_id, envelope.stream):
                reason = "an earlier message of the stream is parked"
                row = _parked(server, sender, envelope, inbox.BEHIND, reason)
                await inbox.park(session, row, body)
                return
            arrival = Arrival(session, server, sender.code, sender.entity_id)
            await _handle(arrival, handlers, envelope.stream, envelope.kind, body)
            return
    except (inbox.OutOfOrderError, inbox.MessageConflictError, inbox.ParkedFullError, LaterError):
        raise
    except RefusalError as refusal:
        code, reason = refusal.code, refusal.message
    except Exception as defect:
        log.exception("message broke its handler", kind=envelope.kind, stream=envelope.stream)
        code, reason = UNEXPECTED, type(defect).__name__
    # The exception is gone by now, and with it what it held on to: the message as it was read.
    await _park(server, sender, envelope, body, code, reason)


async def _is_new(
    session: WriteSession, server: Server, sender: Sender, envelope: Envelope, body: bytes
) -> bool:
    return await inbox.accept(
        session,
        sender=sender.key_id,
        stream=envelope.stream,
        sequence=envelope.sequence,
        kind=envelope.kind,
        body=body,
        now=server.clock(),
    )


async def _handle(at: Arrival, handlers: Handlers, stream: str, kind: str, body: bytes) -> None:
    """Check a message whole, then let it have its effect."""
    shape, handler = handlers[kind]
    message = opened(body, shape)
    if message.stream != stream:
        raise BadMessageError(f"{kind} of the stream {message.stream} came in {stream}")
    await handler(at, message)
    await at.session.flush()


async def _park(
    server: Server, sender: Sender, envelope: Envelope, body: bytes, code: str, reason: str
) -> None:
    async with server.db.write("inbox.park") as session:
        if await _is_new(session, server, sender, envelope, body):
            row = _parked(server, sender, envelope, inbox.PARKED, reason, code)
            await inbox.park(session, row, body)
    log.warning(
        "message parked",
        sender=sender.code,
        stream=envelope.stream,
        code=code,
        reason=reason[:200],
    )


def _parked(
    server: Server,
    sender: Sender,
    envelope: Envelope,
    state: str,
    reason: str,
    code: str = "",
) -> ParkedMessage:
    return ParkedMessage(
        sender=sender.key_id,
        sender_code=sender.code,
        entity_id=sender.entity_id,
        stream=envelope.stream,
        sequence=envelope.sequence,
        kind=envelope.kind,
        state=state,
        code=code,
        reason=reason,
        received_at=server.clock(),
        attempts=1 if state == inbox.PARKED else 0,
    )


async def try_again(server: Server, handlers: Handlers, message_id: int) -> str:
    """Handle the first message that waits in its stream, then those behind it; return its state.

    Raises UnknownMessageError, or MessageStateError for one that waits behind another or is
    decided. A message that is refused again stays parked with its new reason.
    """
    async with server.db.read() as session:
        row = await inbox.get_parked(session, message_id)
        head = await inbox.head_of(session, row.sender, row.stream)
    if head is None or head.id != row.id:
        raise inbox.MessageStateError(f"{message_id} is {row.state}")
    state = await _again(server, handlers, row)
    if state == inbox.DONE:
        await go_on(server, handlers, row.sender, row.stream)
    return state


async def go_on(server: Server, handlers: Handlers, sender: str, stream: str) -> None:
    """Handle what waits in a stream whose parked head was handled or dropped, as far as it goes.

    What was handled or dropped is committed: that the server is too busy to go on is nobody's
    refusal. The stream's new head is tried as every other is (`parked.py`), also after a crash.
    """
    try:
        while True:
            async with server.db.read() as session:
                row = await inbox.head_of(session, sender, stream)
            if row is None or row.state != inbox.BEHIND:
                return
            if await _again(server, handlers, row) != inbox.DONE:
                return
    except LaterError as later:
        log.info("stream goes on later", sender=sender, stream=stream, code=later.code)


@dataclass(frozen=True, slots=True)
class Retries:
    """How staff have parked messages handled, with this server's handlers.

    `schema` stands below this room and reaches it by `server.retry`.
    """

    server: Server
    handlers: Handlers
    on_drop: Mapping[str, OnDrop] = field(default_factory=dict[str, OnDrop])

    async def message(self, message_id: int) -> str:
        """Handle a parked message again, and those behind it; return the state it came to."""
        return await try_again(self.server, self.handlers, message_id)

    async def stream(self, sender: str, stream: str) -> None:
        """Handle what waits behind a message that was dropped."""
        await go_on(self.server, self.handlers, sender, stream)

    async def dropped(self, session: WriteSession, row: ParkedMessage) -> None:
        """Do what follows where staff drop a message of this kind, in their transaction."""
        if row.kind in self.on_drop:
            arrival = Arrival(session, self.server, row.sender_code, row.entity_id)
            await self.on_drop[row.kind](arrival, row)


async def _again(server: Server, handlers: Handlers, row: ParkedMessage) -> str:
    try:
        async with server.db.write(f"inbox.{row.kind}") as session:
            again = await inbox.get_parked(session, row.id)
            if again.state not in inbox.OPEN:
                return again.state  # somebody else was faster
            arrival = Arrival(session, server, again.sender_code, again.entity_id)
            body = await inbox.body_of(session, again.id)
            await _handle(arrival, handlers, again.stream, again.kind, body)
            await inbox.done(session, again, now=server.clock())
    except LaterError:
        return row.state
    except RefusalError as refusal:
        return await _refused_again(server, row.id, refusal.code, refusal.message)
    except Exception as defect:
        log.exception("message broke its handler again", kind=row.kind, stream=row.stream)
        return await _refused_again(server, row.id, UNEXPECTED, type(defect).__name__)
    return inbox.DONE


async def _refused_again(server: Server, message_id: int, code: str, reason: str) -> str:
    async with server.db.write("inbox.park") as session:
        row = await inbox.get_parked(session, message_id)
        if row.state in inbox.OPEN:
            row.state, row.code, row.reason = inbox.PARKED, code, reason[:500]
            row.attempts += 1
        return row.state
