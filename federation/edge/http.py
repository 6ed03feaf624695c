"""Plain HTTP around the rules: answers and errors as JSON."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from federation.edge.encoding import BadBodyError
from federation.errors import LaterError, RefusalError
from federation.logs import get_logger
from federation.tabular import BadTableError
from federation.values.plain import TooDeepError, require_plain_json, why_unread

log = get_logger("http")

HttpRequest = Request[Any, Any, Any]
Shape = TypeVar("Shape")

STATUS = {
    "NOT_AUTHENTICATED": 401,
    "INVALID_TOKEN": 401,
    "BAD_SIGN_IN": 401,
    "CODE_NEEDED": 401,
    "BAD_CODE": 401,
    "BAD_SITE_CODE": 401,
    "UNKNOWN_IDENTITY": 401,
    "NOT_ALLOWED": 403,
    "METRICS_NOT_HERE": 403,
    "CROSS_SITE": 403,
    "SIGN_IN_OVER_HTTPS": 403,
    "TWO_CREDENTIALS": 400,
    "BAD_FORM": 400,
    "SIGN_IN_BUSY": 503,
    "PROVIDER_DOWN": 503,
    "BAD_IDEMPOTENCY_KEY": 400,
    "BATCH_TOO_LARGE": 413,
    "BANK_FILE_TOO_LARGE": 413,
    "UNKNOWN_ENCODING": 415,
    "SLOW_BODY": 408,
    "TOO_MANY_REQUESTS": 429,
    "BUSY": 503,
    "ANOTHER_VOICE": 409,
    "BAD_VOICE": 400,
    "SILENCED": 503,
    "DATABASE_DOWN": 503,
    "DATABASE_FULL": 503,
    "DEADLINE_OVER": 504,
    "MANY_CHANGES": 429,
    "BAD_TEXT": 400,
    "BAD_VISITS": 400,
    "TOO_MANY_VISIT_ROWS": 413,
    "TOO_DEEP": 400,
    "IDEMPOTENCY_CONFLICT": 409,
    "OTHER_FILE": 409,
    "IMPORT_RUNNING": 409,
    "IMPORTS_BUSY": 503,
    "UNKNOWN_IMPORT": 404,
    "BAD_IMPORT": 400,
    "UNKNOWN_FORMAT": 400,
    "NOT_SETTLED": 404,
    "NOT_ADMITTED": 409,
    "TRUST_OVER": 503,
    "TERMS_NOT_KNOWN": 503,
    "ENTITY_DOWN": 503,
    "UNKNOWN_MEMBER": 404,
    "UNKNOWN_SOURCE": 404,
    "BAD_HANDING_OVER": 400,
    "SOURCE_TOO_LARGE": 413,
    "NO_SUCH_FILE": 404,
    "NO_PAGE": 404,
    "LIST_GAP": 410,
    "BAD_PART": 400,
    "BAD_CURSOR": 400,
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
    """Return the body as a shape, or refuse what is not it (BAD_BODY, BAD_TEXT, TOO_DEEP)."""
    require_plain_json(body)
    try:
        return msgspec.json.decode(body, type=shape)
    except RecursionError as error:
        raise TooDeepError from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadBodyError(why_unread(body, error)) from error


def refusal_response(_: HttpRequest, refusal: RefusalError) -> Response[bytes]:
    """Answer a refusal: its code, its sentence, and for a table every row that is wrong."""
    body: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if isinstance(refusal, BadTableError):
        body["errors"] = [
            {"line": error.line, "column": error.column, "reason": error.reason}
            for error in refusal.errors
        ]
    return json_response(body, status_of(refusal), headers_of(refusal))


def status_of(refusal: RefusalError) -> int:
    """Return the HTTP status of a refusal by its code."""
    return STATUS.get(refusal.code, REFUSED_STATUS)


def headers_of(refusal: RefusalError) -> dict[str, str]:
    """Return when to come again, and that nothing more is read of a body that does not come."""
    if isinstance(refusal, LaterError):
        return {"Retry-After": str(refusal.retry_after)}
    return {"Connection": "close"} if refusal.code == "SLOW_BODY" else {}


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
