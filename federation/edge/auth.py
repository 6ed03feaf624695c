"""Who is asking: people and clients by tokens of this server, admitted servers by their own."""

from federation.clients.proving import find_bearer
from federation.edge.people import standing
from federation.messaging.senders import known_peer, peer_principal
from federation.server import Server
from federation.signing.client_tokens import ACCESS_TYP, check_access_token
from federation.signing.keys import Keys
from federation.signing.tokens import check_staff_token
from federation.trust.key_life import Purpose
from federation.trust.peeking import peek_issuer, peek_key, peek_type
from federation.trust.principals import NotAuthenticatedError, Principal

BEARER = "bearer "


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


async def _peer(server: Server, token: str, issuer: str) -> Principal:
    found = await known_peer(server, issuer, peek_key(token))
    if found is None:
        raise NotAuthenticatedError("unknown issuer")
    callee = server.config.entity_id
    return peer_principal(token, found.code, issuer, found.keys, callee, server.clock())
