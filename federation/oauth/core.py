"""Authlib's OAuth 2 core, with our client authentication, our tokens and our errors.

The core is synchronous and reads no database: who asks and which token it asks about were looked up
before (`Exchange`), and what follows is written after it has answered. Its own token generator and
validators are not used: signing and checking have one door (`signing/jose.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import ClientCredentialsGrant, InvalidScopeError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from federation.clients.proving import (
    Known,
    NotTheClientError,
    Proven,
    prove_by_assertion,
    prove_by_secret,
)
from federation.oauth.asked import INVALID_REQUEST, Asked, OAuthError
from federation.server import Server
from federation.signing.client_tokens import ACCESS_SECONDS_MAX, AccessToken, mint_access_token
from federation.values.roles import CLIENT_ROLES, ClientKind

METHODS: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
SCOPES: Final = sorted(set(CLIENT_ROLES.values()))


@dataclass(slots=True)
class Exchange:
    """One request on its way through the core: what is known before it, what came of it."""

    server: Server
    asked: Asked
    known: Known
    now: datetime
    token: AccessToken | None = None  # the one asked about, if it still counts
    proven: Proven | None = None
    why: str = ""  # it was refused


@dataclass(frozen=True, slots=True)
class Answered:
    """What the core answers: a status and a JSON object."""

    status: int
    body: Mapping[str, Any]


class _Request(OAuth2Request):  # type: ignore[misc]
    """A request as the core sees it. Its address is the endpoint's, whatever `Host` says."""

    def __init__(self, uri: str, exchange: Exchange) -> None:
        super().__init__("POST", uri)
        self.payload = BasicOAuth2Payload(dict(exchange.asked.form))
        self.exchange = exchange

    @property
    def args(self) -> dict[str, str]:
        """Return the parameters of the query string: there are none."""
        return {}

    @property
    def form(self) -> dict[str, str]:
        """Return the parameters of the body."""
        return cast("dict[str, str]", self.payload.data)


