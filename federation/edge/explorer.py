"""The files of the page that a browser is shown at the GraphQL endpoint."""

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from federation.edge.doors import Doors
from federation.edge.files import NoSuchFileError
from federation.schema.explorer import FILES_PATH, files


def explorer_routes(doors: Doors) -> list[HTTPRouteHandler]:
    """Return the route of the files that the page needs; they are everybody's."""

    @get(FILES_PATH + "/{name:str}")
    async def file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        doors.stranger(request, "anonymous")
        found = files().get(name)
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

    return [file]
