"""FastAPI behind the ASGI gate on uvicorn: `python -m tests.site.stacks.fastapi_site FILE PORT`."""

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from tests.site.stacks.asgi import serve
from tests.site.stacks.pages import FILE, TEXT, page_of

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
site = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@site.api_route("/{path:path}", methods=METHODS)
def page(request: Request) -> Response:
    """Answer as README.md says."""
    status, parts, more = page_of(request.method, request.url.path)
    headers = {"X-Page": "yes", **dict(more)}
    if request.url.path.endswith("/file"):
        sent = FileResponse(FILE, 200, {"X-Page": "yes"}, TEXT, stat_result=FILE.stat())
        del sent.headers["etag"]
        return sent
    if len(parts) > 1:
        return StreamingResponse(iter(parts), status, headers, TEXT)
    return Response(b"".join(parts), status, headers, TEXT)


if __name__ == "__main__":
    serve(site)