class _Asker:
    """A client that proved itself, as the core asks about it."""

    def __init__(self, exchange: Exchange, proven: Proven) -> None:
        self.exchange, self.proven = exchange, proven

    @property
    def client_id(self) -> str:
        """Return its id."""
        return self.proven.client.client_id

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Any method that its credential allows is good at every endpoint."""
        del method, endpoint
        return True

    def check_grant_type(self, grant_type: str) -> bool:
        """Clients ask for themselves only: there is nobody behind them."""
        return bool(grant_type == ClientCredentialsGrant.GRANT_TYPE)


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    """RFC 6749 §4.4, for one resource (RFC 8707): this server."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_token_request(self) -> None:
        """Check who asks, then that the scope is its role and the resource this server."""
        super().validate_token_request()
        exchange: Exchange = self.request.exchange
        role, here = self.request.client.proven.client.role, exchange.server.config.entity_id
        form = exchange.asked.form
        if set(form.get("scope", role).split(" ")) != {role}:
            exchange.why = "NOT_ITS_SCOPE"
            raise InvalidScopeError
        if form.get("resource", here) != here:
            exchange.why = "OTHER_RESOURCE"
            raise OAuth2Error(error="invalid_target")


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """RFC 7662: a client asks about its own tokens, a tool about any client's."""

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: _Request, client: _Asker) -> AccessToken | None:
        """Return the token asked about, if it counts and this client may ask about it."""
        self.check_params(request, client)
        token = request.exchange.token
        if token is None or client.proven.client.kind == ClientKind.TOOL:
            return token
        return token if token.client_id == client.client_id else None

    def create_introspection_payload(self, token: AccessToken | None) -> dict[str, Any]:
        """Say what the token says; of one that does not count, only that."""
        if token is None:
            return {"active": False}
        return {
            "active": True,
            "scope": token.scope,
            "client_id": token.client_id,
            "sub": token.client_id,
            "token_type": "Bearer",
            "iss": self.server.issuer,
            "aud": self.server.issuer,
            "iat": token.issued_at,
            "exp": token.expires_at,
            "jti": token.jti,
        }


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009: a client gives a token of its own back. The caller writes it down."""

    CLIENT_AUTH_METHODS = METHODS

    def authenticate_token(self, request: _Request, client: _Asker) -> AccessToken | None:
        """Return the token to revoke; what is none, or none any more, needs no revoking."""
        self.check_params(request, client)
        token = request.exchange.token
        if token is not None and token.client_id != client.client_id:
            request.exchange.why = "ANOTHERS_TOKEN"
            raise OAuth2Error(error="invalid_grant")
        return token

    def revoke_token(self, token: AccessToken, request: _Request) -> None:
        """Leave it to the caller, who has the database."""


class Core(AuthorizationServer):  # type: ignore[misc]
    """The core of one server, for all its requests."""

    def __init__(self, issuer: str) -> None:
        super().__init__(scopes_supported=SCOPES)
        self.issuer = issuer
        self.register_grant(_Grant)
        self.register_endpoint(_Introspection)
        self.register_endpoint(_Revocation)
        for method in METHODS:
            self.register_client_auth_method(method, _method(method))
        self.register_token_generator("default", _generate)

    def answer(self, endpoint: str, uri: str, exchange: Exchange) -> Answered:
        """Answer a request to `token`, `introspection` or `revocation`."""
        request = _Request(uri, exchange)
        if endpoint == "token":
            if "grant_type" not in exchange.asked.form:
                raise OAuthError(INVALID_REQUEST, "NO_GRANT_TYPE")
            return cast("Answered", self.create_token_response(request))
        return cast("Answered", self.create_endpoint_response(endpoint, request))

    def query_client(self, client_id: str) -> None:
        """Know nobody: clients prove themselves by our methods, which were told who asks."""
        del client_id

    def save_token(self, token: Mapping[str, Any], request: _Request) -> None:
        """Keep no token: it is checked by its signature, its client and its credential."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Tell nobody."""

    def create_oauth2_request(self, request: _Request) -> _Request:
        """Return a request as it is."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answered:
        """Return status and body; headers are the door's."""
        del headers
        return Answered(status, dict(body))

    def handle_error_response(self, request: _Request, error: OAuth2Error) -> Answered:
        """Raise what the core refuses, without the reason it gives."""
        why = request.exchange.why or f"CORE_{error.error}".upper()
        raise OAuthError(error.error, why)


def _method(name: str) -> Any:
    """Return how the core authenticates a client by one method."""

    def authenticate(query_client: object, request: _Request) -> _Asker | None:
        del query_client
        exchange = request.exchange
        if exchange.asked.presented.method != name:
            return None
        try:
            exchange.proven = _proven(exchange)
        except NotTheClientError as refusal:
            exchange.why = refusal.detail
            return None
        return _Asker(exchange, exchange.proven)

    return authenticate


def _proven(exchange: Exchange) -> Proven:
    server, shown = exchange.server, exchange.asked.presented
    if shown.method == "private_key_jwt":
        return prove_by_assertion(
            exchange.known, shown.proof, server.config.entity_id, exchange.now
        )
    return prove_by_secret(exchange.known, shown.proof, server.pepper, exchange.now)


def _generate(client: _Asker, **_: Any) -> dict[str, Any]:
    """Mint what the core hands out (RFC 9068)."""
    server, found = client.exchange.server, client.proven
    token = mint_access_token(
        server.keys.held.token,
        server=server.config.entity_id,
        client_id=found.client.client_id,
        credential=found.credential.id,
        scope=found.client.role,
        now=client.exchange.now,
    )
    return {
        "token_type": "Bearer",
        "access_token": token,
        "expires_in": ACCESS_SECONDS_MAX,
        "scope": found.client.role,
    }
