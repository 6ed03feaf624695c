"""GraphQL over HTTP: the one endpoint of a server, conforming where the stock controller is not.

Statuses follow graphql-http's audit (61 of 61 checks). A client that names the media type
`application/graphql-response+json` reads the outcome from the status; one that asks for plain
JSON gets 200 with `errors`, as the specification keeps it for older clients. Whatever is refused
before GraphQL was asked has the same shape, as `application/json`. A browser that comes without a
query is shown GraphiQL (`explorer.py`).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import msgspec
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData, process_result
from strawberry.litestar import make_graphql_controller
from strawberry.litestar.controller import GraphQLController, _context_getter_http
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult

from federation.errors import LaterError, RefusalError
from federation.federated.documents import DocumentNotKnownError, DocumentNotTrustedError
from federation.quotas import QuotaExceededError
from federation.schema import explorer
from federation.schema.guards import UNEXPECTED, present
from federation.store.failures import BUSY_SECONDS, DatabaseDownError
from federation.values.plain import require_plain, why_unread

BODY_BYTES_MAX = 512 * 1024
JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"

_CODES = {
    400: "BAD_REQUEST",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
_TIMEOUT, _TOO_MANY, _UNAVAILABLE = 408, 429, 503
_encode = msgspec.json.Encoder().encode
Shape = TypeVar("Shape")


ReadBody = Callable[[Request[Any, Any, Any], Any], AbstractAsyncContextManager[bytes]]
"""Gives the body of a request to whoever its context says asks; raises NotTakenError."""


class NotTakenError(Exception):
    """A request is refused before anything of it ran: the status, and the refusal."""

    def __init__(self, status: int, refusal: RefusalError) -> None:
        self.status, self.refusal = status, refusal
        super().__init__(refusal.message)


@asynccontextmanager
async def _whole_body(request: Request[Any, Any, Any], _: Any) -> AsyncGenerator[bytes]:
    """Give the body whoever asks, up to the limit of the controller."""
    yield await request.body()


class _Parameters(msgspec.Struct, rename="camel"):
    """What a request may say; anything else in it is ignored, as the specification asks."""

    query: str | None = None
    document_id: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class GraphQLOverHTTP(GraphQLController[Any, Any]):
    """Strawberry's controller with the statuses and media types of GraphQL over HTTP."""

    read_body: ReadBody = staticmethod(_whole_body)

    # No subscriptions, so no WebSocket door either.
    websocket_endpoint = None  # type: ignore[assignment]

    def encode_json(self, data: object) -> bytes:
        """Write an answer; `msgspec.Raw` inside it passes through byte for byte."""
        return _encode(data)

    def should_render_graphql_ide(self, request: object) -> bool:  # noqa: ARG002
        """Answer no: `execute_request` shows our own page, of our own files."""
        return False

    async def get_sub_response(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Return the response that the resolvers of this request may add headers to."""
        response: Response[Any] = request.state.graphql_response
        return response

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """Read the parameters of one operation; a list (a batch) is refused like any non-object."""
        if request.method == "POST" and _essence(request.content_type) != JSON:
            raise HTTPException(415, f"The body must be {JSON}.")
        try:
            said = _from_url(request) if request.method == "GET" else _from_body(request)
            query = _document(request, said)
            require_plain(said.variables, "variables")
            require_plain(said.extensions, "extensions")
        except DocumentNotKnownError as refusal:
            raise NotTakenError(404, refusal) from refusal
        except DocumentNotTrustedError as refusal:
            raise NotTakenError(403, refusal) from refusal
        except (ValueError, RecursionError, RefusalError) as error:
            raise HTTPException(400, f"The request cannot be read: {error}.") from error
        return GraphQLRequestData(query, said.variables, said.operation_name, said.extensions)

    async def process_result(
        self,
        request: Request[Any, Any, Any],  # noqa: ARG002
        result: ExecutionResult,
    ) -> GraphQLHTTPResponse:
        """Mask what an extension's own failure left unmasked; a request error has no `data`.

        A document that costs more than is left of a quota is answered as a request beyond it, and
        one of which the database kept everything from being answered as a request that comes later.
        """
        for error in result.errors or ():
            if error.path is None and isinstance(error.original_error, QuotaExceededError):
                raise NotTakenError(_TOO_MANY, error.original_error)
        if _is_down(result):
            raise NotTakenError(_UNAVAILABLE, DatabaseDownError(retry_after=BUSY_SECONDS))
        if result.errors:
            result.errors = [present(error) for error in result.errors]
        answer = process_result(result)
        if _is_request_error(result):
            del answer["data"]
        return answer

    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response[bytes],
    ) -> Response[bytes]:
        """Set the media type that was agreed and, where it carries the outcome, the status."""
        response = super().create_response(response_data, sub_response)
        response.media_type = sub_response.media_type
        if "data" not in response_data and sub_response.media_type == GRAPHQL_JSON:
            response.status_code = 500 if UNEXPECTED in _codes(response_data) else 400
        return response

    @get()
    async def handle_http_get(
        self, request: Request[Any, Any, Any], context: NamedDependency[Any]
    ) -> Response[Any]:
        """Answer a query, or a browser with GraphiQL; a mutation by GET is refused."""
        return await self.execute_request(request, context, None)

    @post(status_code=200)
    async def handle_http_post(
        self, request: Request[Any, Any, Any], context: NamedDependency[Any]
    ) -> Response[Any]:
        """Answer a query or carry out a mutation."""
        return await self.execute_request(request, context, None)

    async def execute_request(
        self, request: Request[Any, Any, Any], context: Any, root_value: Any
    ) -> Response[Any]:
        """Answer, or say in JSON why GraphQL was never asked."""
        try:
            if _is_browser(request):
                async with self.read_body(request, context):
                    return explorer.page()
            response: Response[Any] = Response({}, media_type=_negotiate(request))
            request.state.graphql_response = response
            context = await _context_getter_http(context, response, request)
            request.state.graphql_context = context
            async with self.read_body(request, context) as body:
                request.state.graphql_body = body
                return await self.run(request, context=context, root_value=root_value)
        except NotTakenError as refused:
            return _not_taken(refused)
        except RequestEntityTooLarge:
            return _refusal(413, "The body is too large.")
        except HTTPException as refused:
            wrong_method = isinstance(refused.__cause__, InvalidOperationTypeError)
            if wrong_method and request.method == "GET":
                return _refusal(405, refused.reason, {"Allow": "POST"})
            return _refusal(refused.status_code, refused.reason)


def graphql_controller(
    schema: BaseSchema,
    context_getter: Callable[..., Awaitable[Any]],
    read_body: ReadBody = _whole_body,
    *,
    path: str = "/graphql",
    body_bytes_max: int = BODY_BYTES_MAX,
) -> type[Controller]:
    """Build the controller of `schema`; `context_getter` is an async Litestar dependency.

    `read_body` reads what is sent once the context says who asks.
    """
    stock = make_graphql_controller(
        schema,
        path=path,
        graphql_ide=None,
        context_getter=context_getter,
        subscription_protocols=(),
    )
    members: dict[str, Any] = {
        "__doc__": GraphQLOverHTTP.__doc__,
        # One dependency instead of the stock five, of which one hops to a thread and back.
        "dependencies": {"context": Provide(context_getter)},
        "include_in_schema": False,
        "read_body": staticmethod(read_body),
        "request_max_body_size": body_bytes_max,
    }
    return type("GraphQLEndpoint", (GraphQLOverHTTP, stock), members)


def _is_browser(request: Request[Any, Any, Any]) -> bool:
    """Tell whether somebody wants to look at the schema: by GET, without a query, as HTML."""
    if request.method != "GET" or "query" in request.query_params:
        return False
    preferred = request.accept.best_match([JSON, GRAPHQL_JSON, explorer.HTML])
    return preferred == explorer.HTML


def _negotiate(request: Request[Any, Any, Any]) -> str:
    """Return the media type to answer with; plain JSON where the client does not care."""
    if not request.headers.get("accept"):
        return JSON
    agreed = request.accept.best_match([JSON, GRAPHQL_JSON])
    if agreed is None:
        raise HTTPException(406, f"This endpoint answers {GRAPHQL_JSON} or {JSON}.")
    return agreed


def _essence(content_type: str | None) -> str:
    """Return the media type without its parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


def _from_body(request: Any) -> _Parameters:
    body: bytes = request.request.state.graphql_body  # the adapter's, read before GraphQL ran
    return _read(body, _Parameters)


def _document(request: Any, said: _Parameters) -> str | None:
    """Return the document to run: as it was sent, or as its id names it."""
    find = getattr(request.request.state.graphql_context, "document", None)
    if find is None:
        return said.query
    found: str | None = find(said.document_id, said.query)
    return found


def _from_url(request: AsyncHTTPRequestAdapter) -> _Parameters:
    said: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        said[name] = _read(said[name].encode(), dict[str, Any]) if said.get(name) else None
    return msgspec.convert(said, _Parameters)


def _read(text: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(why_unread(text, error)) from error


def _is_request_error(result: ExecutionResult) -> bool:
    """Tell whether nothing was executed: no data, and no error that belongs to a field."""
    errors = result.errors or []
    return result.data is None and bool(errors) and all(error.path is None for error in errors)


def _is_down(result: ExecutionResult) -> bool:
    """Tell whether the database did not answer, and no root field has anything to say."""
    codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
    if DatabaseDownError.code not in codes:
        return False  # as of an answer about the schema, which is kept as it is written
    return all(value is None for value in (result.data or {}).values())


def _codes(answer: Any) -> list[object]:
    return [error.get("extensions", {}).get("code") for error in answer["errors"]]


def _not_taken(refused: NotTakenError) -> Response[Any]:
    """Say what was refused before the body was read, and when to come again."""
    refusal = refused.refusal
    headers = {"Connection": "close"} if refused.status == _TIMEOUT else {}
    if isinstance(refusal, LaterError):
        headers = {"Retry-After": str(refusal.retry_after)}
    code = _CODES.get(refused.status, refusal.code)
    return _refusal(refused.status, refusal.message, headers, code)


def _refusal(
    status: int, reason: str, headers: dict[str, str] | None = None, code: str = ""
) -> Response[Any]:
    code = code or _CODES.get(status, "BAD_REQUEST")
    error = {"message": reason, "extensions": {"code": code}}
    return Response({"errors": [error]}, status_code=status, media_type=JSON, headers=headers)
