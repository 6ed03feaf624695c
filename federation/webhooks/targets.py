"""Which URLs a webhook may have, as they are written; where they lead is looked at elsewhere."""

from typing import ClassVar
from urllib.parse import urlsplit

from federation.errors import RefusalError
from federation.webhooks.tables import URL_LENGTH_MAX


class BadTargetError(RefusalError):
    """A webhook is not told at such a URL."""

    code: ClassVar[str] = "BAD_WEBHOOK_URL"


def require_target(url: str) -> None:
    """Refuse what is no URL, names credentials or a fragment, or is too long (BAD_WEBHOOK_URL)."""
    if not 1 <= len(url) <= URL_LENGTH_MAX:
        raise BadTargetError(f"a URL has 1 to {URL_LENGTH_MAX} characters")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise BadTargetError("other characters than a URL has; a host is written as xn--")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadTargetError(str(error)[:80]) from error
    if parts.scheme not in {"https", "http"} or not host or port == 0:
        raise BadTargetError("https://host/path")
    if "@" in parts.netloc or "#" in url:
        raise BadTargetError("neither credentials nor a fragment")
