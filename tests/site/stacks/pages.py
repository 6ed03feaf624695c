"""What the application of every stack in Python answers, as README.md says."""

from pathlib import Path

FILE = Path(__file__).with_name("page.txt")
TEXT = "text/plain; charset=utf-8"
Page = tuple[int, list[bytes], list[tuple[str, str]]]
PAGES: dict[str, Page] = {
    "nothing": (204, [], []),
    "missing": (404, [b"Nothing here.\n"], []),
    "broken": (500, [b"Broken.\n"], []),
    "empty": (200, [b""], []),
    "moved": (302, [], [("location", "/news/a")]),
    "stream": (200, [b"one\n", b"two\n", b"three\n"], []),
    "long": (200, [b"x" * 65536] * 256, []),
    "accel": (200, [b"A page.\n"], [("X-Accel-Redirect", "/kept/page")]),
    "accel-in-parts": (200, [b"A ", b"page", b".\n"], [("x-accel-redirect", "/kept/page")]),
    "sendfile": (200, [b"A page.\n"], [("X-Sendfile", "/srv/kept/page")]),
    "cached": (
        200,
        [b"A page.\n"],
        [
            ("cache-control", "public, max-age=60"),
            ("vary", "Accept-Encoding, authorization"),
            ("link", '</style.css>; rel="preload"'),
            ("cdn-cache-control", "max-age=60"),
            ("cloudflare-cdn-cache-control", "max-age=60"),
            ("surrogate-control", "max-age=60"),
            ("edge-control", "max-age=60"),
        ],
    ),
}


def page_of(method: str, path: str) -> Page:
    """Return status, parts of the body and further headers."""
    if method not in {"GET", "HEAD"}:
        return 200, [b"Done.\n"], []
    return PAGES.get(path.rpartition("/")[2], (200, [b"A page.\n"], []))
