"""Plain HTTP around the rules: errors as JSON, bodies with limits, who asks."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from federation.edge.auth import authenticate
from federation.edge.encoding import BadBodyError, BodyTooLargeError, decoder_for
from federation.errors import RefusalError
from federation.logs import get_logger
from federation.server import Server
from federation.tabular import BadTableError
from federation.trust.principals import NotAuthenticatedError, Principal

log = get_logger("http")

HttpRequest = Request[Any, Any, Any]
Shape = TypeVar("Shape")

STATUS = {
    "NOT_AUTHENTICATED": 401,
    "INVALID_TOKEN": 401,
    "NOT_ALLOWED": 403,
    "BAD_IDEMPOTENCY_KEY": 400,
    "BATCH_TOO_LARGE": 413,
    "UNKNOWN_ENCODING": 415,
    "IDEMPOTENCY_CONFLICT": 409,
    "NOT_SETTLED": 404,
    "NOT_ADMITTED": 409,
    "TRUST_OVER": 503,
    "UNKNOWN_MEMBER": 404,
    "NO_SUCH_FILE": 404,
    "UNKNOWN_DOCUMENT": 404,
}

REFUSED_STATUS = 422


def json_response(
    value: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response[bytes]:
    """Return a JSON answer of any value that msgspec can write."""
    return Response(
        msgspec.json.encode(value),
        media_type=MediaType.JSON,
        status_code=status,
        headers=headers or {},
    )


def decoded(body: bytes, shape: type[Shape]) -> Shape:
    """Return the body as a shape, or refuse what is not it (BAD_BODY)."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadBodyError(str(error)) from error


def refusal_response(_: HttpRequest, refusal: RefusalError) -> Response[bytes]:
    """Answer a refusal: its code, its sentence, and for a table every row that is wrong."""
    body: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if isinstance(refusal, BadTableError):
        body["errors"] = [
            {"line": error.line, "column": error.column, "reason": error.reason}
            for error in refusal.errors
        ]
    return json_response(body, STATUS.get(refusal.code, REFUSED_STATUS))


def http_response(_: HttpRequest, error: HTTPException) -> Response[bytes]:
    """Answer what the framework refuses: no such path, wrong method, a body too large."""
    body = {"code": "HTTP", "message": error.detail}
    return json_response(body, error.status_code, dict(error.headers or {}))


def defect_response(request: HttpRequest, error: Exception) -> Response[bytes]:
    """Log a defect with an id; the caller learns the id and nothing else."""
    name = secrets.token_hex(8)
    log.error("defect", id=name, path=request.url.path, exc_info=error)
    return json_response({"code": "UNEXPECTED", "message": f"Unexpected error {name}."}, 500)


EXCEPTION_HANDLERS: dict[type[Exception] | int, Callable[..., Response[Any]]] = {
    RefusalError: refusal_response,
    HTTPException: http_response,
    Exception: defect_response,
}


async def read_body(request: HttpRequest, limit: int) -> bytes:
    """Return the whole body, decoded, or refuse one beyond the limit before holding it.

    The limit holds for what is sent and for what it comes to: a small body that would unpack to a
    large one is refused where it passes the limit.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLargeError(f"at most {limit} bytes")
    decoder = decoder_for(request.headers.get("content-encoding", ""), limit)
    sent = 0
    async for chunk in request.stream():
        sent += len(chunk)
        if sent > limit:
            raise BodyTooLargeError(f"at most {limit} bytes")
        decoder.take(chunk)
    return decoder.whole()


async def who_asks(server: Server, request: HttpRequest, *roles: str) -> Principal:
    """Return who asks, holding one of the roles, or refuse."""
    who = await authenticate(server, request.headers.get("authorization"))
    if who is None:
        raise NotAuthenticatedError
    if roles:
        who.require(*roles)
    return who
