"""The OAuth endpoints of hub and node: metadata, token, introspection, revocation."""

from typing import Any, Final

from litestar import Request, Response, Router, get, post

from federation.edge.bodies import HttpRequest
from federation.edge.doors import Doors
from federation.edge.http import headers_of, json_response, status_of
from federation.errors import LaterError, RefusalError
from federation.logs import get_logger
from federation.oauth.answering import Endpoint, Endpoints
from federation.oauth.asked import INVALID_CLIENT, INVALID_REQUEST, LATER, OAuthError
from federation.oauth.core import METHODS, SCOPES
from federation.quotas import QuotaExceededError
from federation.server import Server
from federation.signing.keys import ALGORITHM

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
log = get_logger("oauth")


def oauth_routes(doors: Doors) -> list[Any]:
    """Return the OAuth endpoints of a server."""
    endpoints = Endpoints(doors)

    @get("/.well-known/oauth-authorization-server")
    async def metadata() -> Response[bytes]:
        """What a client can do here (RFC 8414)."""
        return json_response(metadata_of(doors.server))

    @post("/token", status_code=200)
    async def token(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give a client that proves itself a token for an hour (RFC 6749 §4.4)."""
        return await answered(request, Endpoint.TOKEN)

    @post("/introspect", status_code=200)
    async def introspect(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Tell a client whether a token counts, and what it says (RFC 7662)."""
        return await answered(request, Endpoint.INTROSPECTION)

    @post("/revoke", status_code=200)
    async def revoke(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take a token back from its client: it counts no more (RFC 7009)."""
        return await answered(request, Endpoint.REVOCATION)

    async def answered(request: HttpRequest, endpoint: Endpoint) -> Response[bytes]:
        found = await endpoints.answer(request, endpoint)
        return json_response(found.body, found.status, NO_STORE)

    under = Router(
        "/oauth",
        route_handlers=[token, introspect, revoke],
        exception_handlers={RefusalError: _refused(doors)},
    )
    return [metadata, under]


def metadata_of(server: Server) -> dict[str, Any]:
    """Return what RFC 8414 has a server say of itself.

    Its issuer is its entity id: a stock client finds this document only where that is its URL.
    """
    found: dict[str, Any] = {
        "issuer": server.config.entity_id,
        "jwks_uri": f"{server.url}/.well-known/jwks.json",
        "scopes_supported": SCOPES,
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
    }
    for endpoint in Endpoint:
        found[f"{endpoint}_endpoint"] = endpoint.url(server)
        found[f"{endpoint}_endpoint_auth_methods_supported"] = METHODS
        found[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = [ALGORITHM]
    return found


def _refused(doors: Doors) -> Any:
    def answer(request: HttpRequest, refusal: RefusalError) -> Response[bytes]:
        why = refusal.why if isinstance(refusal, OAuthError) else refusal.code
        if not isinstance(refusal, QuotaExceededError):  # what comes too often fills no log either
            log.info("refused", path=request.url.path, why=why, address=doors.address(request))
        return refused(request, refusal)

    return answer


def refused(request: HttpRequest, refusal: RefusalError) -> Response[bytes]:
    """Answer a refusal as RFC 6749 §5.2 has it: one word, while the log gets the reason."""
    headers = {**NO_STORE, **headers_of(refusal)}
    if not isinstance(refusal, OAuthError):
        error = LATER if isinstance(refusal, LaterError) else INVALID_REQUEST
        return json_response({"error": error}, status_of(refusal), headers)
    status = 400
    if refusal.error == INVALID_CLIENT and "authorization" in request.headers:
        status = 401  # and how to do better (RFC 6749 §5.2); stock clients read only this then
        headers["WWW-Authenticate"] = f'Basic realm="oauth", error="{refusal.error}"'
    return json_response({"error": refusal.error}, status, headers)
