"""Calls to other servers: signed for 60 seconds, with a deadline, over kept connections."""

import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import aiohttp
import msgspec

from federation.clock import Clock
from federation.errors import answered
from federation.federated.asking import (
    ERROR,
    NO_ANSWER,
    REFUSED,
    SENT_AWAY,
    TOO_LONG,
    CallError,
    Node,
    too_late,
)
from federation.federated.documents import DocumentNotKnownError
from federation.federated.lines import AT_ONCE_MAX
from federation.federated.wire import ON_BEHALF_OF_HEADER, DeadlineOverError
from federation.logs import get_logger
from federation.messaging.addresses import GuardedResolver, Network, guarded_sockets
from federation.server import PeerDownError, PeerOlderError, Speaking
from federation.signing.keys import SigningKey
from federation.signing.tokens import mint_server_token
from federation.store.voices import HEADER, AnotherVoiceError, SilencedError

QUERY_SECONDS = 3.0
DELIVERY_SECONDS = 60.0
INVALID_DOCUMENT = "INVALID_DOCUMENT"  # what a server says of a field that it does not know
log = get_logger("peers")
ANSWER_BYTES_MAX = 64 * 1024 * 1024
_TOKEN_LIFE = timedelta(seconds=15)  # of the 60 for which one is good
_LATER = frozenset({408, 429})
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class PeerAnswerError(Exception):
    """Another server answered with an error; the text is its reason.

    `is_there` where it answered, and neither failed (5xx) nor asked for time (408, 429).
    """

    def __init__(self, reason: str, *, is_there: bool = False) -> None:
        self.is_there = is_there
        super().__init__(reason)


class PeerLateError(PeerAnswerError):
    """Another server did not answer in time."""


class PeerGoneError(PeerAnswerError):
    """Another server closed the connection before it answered: it may have been idle too long."""


class PeerTooLongError(PeerAnswerError):
    """Another server answers more than is read."""


class Connections(NamedTuple):
    """Some of the connections to other servers, and how many of them go to one."""

    name: str
    of_a_host: int


