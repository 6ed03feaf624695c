"""The files that pages in a browser need beside their HTML; they are everybody's."""

from collections.abc import Callable, Mapping
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from federation.edge.doors import Doors
from federation.edge.files import NoSuchFileError
from federation.schema.explorer import FILES_PATH, File, files


def explorer_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Return the route of the files that the page at the GraphQL endpoint needs."""
    return [file_route(doors, FILES_PATH, files)]


def file_route(
    doors: Doors, path: str, named: Callable[[], Mapping[str, File]]
) -> HTTPRouteHandler:
    """Return the route of files below a path, by name; a browser asks whether one has changed."""

    @get(path + "/{name:str}")
    async def file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        doors.stranger(request, "anonymous")
        found = named().get(name)
        if found is None:
            raise NoSuchFileError(name)
        headers = {
            "ETag": found.etag,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match") == found.etag:
            return Response(b"", status_code=304, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)

    return file
