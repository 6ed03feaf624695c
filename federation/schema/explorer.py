"""GraphiQL, served to a browser that comes to the endpoint: a page of files that are ours.

No other host is asked for anything, and the page's policy would not let it. `tools/graphiql.py`
says where the files come from.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from litestar import MediaType, Response

_FOLDER: Final = Path(__file__).parent / "graphiql"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}
FILES_PATH: Final = "/graphql/files"
HTML: Final = "text/html"

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; "
        "font-src data:; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept",
}
_SCRIPTS: Final = ("react.js", "react-dom.js", "graphiql.js", "start.js")
PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>GraphiQL</title>'
    '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
    + "".join(
        f'<link rel="stylesheet" href="{FILES_PATH}/{name}">'
        for name in ("graphiql.css", "page.css")
    )
    + "".join(f'<script defer src="{FILES_PATH}/{name}"></script>' for name in _SCRIPTS)
    + '</head><body><div id="graphiql"><p>This page needs JavaScript. Without it, '
    "<code>federation schema hub</code> (or <code>node</code>) prints the schema.</p></div>"
    "</body></html>"
)


class File(NamedTuple):
    """A file that a page needs: what it says, its media type, and the name of what it says."""

    content: bytes
    media_type: str
    etag: str


def page() -> Response[bytes]:
    """Return the page."""
    return Response(PAGE.encode(), media_type=MediaType.HTML, headers=dict(HEADERS))


@cache
def files() -> Mapping[str, File]:
    """Return the files of the page by name."""
    return read_folder(_FOLDER)


def read_folder(folder: Path) -> Mapping[str, File]:
    """Return the files of a folder that pages need, by name."""
    found = {}
    for path in folder.iterdir():
        if path.suffix in _TYPES:
            content = path.read_bytes()
            etag = f'"{sha256(content).hexdigest()}"'
            found[path.name] = File(content, _TYPES[path.suffix], etag)
    return found