OF_MESSAGES = Connections("messages", 8)
OF_QUESTIONS = Connections("questions", AT_ONCE_MAX)
"""Those of the lists over all nodes: neither they nor the outbox wait for the other's."""

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
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._tokens: dict[str, tuple[str, SigningKey, datetime]] = {}
        self.find: Find = _nobody
        self.voice: Speaking | None = None

    async def close(self) -> None:
        """Close every connection to other servers."""
        for session in self._sessions.values():
            await session.close()

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

    async def ask(
        self, node: Node, body: bytes, headers: Mapping[str, str], *, seconds: float, bytes_max: int
    ) -> bytes:
        """Return what a node answers to one of many questions, as it was sent (CallError).

        It says on whose behalf it was asked: one of an earlier version would show all that we may
        see. Nothing is unpacked: what is small when it is sent could be large then.
        """
        once = partial(
            self.post,
            node.entity_id,
            f"{node.url}/graphql",
            body,
            seconds=seconds,
            headers={**headers, "Accept-Encoding": "identity"},
            bytes_max=bytes_max,
            answered_with={ON_BEHALF_OF_HEADER: headers[ON_BEHALF_OF_HEADER]},
            connections=OF_QUESTIONS,
        )
        try:
            try:
                return await once()
            except PeerGoneError:  # a question may be asked again
                return await once()
        except PeerLateError as error:
            raise too_late() from error
        except PeerTooLongError as error:
            raise CallError(ERROR, TOO_LONG, f"it answers more than {bytes_max} bytes") from error
        except PeerAnswerError as error:
            if DocumentNotKnownError.code in str(error):
                raise CallError(ERROR, DocumentNotKnownError.code, node.code) from error
            if DeadlineOverError.code in str(error):  # it stopped when it was told to
                raise too_late() from error
            log.info("a node gave no answer", node=node.code, reason=str(error)[:300])
            if str(error).startswith("HTTP 400:"):
                raise CallError(ERROR, REFUSED, "it does not take the question") from error
            if error.is_there:
                raise CallError(ERROR, SENT_AWAY, "it refused to answer") from error
            raise CallError(ERROR, NO_ANSWER, "it cannot be reached, or fails") from error

    async def post(
        self,
        entity_id: str,
        url: str,
        body: bytes,
        *,
        seconds: float,
        headers: Mapping[str, str] = _NO_HEADERS,
        bytes_max: int = ANSWER_BYTES_MAX,
        answered_with: Mapping[str, str] = _NO_HEADERS,
        connections: Connections = OF_MESSAGES,
    ) -> bytes:
        """POST JSON to another server and return the body of a 2xx answer.

        It must have the headers of `answered_with`; then nothing packed is read either.
        """
        spoken = self._spoken()
        headers = {
            "Authorization": f"Bearer {self._token(entity_id)}",
            "Content-Type": "application/json",
            **spoken,
            **headers,
        }
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._open(connections).post(
                url, data=io.BytesIO(body), headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if answered_with and "Content-Encoding" in response.headers:
                    raise PeerAnswerError("the answer is packed", is_there=True)
                data = await response.content.read(bytes_max)
                if response.status // 100 != 2:  # noqa: PLR2004 - 2xx
                    text = data[:300].decode("utf-8", "replace")
                    if self.voice is not None and AnotherVoiceError.code in text:
                        await self.voice.refused(entity_id, spoken.get(HEADER, ""))
                    is_there = response.status < 500 and response.status not in _LATER  # noqa: PLR2004
                    raise PeerAnswerError(f"HTTP {response.status}: {text}", is_there=is_there)
                if any(response.headers.get(name) != answered_with[name] for name in answered_with):
                    reason = f"it does not answer with {dict(answered_with)}"
                    raise PeerAnswerError(reason, is_there=True)
                return await self._rest(response, data, bytes_max)
        except TimeoutError as error:
            raise PeerLateError(f"{type(error).__name__}: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            is_gone = isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError)
            kind = PeerGoneError if is_gone else PeerAnswerError
            raise kind(f"{type(error).__name__}: {error}") from error

    def _spoken(self) -> dict[str, str]:
        """Return the header that says with which voice; who was silenced calls nobody."""
        if self.voice is None or not self.voice.text:
            return {}
        if self.voice.is_silenced:
            raise PeerAnswerError(f"{SilencedError.code}: {SilencedError().headline}")
        return {HEADER: self.voice.text}

    def _token(self, callee: str) -> str:
        """Return a token for a call: one is good for several calls within seconds."""
        now, key = self._clock(), self._key()
        made = self._tokens.get(callee)
        if made is None or made[1] is not key or not now - _TOKEN_LIFE < made[2] <= now:
            token = mint_server_token(key, caller=self._entity_id, callee=callee, now=now)
            made = self._tokens[callee] = token, key, now
        return made[0]

    async def get_text(self, url: str, *, bytes_max: int = ANSWER_BYTES_MAX) -> str:
        """GET a public document of another server; anything but 200 is an error."""
        timeout = aiohttp.ClientTimeout(total=QUERY_SECONDS)
        try:
            async with self._open(OF_MESSAGES).get(
                url, timeout=timeout, allow_redirects=False
            ) as response:
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
                raise PeerTooLongError("the answer is too large")
            chunks.append(chunk)
        return b"".join(chunks)

    def _open(self, connections: Connections) -> aiohttp.ClientSession:
        if connections.name not in self._sessions:
            allowed = self._allowed
            connector = aiohttp.TCPConnector(
                limit=0,
                limit_per_host=connections.of_a_host,
                ttl_dns_cache=60,
                resolver=None if allowed is None else GuardedResolver(allowed),
                socket_factory=None if allowed is None else guarded_sockets(allowed),
            )
            self._sessions[connections.name] = aiohttp.ClientSession(
                connector=connector, trust_env=False
            )
        return self._sessions[connections.name]
