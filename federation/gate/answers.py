"""How a refusal looks on the wire, and what answers under a licence carry, whatever the server."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from federation.errors import RefusalError
from federation.gate.refusals import PolicyUnavailableError, SiteRefusalError, standing
from federation.signing.jose import InvalidTokenError

Headers = Sequence[tuple[bytes, bytes]]
READING: Final = ("GET", "HEAD")
KEPT_BY_NOBODY: Final = (b"cache-control", b"private, no-store")
_VARIES: Final = ("Authorization", "X-Collective-License", "Signature", "User-Agent")
_REPLACED: Final = frozenset(
    {
        *(b"cache-control", b"expires", b"pragma", b"vary"),
        *(b"surrogate-control", b"edge-control", b"x-accel-expires"),
    }
)
_HANDING_OVER: Final = frozenset(
    {
        *(b"x-accel-redirect", b"x-sendfile", b"x-sendfile2", b"x-sendfile-temporary"),
        *(b"x-lighttpd-send-file", b"x-lighttpd-send-tempfile", b"x-litespeed-location"),
        *(b"x-reproxy-url", b"x-reproxy-file"),
    }
)
_TARGETED: Final = b"-cache-control"  # for caches of one kind, before Cache-Control (RFC 9213)
_URL_SAFE: Final = ":/?#[]@!$&'()*+,;=%~-._"
_LINKED: Final = frozenset({401, 402, 403})
_METHOD_NOT_ALLOWED: Final = 405
_PAYMENT_REQUIRED: Final = 402


class Response(NamedTuple):
    """A whole answer; header names are in lower case."""

    status: int
    headers: Headers
    body: bytes


def licensed(headers: Headers, link: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of an application's answer as a licensed crawler gets them.

    No cache keeps what one crawler paid for: what the application says of caches is replaced, and
    what its answer varies by is added to.
    """
    kept = [(name, value) for name, value in headers if not _is_replaced(name.lower())]
    varies = [value for name, value in headers if name.lower() == b"vary"]
    return [*kept, KEPT_BY_NOBODY, (b"vary", _varying(varies)), link_header(link)]


def hands_over(headers: Headers) -> bool:
    """Tell whether an answer has the server in front deliver another page in its place."""
    return any(name.lower() in _HANDING_OVER for name, _ in headers)


def _is_replaced(name: bytes) -> bool:
    return name in _REPLACED or name.endswith(_TARGETED)


VARIES: Final = ", ".join(_VARIES).encode("ascii")


def _varying(said: Sequence[bytes]) -> bytes:
    ours = {name.lower() for name in _VARIES}
    names = [name.strip() for value in said for name in value.decode("latin-1").split(",")]
    own = [name for name in dict.fromkeys(names) if name and name.lower() not in ours]
    return ", ".join((*own, *_VARIES)).encode("latin-1")


def link_header(url: str) -> tuple[bytes, bytes]:
    """Return the header that points to the site's machine-readable terms (RSL)."""
    target = quote(url, safe=_URL_SAFE)
    return b"link", f'<{target}>; rel="license"; type="application/rsl+xml"'.encode("ascii")


def observed(refusal: RefusalError) -> Headers:
    """Return what a site that only observes says of what it would have refused."""
    reason = refusal.code.lower().encode("ascii")
    return ((b"x-rsl-status", b"token_required"), (b"x-rsl-reason", reason))


def refusal_response(refusal: RefusalError, *, link: str | None, buy_at: str | None) -> Response:
    """Return a refusal: status and headers, then a short JSON body."""
    status, error = standing(refusal)
    body = msgspec.json.encode(
        {"error": error, "code": refusal.code, "detail": _told(refusal), "buy_at": buy_at}
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        KEPT_BY_NOBODY,
        (b"vary", _varying(())),
        (b"www-authenticate", _challenge(refusal, status, error)),
    ]
    if status in _LINKED and link is not None:
        headers.append(link_header(link))
    if status == _METHOD_NOT_ALLOWED:
        headers.append((b"allow", ", ".join(READING).encode("ascii")))
    if isinstance(refusal, SiteRefusalError) and refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode("ascii")))
    return Response(status, headers, body)


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
