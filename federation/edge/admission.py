"""The admission desk over HTTP: an applicant applies, and asks again for its answer.

The hub calls no applicant: the same request, signed with the applicant's key, brings what was
decided meanwhile.
"""

import msgspec

from federation.edge.http import decoded
from federation.messaging.addresses import require_callable
from federation.messaging.senders import peer_principal
from federation.server import Server, hub_config
from federation.signing.jose import check_times
from federation.signing.keys import InvalidKeyError, PublicKey
from federation.store.messages import KIB
from federation.trust import admission
from federation.trust import store as trust
from federation.trust.grants import sign_grant
from federation.trust.membership import Answer, Apply
from federation.trust.peeking import peek_claims, peek_issuer
from federation.trust.principals import NotAllowedError, NotAuthenticatedError

BYTES_MAX = 64 * KIB


def call_token(server: Server, authorization: str | None) -> str:
    """Return the token of a call, if it claims to be meant for this hub, now.

    The key to check it with comes in the body: this only keeps out, before the body is read, what
    would be refused anyway.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticatedError
    claims = peek_claims(token)
    if claims.get("aud") != server.config.entity_id:
        raise NotAuthenticatedError("the call is meant for another server")
    check_times(claims, server.clock())
    return token


async def apply(server: Server, token: str, body: bytes) -> Answer:
    """Take an application, or say where it stands.

    The call is signed with the key that the application names. Raises NotAuthenticatedError,
    InvitationError and what else `trust.admission.receive_application` refuses.
    """
    message = decoded(body, Apply)
    try:
        key = PublicKey.from_jwk(message.jwk)
    except InvalidKeyError as error:
        raise NotAuthenticatedError("the application names no key") from error
    if peek_issuer(token) != message.entity_id:
        raise NotAllowedError("who calls is not who applies")
    now = server.clock()
    keys = {key.kid: key}
    peer_principal(token, "", message.entity_id, keys, server.config.entity_id, now)
    await _require_callable_if_new(server, message, key.kid)
    async with server.db.write("admission.apply") as session:
        row = await admission.receive_application(
            session, message, key.kid, server.config.entity_id, now
        )
        state, reason = row.state, row.reason
        terms = await server.terms(session)
    if state != "ADMITTED":
        return msgspec.convert({"state": state, "reason": reason}, Answer)
    ring = await server.keys.current()
    grant = sign_grant(
        ring.federation,
        server.peer,
        terms,
        applicant=message.entity_id,
        now=now,
        former=ring.former(),
    )
    return Answer("ADMITTED", granted=grant)


async def _require_callable_if_new(server: Server, message: Apply, key_id: str) -> None:
    """Refuse an address that this hub would never call, before anything is kept."""
    async with server.db.read() as session:
        known = await trust.find_application(session, message.entity_id, key_id)
        await admission.require_invitation(session, message.invitation, known, server.clock())
    if known is None or known.url != message.url:
        await require_callable(message.url, hub_config(server).peer_networks)
