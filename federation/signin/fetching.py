"""Calls to the provider: few bytes, few seconds, no redirect, no proxy of the environment."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import aiohttp
import msgspec

from federation.errors import LaterError

SECONDS_MAX: Final = 5.0
BYTES_MAX: Final = 256 * 1024
AGAIN_SECONDS: Final = 10
_STATUS_KNOWN: Final = frozenset({200, 400, 401})


class ProviderDownError(LaterError):
    """The provider at which you sign in does not answer as it should."""

    code: ClassVar[str] = "PROVIDER_DOWN"


async def fetched(
    url: str,
    *,
    form: str | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS_MAX,
) -> tuple[int, dict[str, Any]]:
    """Return status (200, 400 or 401) and JSON object of an answer; POST where there is a form.

    Anything else of an answer raises PROVIDER_DOWN, whose detail repeats nothing of it.
    """
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(trust_env=False, timeout=timeout) as http,
            http.request(
                "GET" if form is None else "POST",
                url,
                data=form,
                headers={"Accept": "application/json", **(headers or {})},
                allow_redirects=False,
            ) as response,
        ):
            body = await _bounded(response)
            status = response.status
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise ProviderDownError(type(error).__name__, retry_after=AGAIN_SECONDS) from error
    if status not in _STATUS_KNOWN:
        raise ProviderDownError(f"HTTP {status}", retry_after=AGAIN_SECONDS)
    try:
        return status, msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProviderDownError("no JSON object", retry_after=AGAIN_SECONDS) from error


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = list[bytes](), 0
    while chunk := await response.content.read(BYTES_MAX):
        size += len(chunk)
        if size > BYTES_MAX:
            raise ProviderDownError(f"more than {BYTES_MAX} bytes", retry_after=AGAIN_SECONDS)
        chunks.append(chunk)
    return b"".join(chunks)
