"""Addresses of this server's own pages, as browsers are sent to them."""

from typing import Final
from urllib.parse import urlsplit

LENGTH_MAX: Final = 2_000


def own_path(said: str | None) -> str | None:
    r"""Return a path of this very server with its query, None for what leads anywhere else.

    `//host`, `/\host` and a control character, which browsers skip, would lead to another host.
    """
    if said is None or not said.startswith("/") or len(said) > LENGTH_MAX:
        return None
    if said[1:2] in {"/", "\\"} or "\\" in said or not said.isascii() or not said.isprintable():
        return None
    try:
        parts = urlsplit(said)
    except ValueError:
        return None
    return said if not parts.scheme and not parts.netloc else None
