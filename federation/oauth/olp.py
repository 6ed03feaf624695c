"""RSL's Open Licence Protocol: the licence server of each member, at the hub and at its node.

A buyer proves itself here with the id and secret of its client, in `Authorization: Basic`. At a
node only that node's clients can: no secret of the hub's ever goes there, since every license.xml
names the hub's server.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from federation.addresses.urls import UrlKey, keys_of
from federation.clients.proving import NotTheClientError, look_up, prove_by_secret
from federation.clients.tables import Client
from federation.edge.auth import published_keys
from federation.edge.bodies import BodyLimit, HttpRequest
from federation.edge.doors import Doors
from federation.edge.forms import FORM
from federation.edge.http import decoded
from federation.errors import RefusalError
from federation.licensing.counter import Counter
from federation.logs import get_logger
from federation.oauth.answering import FAILED_COST
from federation.oauth.asked import (
    INVALID_CLIENT,
    INVALID_REQUEST,
    LATER,
    Asked,
    OAuthError,
    asked_of,
    check_head,
    read_asked,
)
from federation.rsl.words import MEDIA_TYPE
from federation.signing.bound_tokens import open_licence_token
from federation.signing.jose import InvalidTokenError
from federation.signing.tokens import LicenceToken
from federation.store.messages import KIB
from federation.tokens.introspection import address_of, standing_of
from federation.tokens.minting import Issuer
from federation.tokens.olp import Desk, meant_by, require_member, sell_token
from federation.trust.principals import Principal
from federation.values.plain import require_plain_text
from federation.values.roles import ClientKind

BODY: Final = BodyLimit(64 * KIB, seconds=10)
GRANT: Final = "client_credentials"
JSON: Final = "application/json"
TOKEN_TYPE: Final = "License"  # noqa: S105 - RSL's name of the scheme
INVALID_LICENSE, INVALID_RESOURCE = "invalid_license", "invalid_resource"
ERRORS: Final = {  # what a refusal of ours is called there
    "BAD_RSL": INVALID_LICENSE,
    "NOT_OFFERED": INVALID_LICENSE,
    "NOTHING_BOUGHT": INVALID_LICENSE,
    "LICENCE_STATUS": INVALID_LICENSE,
    "NODE_SUSPENDED": INVALID_RESOURCE,
    "BAD_RESOURCE": INVALID_RESOURCE,
    "NOT_ALLOWED": "unauthorized_client",
    "NOT_REGISTERED_YET": LATER,
    "PEER_DOWN": LATER,
}
STATUSES: Final = {INVALID_CLIENT: 401, "unauthorized_client": 403, LATER: 503}
Sells = Callable[[], Awaitable[Counter]]
"""Returns what the hub sells now; at a node as the hub said it last."""
log = get_logger("olp")


class OlpError(OAuthError):
    """A request to a licence server is refused.

    The caller reads `error` and, unlike at the other OAuth endpoints, `why` in words.
    """

    code: ClassVar[str] = "OLP"


class Place(NamedTuple):
    """Whose licence server is asked: a member, and its collective's code."""

    node: str
    member: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that proved itself, what it asks, and when."""

    client: Client
    asked: Asked
    now: datetime

    def need(self, name: str) -> str:
        """Return a parameter that has to be there."""
        found = self.asked.form.get(name)
        if not found:
            raise OlpError(INVALID_REQUEST, f"{name} is missing")
        return found


class Olp:
    """The licence servers of all members at one server."""

    def __init__(self, doors: Doors, sells: Sells) -> None:
        self._doors, self._server, self._sells = doors, doors.server, sells

    async def token(self, request: HttpRequest, place: Place) -> dict[str, Any]:
        """Give a lab a token for one use of an address of the member, by terms of its license.xml.

        `scope` is the use in the words of RSL, `uses` in ours.
        """
        caller = await self._caller(request, FORM)
        grant = caller.need("grant_type")
        if grant != GRANT:
            raise OlpError("unsupported_grant_type", f"only {GRANT}")
        if caller.asked.form.get("license_type", MEDIA_TYPE) != MEDIA_TYPE:
            raise OlpError(INVALID_REQUEST, f"license_type is {MEDIA_TYPE}")
        licence, resource = caller.need("license"), caller.need("resource")
        who = _buyer(caller.client)
        self._server.quotas.take(who.party or who.subject, "tokens")
        desk = await self._desk(place)
        async with self._server.db.read() as session:
            await require_member(session, desk, caller.now)
            meant = await meant_by(session, desk, resource, caller.now)
        desk = await self._knowing(desk, meant.keys.values())
        async with self._server.db.read() as session:
            sold = await sell_token(
                session, desk, who, licence=licence.encode(), meant=meant, now=caller.now
            )
        log.info("sold", client=who.subject, node=place.node, member=place.member)
        return {
            "access_token": sold.minted.token,
            "token_type": TOKEN_TYPE,
            "expires_in": sold.minted.seconds,
            "scope": sold.usage,
            "uses": [sold.use],
        }

    async def introspect(self, request: HttpRequest, place: Place) -> dict[str, Any]:
        """Say whether a token counts and opens an address of the member (RFC 7662)."""
        caller = await self._caller(request, FORM, JSON)
        text = caller.need("token")
        token = await self._own_token(text, caller.now)
        if token is None or not _may_ask(caller.client, token, place):
            return {"active": False}
        resource = caller.asked.form.get("resource")
        asked = keys_of([address_of(token, resource)])
        desk = await self._knowing(await self._desk(place), asked.values())
        async with self._server.db.read() as session:
            standing = await standing_of(session, desk, token, resource, caller.now)
        if standing is None:
            return {"active": False}
        found = {
            "active": True,
            "token_type": TOKEN_TYPE,
            "resource": standing.resource,
            "permitted": standing.reason is None,
        }
        if standing.licence is not None:
            found["license"] = standing.licence
        return found | _said(token, standing.reason)

    async def _caller(self, request: HttpRequest, *types: str) -> Caller:
        """Return who asks what; whoever guesses secrets waits as at the other endpoints."""
        quotas, address = self._server.quotas, self._doors.address(request)
        quotas.take(address, "oauth", FAILED_COST)
        require_plain_text(request.scope["path"], "path")
        media_type = check_head(request, types_taken=types)
        async with self._doors.body(request, address, BODY) as body:
            if media_type == JSON:
                asked = asked_of(request, _fields(body))
            else:
                asked = read_asked(request, body)
        now, shown = self._server.clock(), asked.presented
        if shown.method == "private_key_jwt":
            raise OAuthError(INVALID_CLIENT, "SECRETS_ONLY")
        async with self._server.db.read() as session:
            known = await look_up(session, shown.client_id)
        try:
            proven = prove_by_secret(known, shown.proof, self._server.pepper, now)
        except NotTheClientError as refusal:
            raise OAuthError(INVALID_CLIENT, refusal.detail) from refusal
        quotas.give_back(address, "oauth", FAILED_COST - 1)
        self._server.last_use.note(proven.client.client_id, now)
        return Caller(proven.client, asked, now)

    async def _desk(self, place: Place) -> Desk:
        server, counter = self._server, await self._sells()
        key = (await server.keys.current()).token
        issuer = Issuer(server.code, server.config.entity_id, server.hub_entity_id, key)
        return Desk(place.node, place.member, issuer, counter.uses, counter.buy_at)

    async def _knowing(self, desk: Desk, keys: Collection[UrlKey]) -> Desk:
        """Return a desk that knows what other collectives say of addresses (PEER_DOWN)."""
        return replace(desk, elsewhere=await self._server.elsewhere(keys))

    async def _own_token(self, text: str, now: datetime) -> LicenceToken | None:
        """Return a bearer token that this server signed and that is alive, else None."""
        server = self._server
        issuers = {server.config.entity_id: await published_keys(server)}
        try:
            found = open_licence_token(text, issuers=issuers, hub=server.hub_entity_id, now=now)
        except InvalidTokenError:
            return None
        return found if isinstance(found, LicenceToken) else None


def _fields(body: bytes) -> dict[str, str]:
    """Return the members of a JSON object, all of which are texts."""
    try:
        found = decoded(body, dict[str, str])
    except RefusalError as refusal:
        raise OAuthError(INVALID_REQUEST, refusal.code) from refusal
    return {name: value for name, value in found.items() if value}


def _buyer(client: Client) -> Principal:
    if client.kind != ClientKind.LAB:
        raise OlpError("unauthorized_client", "only the client of a lab buys")
    return Principal(client.client_id, frozenset({client.role}), client.party, is_program=True)


def _may_ask(client: Client, token: LicenceToken, place: Place) -> bool:
    """Tell whether a client learns of a token: its lab's, its own site's, or any for a tool."""
    match client.kind:
        case ClientKind.LAB:
            return client.party == token.licensee
        case ClientKind.SITE:
            return client.party == place.member
        case _:
            return True


def _said(token: LicenceToken, reason: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "client_id": token.licensee,
        "iss": token.issuer,
        "sub": token.licensee,
        "aud": list(token.audience),
        "iat": token.issued_at,
        "exp": token.expires_at,
        "jti": token.jti,
        "license_id": token.licence,
    }
    return found if reason is None else {**found, "reason": reason}


def told(refusal: RefusalError) -> tuple[str, str] | None:
    """Return the word of RSL and the sentence for a refusal; None for one without a word there."""
    if isinstance(refusal, OlpError):
        return refusal.error, refusal.why
    word = ERRORS.get(refusal.code)
    return None if word is None else (word, refusal.message)


def encoded(error: str, description: str) -> bytes:
    """Return an error as JSON; what RFC 6749 5.2 forbids in a description is left out."""
    plain = "".join(c for c in description if " " <= c <= "~" and c not in '"\\')
    return msgspec.json.encode({"error": error, "error_description": plain[:500]})
