"""How a refusal looks on the wire, and the pointer to the terms that answers carry."""

from typing import Any, Final
from urllib.parse import quote

import msgspec

from federation.errors import RefusalError
from federation.signing.jose import InvalidTokenError
from federation.site.refusals import PolicyUnavailableError, SiteRefusalError, standing

Message = dict[str, Any]
_URL_SAFE: Final = ":/?#[]@!$&'()*+,;=%~-._"
_LINKED: Final = frozenset({401, 402, 403})
READING: Final = ("GET", "HEAD")
_METHOD_NOT_ALLOWED: Final = 405
_PAYMENT_REQUIRED: Final = 402


def link_header(url: str) -> tuple[bytes, bytes]:
    """Return the header that points to the site's machine-readable terms (RSL)."""
    target = quote(url, safe=_URL_SAFE)
    return b"link", f'<{target}>; rel="license"; type="application/rsl+xml"'.encode("ascii")


def refusal_messages(
    refusal: RefusalError, *, link: str | None, buy_at: str | None
) -> tuple[Message, Message]:
    """Return the two ASGI messages of a refusal: status and headers, then a short JSON body."""
    status, error = standing(refusal)
    body = msgspec.json.encode(
        {"error": error, "code": refusal.code, "detail": _told(refusal), "buy_at": buy_at}
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"www-authenticate", _challenge(refusal, status, error)),
    ]
    if status in _LINKED and link is not None:
        headers.append(link_header(link))
    if status == _METHOD_NOT_ALLOWED:
        headers.append((b"allow", ", ".join(READING).encode("ascii")))
    if isinstance(refusal, SiteRefusalError) and refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode("ascii")))
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


def _told(refusal: RefusalError) -> str:
    """Return what a crawler reads. Why a token is none, or this site cannot tell, is in the log."""
    if isinstance(refusal, InvalidTokenError | PolicyUnavailableError):
        return refusal.headline
    return refusal.message


def _challenge(refusal: RefusalError, status: int, error: str) -> bytes:
    """Return the challenge. A description goes only where the error word says too little."""
    challenge = f'License error="{error}"'
    if status == _PAYMENT_REQUIRED:
        challenge += f', error_description="{refusal.headline}"'
    return challenge.encode("ascii")
