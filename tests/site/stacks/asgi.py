"""The ASGI gate under uvicorn: `python -m tests.site.stacks.asgi CONFIG PORT`."""

import sys
from typing import Any

import uvicorn

from federation.site.install import protect

PAGES: dict[str, tuple[int, list[bytes], list[tuple[str, str]]]] = {
    "nothing": (204, [], []),
    "missing": (404, [b"Nothing here.\n"], []),
    "broken": (500, [b"Broken.\n"], []),
    "empty": (200, [b""], []),
    "moved": (302, [], [("location", "/news/a")]),
    "stream": (200, [b"one\n", b"two\n", b"three\n"], []),
    "cached": (
        200,
        [b"A page.\n"],
        [
            ("cache-control", "public, max-age=60"),
            ("vary", "Accept-Encoding, authorization"),
            ("link", '</style.css>; rel="preload"'),
        ],
    ),
}
PAGE: tuple[int, list[bytes], list[tuple[str, str]]] = (200, [b"A page.\n"], [])
DONE: tuple[int, list[bytes], list[tuple[str, str]]] = (200, [b"Done.\n"], [])


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer as README.md says."""
    if scope["type"] == "lifespan":
        for _ in ("startup", "shutdown"):
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
        return
    is_read = scope["method"] in {"GET", "HEAD"}
    status, parts, more = PAGES.get(scope["path"].rpartition("/")[2], PAGE) if is_read else DONE
    headers = [("content-type", "text/plain; charset=utf-8"), ("x-page", "yes"), *more]
    if len(parts) < 2 and status != 204:
        headers.append(("content-length", str(len(b"".join(parts)))))
    sent = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """Serve until a signal comes."""
    gate = protect(application, sys.argv[1])
    uvicorn.run(gate, host="127.0.0.1", port=int(sys.argv[2]), lifespan="on", log_level="warning")


if __name__ == "__main__":
    main()
