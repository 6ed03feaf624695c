"""Calls to the targets of webhooks: addresses that parties gave, of whom nothing is believed.

Resolved once per call and guarded, no redirect, no cookie, no proxy; of the answer the status
counts, and a little of its body is read so that a polite receiver is not cut off.
"""

import io
from collections.abc import Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from federation.messaging.addresses import TARGET_NAMES, GuardedResolver, Network, guarded_sockets
from federation.webhooks.attempts import Attempt, Outcome

SECONDS: Final = 15.0  # for all of an attempt
ANSWER_BYTES_MAX: Final = 4_096
_REDIRECT: Final = 3
_AGENT: Final = "federation-webhooks"


class Caller(Protocol):
    """What makes attempts."""

    async def call(self, attempt: Attempt) -> Outcome:
        """Make one, and say what came of it; never raises for what the other side does."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class WebhookCalls:
    """Makes attempts over connections that are kept for none of them."""

    def __init__(self, allowed: Sequence[Network], *, seconds: float = SECONDS) -> None:
        """`allowed`: networks that may be called although they are not public, by HTTP too."""
        self._allowed, self._seconds = allowed, seconds
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Close what is open; whoever leads again later calls again."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def call(self, attempt: Attempt) -> Outcome:
        """Send an event to its target, and say what came of it."""
        try:
            async with self._open(attempt.url).post(
                attempt.url,
                data=io.BytesIO(attempt.body),
                headers={**attempt.headers, "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                await response.content.read(ANSWER_BYTES_MAX)
        except TimeoutError:
            return Outcome(None, f"no answer within {self._seconds:g} seconds")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(None, f"{type(error).__name__}: {_reason(error)}")
        if response.status // 100 == _REDIRECT:
            return Outcome(response.status, "it redirects, which is not followed")
        return Outcome(response.status)

    def _open(self, url: str) -> aiohttp.ClientSession:
        """Return what calls https anywhere that is public, and plain HTTP only what is allowed."""
        is_public = urlsplit(url).scheme == "https"  # in any case, as aiohttp reads it
        if is_public not in self._sessions:
            self._sessions[is_public] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    force_close=True,
                    use_dns_cache=False,
                    resolver=GuardedResolver(self._allowed, public=is_public, names=TARGET_NAMES),
                    socket_factory=guarded_sockets(self._allowed, public=is_public),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[is_public]


def _reason(error: Exception) -> str:
    """Return why a call failed, without what the other side wrote into its answer."""
    is_ours = isinstance(error, aiohttp.ClientConnectorError | OSError)
    return str(error) if is_ours else "the answer cannot be read"
