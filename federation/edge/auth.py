"""Who is asking: people and clients by tokens of this server, admitted servers by their own."""

import base64
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from federation.clients.proving import find_bearer
from federation.edge.people import standing
from federation.server import KnownPeer, Server
from federation.signing.client_tokens import ACCESS_TYP, check_access_token
from federation.signing.jose import TOKEN_BYTES_MAX
from federation.signing.keys import Keys
from federation.signing.tokens import check_server_token, check_staff_token
from federation.trust.key_life import Purpose
from federation.trust.parties import entity_keys, key_of
from federation.trust.principals import NotAuthenticatedError, Principal
from federation.trust.store import find_party_by_entity
from federation.values.roles import PEER

BEARER = "bearer "
PEER_SECONDS: Final = 2.0  # how old what is held of another server may be


async def authenticate(server: Server, authorization: str | None) -> Principal | None:
    """Return who asks, None for nobody, or refuse a token that is not good here."""
    if not authorization:
        return None
    if not authorization.lower().startswith(BEARER):
        raise NotAuthenticatedError("Authorization: Bearer <token>")
    token = authorization[len(BEARER) :].strip()
    issuer = peek_issuer(token)
    if issuer != server.config.entity_id:
        return await _peer(server, token, issuer)
    keys = await published_keys(server)
    if peek_type(token) == ACCESS_TYP:
        return await _client(server, token, keys)
    found = check_staff_token(token, keys=keys, server=issuer, now=server.clock())
    return await person(server, found.subject, found.role, token_of=found.issued_at)


async def published_keys(server: Server) -> Keys:
    """Return the public keys that this server's tokens are checked with, here and by others."""
    return (await server.keys.current()).published(Purpose.TOKEN, server.clock())


async def _client(server: Server, token: str, keys: Keys) -> Principal:
    """Accept a program of a lab, a site or a tool; what was revoked ends with the next request."""
    now = server.clock()
    found = check_access_token(token, keys=keys, server=server.config.entity_id, now=now)
    async with server.db.read() as session:
        client = await find_bearer(session, found, now)
    if client is None:
        raise NotAuthenticatedError("this client's token does not count any more")
    server.last_use.note(client.client_id, now)
    return Principal(client.client_id, frozenset({client.role}), client.party, is_program=True)


async def person(
    server: Server, subject: str, role: str, *, token_of: int | None = None
) -> Principal:
    """Return somebody of the directory in one of its roles, or refuse who does not hold it now.

    However somebody has signed in, this is the one way to a person: a role that was taken away
    ends with the next request, and so does a token of the second in which its person's were ended
    or of an earlier one.
    """
    known = await standing(server, subject)
    if role not in known.roles:
        raise NotAuthenticatedError("this person does not hold this role here")
    if token_of is not None and token_of <= known.tokens_until:
        raise NotAuthenticatedError("this person's tokens were ended")
    return Principal(subject, frozenset({role}), known.party)


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


async def _peer(server: Server, token: str, issuer: str) -> Principal:
    found = await known_peer(server, issuer, peek_key(token))
    if found is None:
        raise NotAuthenticatedError("unknown issuer")
    callee = server.config.entity_id
    return peer_principal(token, found.code, issuer, found.keys, callee, server.clock())


def peer_principal(
    token: str, code: str, issuer: str, keys: Keys, callee: str, now: datetime
) -> Principal:
    """Accept a call of another server, signed with a key of its own and meant for this one."""
    callers: Mapping[str, Keys] = {issuer: keys}
    check_server_token(token, callers=callers, callee=callee, now=now)
    return Principal(issuer, frozenset({PEER}), code)


def peek_issuer(token: str) -> str:
    """Read the issuer of a token nobody believes yet: only to choose the key to check with."""
    issuer = peek_claims(token).get("iss")
    if not isinstance(issuer, str):
        raise NotAuthenticatedError("not a token")
    return issuer


def peek_type(token: str) -> object:
    """Read of which type a token says it is that nobody believes yet."""
    return _peek(token, 0).get("typ")


def peek_key(token: str) -> str:
    """Read which key a token says it is signed with that nobody believes yet."""
    key_id = _peek(token, 0).get("kid")
    return key_id if isinstance(key_id, str) else ""


def peek_claims(token: str) -> dict[str, object]:
    """Read what a token claims that nobody believes yet."""
    return _peek(token, 1)


def _peek(token: str, segment: int) -> dict[str, object]:
    if len(token) > TOKEN_BYTES_MAX:
        raise NotAuthenticatedError("not a token")
    try:
        part = token.split(".")[segment]
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        return msgspec.json.decode(text, type=dict[str, object])
    except (ValueError, IndexError, RecursionError) as error:
        raise NotAuthenticatedError("not a token") from error
