"""A program's calls to a server: one function type, and its form over aiohttp."""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Final, NamedTuple

import aiohttp

from federation.errors import RefusalError

CALL_SECONDS_MAX: Final = 30
_ANSWER_BYTES_MAX: Final = 16 << 10


class UnreachableError(RefusalError):
    """The server did not answer."""

    code: ClassVar[str] = "UNREACHABLE"


class Call(NamedTuple):
    """One request to a server."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    answer_bytes_max: int = _ANSWER_BYTES_MAX


class Answer(NamedTuple):
    """What the server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Fetch = Callable[[Call], Awaitable[Answer]]


async def fetch(call: Call) -> Answer:
    """Call a server: no redirects, no proxy from the environment, bounded in time and size."""
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS_MAX)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.request(
                call.method,
                call.url,
                headers=call.headers,
                data=call.body or None,
                allow_redirects=False,
            ) as response,
        ):
            body = await _read(response, call.answer_bytes_max)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, body)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnreachableError(type(error).__name__) from error


async def _read(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            raise UnreachableError(f"the answer is longer than {bytes_max} bytes")
    return bytes(body)
