"""Where the licence servers are: `/olp/<node>/<member>` at the hub, `/olp/<member>` at a node."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Response, Router, post

from federation.edge.bodies import HttpRequest
from federation.edge.doors import Doors
from federation.edge.http import headers_of, json_response
from federation.errors import RefusalError
from federation.logs import get_logger
from federation.oauth.asked import INVALID_CLIENT, INVALID_REQUEST, OAuthError
from federation.oauth.olp import STATUSES, Olp, Place, Sells, encoded, told
from federation.oauth.routes import NO_STORE, refused
from federation.quotas import QuotaExceededError
from federation.values.party import HUB

AT_THE_HUB: Final = "/olp/{node:str}/{member:str}"
AT_A_NODE: Final = "/olp/{member:str}"
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="olp"'}
NO_KEYS: Final = "no encrypted assets are registered"
log = get_logger("olp")


def olp_routes(doors: Doors, sells: Sells) -> list[Any]:
    """Return the licence server of every member of a node; at the hub, of every node."""
    olp, server = Olp(doors, sells), doors.server

    @post("/token", status_code=200)
    async def token(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Sell a lab a token by the terms of a license.xml (RSL 1.0, OLP)."""
        return json_response(await olp.token(request, place(request)), headers=NO_STORE)

    @post("/introspect", status_code=200)
    async def introspect(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Say whether a token counts, and whether it opens an address (RSL 1.0, OLP)."""
        return json_response(await olp.introspect(request, place(request)), headers=NO_STORE)

    @post("/key", status_code=400)
    async def key(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Say that nothing is encrypted here (RSL 1.0, EMS)."""
        doors.stranger(request, "anonymous")
        return _error(INVALID_REQUEST, NO_KEYS)

    def place(request: HttpRequest) -> Place:
        asked = request.path_params
        return Place(asked.get("node", server.code), asked["member"])

    def answer(request: HttpRequest, refusal: RefusalError) -> Response[bytes]:
        if not isinstance(refusal, QuotaExceededError):  # what comes too often fills no log either
            why = refusal.why if isinstance(refusal, OAuthError) else refusal.message
            log.info("refused", path=request.url.path, why=why, address=doors.address(request))
        return _refused(request, refusal)

    path = AT_THE_HUB if server.code == HUB else AT_A_NODE
    return [
        Router(
            path,
            route_handlers=[token, introspect, key],
            exception_handlers={RefusalError: answer},
        )
    ]


def _refused(request: HttpRequest, refusal: RefusalError) -> Response[bytes]:
    """Answer a refusal in the words of RSL; who did not prove itself reads no reason."""
    found = told(refusal)
    if found is not None:
        return _error(*found, headers_of(refusal))
    if isinstance(refusal, OAuthError):
        is_client = refusal.error == INVALID_CLIENT
        return _error(refusal.error, "who asks is not known here" if is_client else "see RFC 6749")
    return refused(request, refusal)


def _error(error: str, description: str, headers: Mapping[str, str] = NO_STORE) -> Response[bytes]:
    return Response(
        encoded(error, description),
        media_type="application/json",
        status_code=STATUSES.get(error, 400),
        headers={**NO_STORE, **headers, **(CHALLENGE if error == INVALID_CLIENT else {})},
    )
