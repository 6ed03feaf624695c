"""What an application might make of an address: each reading is judged, the strictest decides."""

import re
from typing import Final
from urllib.parse import quote, unquote

from federation.addresses.urls import normalise_url

_PATH_SAFE: Final = "/:@!$&'()*+,;=~-._"


def plain_path(decoded: str) -> str:
    """Return a decoded path with only those escapes that no URL can do without."""
    return quote(decoded, safe=_PATH_SAFE, errors="replace")


def path_readings(written: str, decoded: str) -> tuple[str, ...]:
    """Return a path as written, with its escapes undone, and with doubled slashes merged."""
    return tuple(dict.fromkeys((written, decoded, re.sub("/+", "/", decoded))))


def readings(url: str) -> list[str]:
    """Return an http(s) address in each reading of its path, as written first, without its query.

    Raises MalformedUrlError for what is none.
    """
    normalise_url(url)
    scheme, _, rest = url.partition("://")
    host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    written = slash + path or "/"
    return [
        f"{scheme}://{host}{each}" for each in path_readings(written, plain_path(unquote(written)))
    ]
