"""Calls to other servers: signed for 60 seconds, with a deadline, over one aiohttp session."""

import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
import msgspec

from federation.clock import Clock
from federation.edge.addresses import GuardedResolver, Network, guarded_sockets
from federation.errors import answered
from federation.server import PeerDownError, PeerOlderError
from federation.signing.keys import SigningKey
from federation.signing.tokens import mint_server_token

QUERY_SECONDS = 3.0
DELIVERY_SECONDS = 60.0
INVALID_DOCUMENT = "INVALID_DOCUMENT"  # what a server says of a field that it does not know
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class PeerAnswerError(Exception):
    """Another server answered with an error; the text is its reason."""


Signer = Callable[[], SigningKey]
"""Returns the key a server calls others with."""

Find = Callable[[str], Awaitable[tuple[str, str] | None]]
"""Returns (entity id, URL) of an admitted party's code."""


async def _nobody(code: str) -> None:
    """Return no address: a client that was not told where the others are."""
    del code


def _refused(code: str, text: str) -> PeerDownError:
    kind = PeerOlderError if INVALID_DOCUMENT in text else PeerDownError
    return kind(f"{code}: {text}")


class PeerClient:
    """Speaks for one server; its composition root says in `find` where the others are."""

    def __init__(
        self,
        entity_id: str,
        key: Signer,
        clock: Clock,
        *,
        allowed: Sequence[Network] | None = None,
    ) -> None:
        """`allowed`: networks beside the public ones; None where addresses are the operator's."""
        self._entity_id, self._key, self._clock = entity_id, key, clock
        self._allowed = allowed
        self._session: aiohttp.ClientSession | None = None
        self.find: Find = _nobody

    async def close(self) -> None:
        """Close every connection to other servers."""
        if self._session is not None:
            await self._session.close()

    async def graphql(
        self, code: str, document: str, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the `data` of a query to an admitted party, within the deadline."""
        found = await self.find(code)
        if found is None:
            raise PeerDownError(f"{code}: address unknown")
        entity_id, url = found
        body = msgspec.json.encode({"query": document, "variables": dict(variables)})
        try:
            answer = msgspec.json.decode(
                await self.post(entity_id, f"{url}/graphql", body, seconds=QUERY_SECONDS)
            )
        except (PeerAnswerError, msgspec.MsgspecError) as error:
            raise _refused(code, str(error)) from error
        if answer.get("errors") or not isinstance(answer.get("data"), dict):
            raise _refused(code, str(answer.get("errors")))
        data: dict[str, Any] = answer["data"]
        return data

    async def post(self, entity_id: str, url: str, body: bytes, *, seconds: float) -> bytes:
        """POST JSON to another server and return the body of a 2xx answer."""
        token = mint_server_token(
            self._key(), caller=self._entity_id, callee=entity_id, now=self._clock()
        )
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._open().post(
                url, data=io.BytesIO(body), headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                data = await response.content.read(ANSWER_BYTES_MAX)
                if response.status // 100 != 2:  # noqa: PLR2004 - 2xx
                    text = data[:300].decode("utf-8", "replace")
                    raise PeerAnswerError(f"HTTP {response.status}: {text}")
                return await self._rest(response, data)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise PeerAnswerError(f"{type(error).__name__}: {error}") from error

    async def get_text(self, url: str, *, bytes_max: int = ANSWER_BYTES_MAX) -> str:
        """GET a public document of another server; anything but 200 is an error."""
        timeout = aiohttp.ClientTimeout(total=QUERY_SECONDS)
        try:
            async with self._open().get(url, timeout=timeout, allow_redirects=False) as response:
                data = await response.content.read(bytes_max)
                if response.status != 200:  # noqa: PLR2004
                    raise PeerAnswerError(answered(response.status, data))
                return (await self._rest(response, data, bytes_max)).decode()
        except (TimeoutError, aiohttp.ClientError, OSError, UnicodeDecodeError) as error:
            raise PeerAnswerError(f"{type(error).__name__}: {error}") from error

    async def _rest(
        self, response: aiohttp.ClientResponse, data: bytes, bytes_max: int = ANSWER_BYTES_MAX
    ) -> bytes:
        chunks = [data]
        size = len(data)
        while chunk := await response.content.read(bytes_max):
            size += len(chunk)
            if size > bytes_max:
                raise PeerAnswerError("the answer is too large")
            chunks.append(chunk)
        return b"".join(chunks)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            allowed = self._allowed
            connector = aiohttp.TCPConnector(
                limit=0,
                limit_per_host=8,
                ttl_dns_cache=60,
                resolver=None if allowed is None else GuardedResolver(allowed),
                socket_factory=None if allowed is None else guarded_sockets(allowed),
            )
            self._session = aiohttp.ClientSession(connector=connector, trust_env=False)
        return self._session
