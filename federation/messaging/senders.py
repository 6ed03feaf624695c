"""Which server calls: admitted ones, by tokens signed with a key of their own."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from federation.config import NodeConfig
from federation.server import KnownPeer, Server
from federation.signing.jose import InvalidTokenError, Reason
from federation.signing.keys import Keys
from federation.signing.tokens import check_server_token
from federation.trust.parties import entity_keys, key_of
from federation.trust.peeking import peek_issuer, peek_key
from federation.trust.principals import NotAllowedError, NotAuthenticatedError, Principal
from federation.trust.store import find_party_by_entity
from federation.values.party import HUB
from federation.values.roles import PEER

PEER_SECONDS: Final = 2.0  # how old what is held of another server may be


class Sender(NamedTuple):
    """An admitted server that sends; its messages are numbered under the key it began with."""

    entity_id: str
    code: str
    key_id: str


async def authenticate_sender(server: Server, authorization: str | None) -> Sender:
    """Return the admitted server that calls; at a node only the hub may.

    Raises NotAuthenticatedError or NotAllowedError. Nothing of the body is read before.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticatedError
    issuer = peek_issuer(token)
    known = await known_peer(server, issuer, peek_key(token))
    if known is None:
        if isinstance(server.config, NodeConfig) and issuer == server.config.hub.entity_id:
            server.knocked()
        raise NotAuthenticatedError(f"{issuer} is not admitted")
    try:
        peer_principal(
            token, known.code, issuer, known.keys, server.config.entity_id, server.clock()
        )
    except InvalidTokenError as refusal:
        if known.code == HUB and refusal.reason is Reason.KEY:
            server.knocked()  # its key may have changed
        raise
    server.counters.seen(known.code)
    if HUB not in {server.code, known.code}:
        raise NotAllowedError("only the hub sends messages to a node")
    return Sender(issuer, known.code, known.numbered_as)


async def known_peer(server: Server, issuer: str, key_id: str) -> KnownPeer | None:
    """Return an admitted server as its calls are checked, None for who is none.

    What is held is read again when it is seconds old, and at once where a call names a key
    (`key_id`) that is not held: servers change their keys.
    """
    held = server.known_peers.get(issuer)
    is_old = held is None or time.monotonic() > held.read_at + PEER_SECONDS
    if held is not None and not is_old and key_id in held.keys:
        return held
    read_at = time.monotonic()
    async with server.db.read() as session:
        party = await find_party_by_entity(session, issuer)
    if party is None:
        return None
    found = KnownPeer(party.code, entity_keys(party), key_of(party.jwk), read_at)
    server.known_peers[issuer] = found
    return found


def peer_principal(
    token: str, code: str, issuer: str, keys: Keys, callee: str, now: datetime
) -> Principal:
    """Accept a call of another server, signed with a key of its own and meant for this one."""
    callers: Mapping[str, Keys] = {issuer: keys}
    check_server_token(token, callers=callers, callee=callee, now=now)
    return Principal(issuer, frozenset({PEER}), code)
