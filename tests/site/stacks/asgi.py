"""The ASGI gate under uvicorn: `python -m tests.site.stacks.asgi CONFIG PORT`."""

import sys
from typing import Any

import uvicorn

from federation.site.install import protect
from tests.site.stacks.pages import TEXT, page_of


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer as README.md says."""
    if scope["type"] == "lifespan":
        for _ in ("startup", "shutdown"):
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
        return
    status, parts, more = page_of(scope["method"], scope["path"])
    headers = [("content-type", TEXT), ("x-page", "yes"), *more]
    if len(parts) < 2 and status != 204:
        headers.append(("content-length", str(len(b"".join(parts)))))
    sent = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    for part in parts[:-1]:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": parts[-1] if parts else b""})


def serve(site: Any) -> None:
    """Put the gate around a site, and serve until a signal comes."""
    gate = protect(site, sys.argv[1])
    uvicorn.run(gate, host="127.0.0.1", port=int(sys.argv[2]), lifespan="on", log_level="warning")


if __name__ == "__main__":
    serve(application)
