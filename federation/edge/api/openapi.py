"""The document at `/openapi.json`: every operation with parameters, bodies, answers and errors."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct, convert, field

from federation.edge.doors import Doors
from federation.edge.http import json_response
from federation.values.party import HUB

At = Literal["hub", "node"]
Json = dict[str, Any]

JSON_TYPE: Final = "application/json"
_PARAMETER: Final = re.compile(r"{(\w+)}")
_MEANT: Final[Mapping[str, str]] = {
    "member": "The id of the member.",
    "name": "The name of the file, or the number of the document.",
    "node": "The code of the node.",
    "number": "The number of the list, from 0.",
    "path": "The path of the file.",
    "table": "members, works or optouts.",
    "version": "The number of the version.",
}
_SECURITY: Final[Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of a person, or of a client from /oauth/token.",
    },
    "server": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of 60 seconds that another server of the federation signed.",
    },
    "client": {
        "type": "http",
        "scheme": "basic",
        "description": "A client's id and secret; or a client_assertion in the body (RFC 7523).",
    },
}
_STATUSES: Final[Mapping[int, str]] = {
    200: "Done.",
    201: "Done.",
    304: "What was asked for is as it was (If-None-Match).",
    400: "The request cannot be read.",
    401: "Who asks is not known.",
    403: "Who asks may not.",
    404: "There is no such thing.",
    408: "The body did not come in time.",
    409: "It contradicts what is here.",
    410: "It was there, and is no more.",
    413: "The body is too large.",
    415: "The body is encoded in a way that is not known.",
    422: "What was sent is refused; nothing was kept.",
    429: "Too many requests: come again after Retry-After.",
    500: "A defect, by the id under which it was logged.",
    503: "The server cannot answer at the moment.",
}


class Operation(Struct, frozen=True, forbid_unknown_fields=True):
    """What one method of one path does, as `operations.toml` says it."""

    summary: str
    tag: str
    at: At | None = None
    who: Literal["anybody", "bearer", "server", "client"] = "anybody"
    takes: dict[str, dict[str, str]] = field(default_factory=dict)
    body: str | None = None
    shape: dict[str, str] = field(default_factory=dict)
    gives: dict[str, str] = field(default_factory=dict)
    fails: dict[str, list[str]] = field(default_factory=dict)
    errors: list[int] = field(default_factory=list)


@cache
def operations() -> Mapping[str, Mapping[str, Operation]]:
    """Return every operation by path and method."""
    text = (Path(__file__).parent / "operations.toml").read_text(encoding="utf-8")
    return convert(tomllib.loads(text), dict[str, dict[str, Operation]])


@cache
def document(role: At) -> Json:
    """Return the OpenAPI document of a hub or a node; made when it is first asked for."""
    paths: Json = {}
    for path, methods in sorted(operations().items()):
        for method, operation in methods.items():
            if operation.at in {None, role}:
                paths.setdefault(path, {})[method] = _operation(path, method, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Federation: a {role}, beside GraphQL",
            "version": version("federation"),
            "description": "What is asked over HTTP without GraphQL; /graphql is described by its "
            "own schema, and pages for browsers (/sign-in, /session) by themselves.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": _SECURITY,
            "schemas": {"Refusal": _REFUSAL, "ProtocolError": _PROTOCOL_ERROR},
        },
    }


_REFUSAL: Final[Json] = {
    "type": "object",
    "description": "Why nothing was done.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string", "description": "A code that stays: for programs."},
        "message": {"type": "string", "description": "A sentence for people."},
        "errors": {
            "type": "array",
            "description": "Of a table: every place that is wrong.",
            "items": {"type": "object"},
        },
    },
}
_PROTOCOL_ERROR: Final[Json] = {
    "type": "object",
    "description": "An error as OAuth 2.0 and OpenID Federation 1.0 write it.",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}


def _operation(path: str, method: str, said: Operation) -> Json:
    found: Json = {
        "operationId": f"{method}{_name(path)}",
        "summary": said.summary,
        "tags": [said.tag],
        "parameters": [*_in_path(path), *_elsewhere(said)],
        "responses": _responses(path, said),
    }
    if said.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {said.body: {"schema": _shape(said)}},
        }
    if said.who != "anybody":
        found["security"] = [{said.who: []}]
    return found


def _name(path: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"\w+", path))


def _in_path(path: str) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _MEANT[name],
            "schema": {"type": "integer", "minimum": 0} if name == "number" else {"type": "string"},
        }
        for name in _PARAMETER.findall(path)
    ]


def _elsewhere(said: Operation) -> list[Json]:
    return [
        {
            "name": name.rstrip("*"),
            "in": place,
            "required": name.endswith("*"),
            "description": text,
            "schema": {"type": "string"},
        }
        for place, names in said.takes.items()
        for name, text in names.items()
    ]


def _shape(said: Operation) -> Json:
    if not said.shape:
        is_json = said.body == JSON_TYPE
        return {"type": "object"} if is_json else {"type": "string"}
    return {
        "type": "object",
        "required": [name for name in said.shape if not name.endswith("?")],
        "properties": {name.rstrip("?"): {"type": kind} for name, kind in said.shape.items()},
    }


def _responses(path: str, said: Operation) -> Json:
    found: Json = {}
    for status, media_type in said.gives.items():
        found[status] = _answer(int(status), media_type)
    refused = _refusals(path, said)
    for status, codes in sorted(refused.items()):
        found.setdefault(status, _refused(int(status), "Refusal", codes))
    for error in said.errors:
        found[str(error)] = _refused(error, "ProtocolError", [])
    return dict(sorted(found.items()))


def _refusals(path: str, said: Operation) -> dict[str, list[str]]:
    """Return the codes by status: those of the operation, and those that everybody meets."""
    found = {status: list(codes) for status, codes in said.fails.items()}

    def also(status: int, *codes: str) -> None:
        found.setdefault(str(status), []).extend(codes)

    also(429, "TOO_MANY_REQUESTS")
    also(500, "UNEXPECTED")
    if said.who in {"bearer", "server"}:
        also(401, "NOT_AUTHENTICATED", "INVALID_TOKEN")
        also(403, "NOT_ALLOWED", "CROSS_SITE")
        also(400, "TWO_CREDENTIALS")
    if said.body is not None:
        also(408, "SLOW_BODY")
        also(413, "HTTP")
        also(415, "UNKNOWN_ENCODING")
        also(422, "BAD_BODY")
    if _PARAMETER.search(path) or said.takes:
        also(400, "BAD_TEXT", "HTTP")
        also(404, "HTTP")
    return found


def _answer(status: int, media_type: str) -> Json:
    answer: Json = {"description": _STATUSES[status]}
    if media_type:
        answer["content"] = {media_type: {}}
    return answer


def _refused(status: int, shape: str, codes: list[str]) -> Json:
    named = f" {', '.join(dict.fromkeys(codes))}." if codes else ""
    return {
        "description": f"{_STATUSES[status]}{named}",
        "content": {JSON_TYPE: {"schema": {"$ref": f"#/components/schemas/{shape}"}}},
    }


def openapi_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Return the route of the document; it is everybody's."""
    server = doors.server
    role: At = "hub" if server.code == HUB else "node"

    @get("/openapi.json")
    async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Say what can be asked here, in OpenAPI 3.1."""
        doors.stranger(request, "anonymous")
        return json_response({**document(role), "servers": [{"url": server.url}]})

    return [openapi]
