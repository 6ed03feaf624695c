"""Messages from other servers: each has its effect exactly once, in its sender's order."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from federation.edge.auth import known_peer, peek_issuer, peer_principal
from federation.errors import RefusalError
from federation.logs import get_logger
from federation.server import Server
from federation.store.outbox import accept
from federation.store.sessions import WriteSession
from federation.trust.keys import PublicKey
from federation.trust.principals import NotAllowedError, NotAuthenticatedError
from federation.values.party import HUB

MESSAGES_MAX = 200
BYTES_MAX = 64 * 1024 * 1024
log = get_logger("inbox")


class Envelope(msgspec.Struct, frozen=True):
    """One message with its number in the sender's order to this server."""

    sequence: int
    kind: str
    body: msgspec.Raw


class Delivered(msgspec.Struct, frozen=True):
    """What was taken: every message up to `up_to`; then why the next one was not."""

    up_to: int
    code: str | None = None
    message: str | None = None


class Sender(NamedTuple):
    """Who sends; the code is empty for one not yet admitted.

    Messages are numbered per key: before admission a name can be anybody's, a key only its
    holder's, so that nobody takes a number in the name of another.
    """

    entity_id: str
    code: str
    key_id: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message being handled: the open transaction, the sender's code and entity id."""

    session: WriteSession
    server: Server
    sender: str
    entity_id: str = ""


Handler = Callable[[Arrival, Any], Awaitable[None]]
Handlers = Mapping[str, tuple[type[msgspec.Struct], Handler]]
Introduce = Callable[[Server, list[Envelope]], PublicKey | None]
"""Returns the key by which a server introduces itself in its first message, if it may."""


async def receive(
    server: Server, handlers: Handlers, introduce: Introduce, authorization: str | None, body: bytes
) -> Delivered:
    """Handle a delivery of another server, message by message, each in a transaction of its own."""
    try:
        envelopes = msgspec.json.decode(body, type=list[Envelope])[:MESSAGES_MAX]
    except msgspec.MsgspecError as error:
        raise BadMessageError(str(error)) from error
    sender = await _sender(server, introduce, authorization, envelopes)
    up_to = 0
    for envelope in envelopes:
        try:
            await _handle(server, handlers, sender, envelope)
        except RefusalError as refusal:
            name, kind = sender.entity_id, envelope.kind
            log.warning("message refused", sender=name, kind=kind, code=refusal.code)
            return Delivered(up_to, refusal.code, refusal.message)
        up_to = envelope.sequence
    return Delivered(up_to)


async def _handle(server: Server, handlers: Handlers, sender: Sender, envelope: Envelope) -> None:
    if envelope.kind not in handlers:
        raise NotAuthenticatedError(f"no message of kind {envelope.kind!r} is taken here")
    shape, handler = handlers[envelope.kind]
    body = bytes(envelope.body)
    async with server.db.write(f"inbox.{envelope.kind}") as session:
        is_new = await accept(
            session,
            sender=sender.key_id,
            sequence=envelope.sequence,
            kind=envelope.kind,
            body=body,
            now=server.clock(),
        )
        if is_new:
            message = _decoded(body, shape)
            await handler(Arrival(session, server, sender.code, sender.entity_id), message)


class BadMessageError(RefusalError):
    """This message has not the form of its kind."""

    code = "BAD_MESSAGE"


def _decoded(body: bytes, shape: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.MsgspecError as error:
        raise BadMessageError(str(error)) from error


async def _sender(
    server: Server, introduce: Introduce, authorization: str | None, envelopes: list[Envelope]
) -> Sender:
    """Return who signed the call: an admitted server, or one that introduces itself."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticatedError
    issuer = peek_issuer(token)
    code, key = await known_peer(server, issuer) or ("", introduce(server, envelopes))
    if key is None:
        raise NotAuthenticatedError(f"{issuer} is not admitted")
    peer_principal(token, code, issuer, key, server.config.entity_id, server.clock())
    if server.code != HUB and code not in {HUB, ""}:  # "" is the hub that introduces itself
        raise NotAllowedError("only the hub sends messages to a node")
    return Sender(issuer, code, key.kid)
