"""Requests to the node: each bounded in time and in what is read, all together in number and time.

Nothing that a node does can hold the kit up: it is given up on where it hangs, and what it sends is
read to a limit, packed as it came.
"""

import asyncio
import time
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import msgspec

from federation.conformance.verdicts import BrokenError, NotTriedError, short

ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
ANSWER_SECONDS: Final = 15.0  # a node gives a body ten seconds to come (`edge`)
GRAPHQL_JSON: Final = "application/graphql-response+json"
OK: Final = 200
BUSY: Final = (429, 503)
BUSY_SECONDS: Final = 2.0

Body = bytes | AsyncIterable[bytes]


@dataclass(slots=True)
class Budget:
    """What the kit may spend: seconds in all, and requests."""

    seconds: float
    requests: int
    began: float = field(default_factory=time.monotonic)
    sent: int = 0

    def spend(self) -> float:
        """Count a request; return how many seconds are left. Raises NotTriedError without any."""
        if self.sent >= self.requests:
            raise NotTriedError(f"the {self.requests} requests of the kit are spent")
        self.sent += 1
        return self.left()

    def left(self) -> float:
        """Return how many seconds are left; raises NotTriedError where none are."""
        left = self.began + self.seconds - time.monotonic()
        if left <= 0:
            raise NotTriedError(f"the {self.seconds:g} seconds of the kit are over")
        return left


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it is shown, and what came: status, headers in small letters, body."""

    sent: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def broken(self, reason: str) -> BrokenError:
        """Return that this answer breaks the rule that is tried."""
        return BrokenError(
            reason, short(self.sent), short(f"HTTP {self.status} ".encode() + self.body)
        )

    def expect(self, *statuses: int) -> None:
        """Require one of some statuses of the answer."""
        if self.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            raise self.broken(f"HTTP {self.status} came, {wanted} was expected")

    def json(self) -> Any:
        """Return the body, which has to be JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self.broken("the answer is no JSON") from error

    def code(self) -> str:
        """Return the code of a refusal, of GraphQL or of plain HTTP; empty where there is none."""
        found = self.json()
        if not isinstance(found, dict):
            return ""
        if errors := found.get("errors"):
            first = errors[0] if isinstance(errors, list) else None
            extensions = first.get("extensions") if isinstance(first, dict) else None
            found = extensions if isinstance(extensions, dict) else {}
        code = found.get("code")
        return code if isinstance(code, str) else ""

    def expect_code(self, *codes: str) -> None:
        """Require a refusal with one of some codes, and that no data comes beside it."""
        found = self.json()
        data = found.get("data") if isinstance(found, dict) else None
        if isinstance(data, dict) and any(value is not None for value in data.values()):
            raise self.broken(f"data came, {' or '.join(codes)} was expected")
        if self.code() not in codes:
            came = self.code() or "no code"
            raise self.broken(f"{came} came, {' or '.join(codes)} was expected")

    def is_data(self) -> bool:
        """Tell whether GraphQL answered with data alone: each root field, and no error."""
        found = self.json()
        data = found.get("data") if isinstance(found, dict) else None
        is_whole = isinstance(data, dict) and bool(data) and not found.get("errors")
        return self.status == OK and is_whole

    def data(self) -> dict[str, Any]:
        """Return the data of an answer of GraphQL, which has no error."""
        if not self.is_data():
            raise self.broken("GraphQL did not answer with data alone")
        found: dict[str, Any] = self.json()["data"]
        return found


class Wire:
    """Sends the kit's requests to one node."""

    def __init__(self, url: str, http: aiohttp.ClientSession, budget: Budget) -> None:
        self.url, self._http, self.budget = url.rstrip("/"), http, budget

    async def send(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
        shown: str = "",
    ) -> Exchange:
        """Send a request and return what came (BrokenError: nothing, or too much).

        Who is busy is asked once more; then the rule is not tried (NotTriedError).
        """
        text = shown or (short(body) if isinstance(body, bytes) else "")
        sent = short(f"{method} {path} {text}")
        answer = await self._send(method, path, body, headers or {}, seconds, sent)
        if answer.status not in BUSY:
            return answer
        await asyncio.sleep(min(BUSY_SECONDS, self.budget.left()))
        answer = await self._send(method, path, body, headers or {}, seconds, sent)
        if answer.status in BUSY:
            raise NotTriedError(f"the node is busy: HTTP {answer.status}, twice")
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        body: Body | None,
        headers: Mapping[str, str],
        seconds: float,
        sent: str,
    ) -> Exchange:
        seconds = min(seconds, self.budget.spend())
        try:
            async with asyncio.timeout(seconds):
                return await self._answered(method, path, body, headers, sent)
        except TimeoutError as error:
            raise BrokenError(f"no whole answer came within {seconds:.0f} seconds", sent) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = f"no answer came: {type(error).__name__}: {error}"
            raise BrokenError(reason, sent) from error

    async def _answered(
        self, method: str, path: str, body: Body | None, headers: Mapping[str, str], sent: str
    ) -> Exchange:
        async with self._http.request(
            method,
            self.url + path,
            data=body,
            headers={"Accept-Encoding": "identity", **headers},
            allow_redirects=False,
        ) as response:
            read = bytearray()
            while len(read) <= ANSWER_BYTES_MAX and (part := await response.content.read(65_536)):
                read += part
            if len(read) > ANSWER_BYTES_MAX:
                reason = f"more than {ANSWER_BYTES_MAX} bytes came in one answer"
                raise BrokenError(reason, sent, short(bytes(read[:SHOWN])))
            found = {name.lower(): value for name, value in response.headers.items()}
            return Exchange(sent, response.status, found, bytes(read))

    async def graphql(
        self,
        document: str | None,
        variables: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
        **more: Any,
    ) -> Exchange:
        """Send a document of GraphQL; `more` stands beside it in the body."""
        said = {"query": document, "variables": dict(variables or {}), **more}
        body = msgspec.json.encode(
            {name: value for name, value in said.items() if value is not None}
        )
        kinds = {"Content-Type": "application/json", "Accept": GRAPHQL_JSON, **(headers or {})}
        rest = {name: value for name, value in said.items() if name != "query" and value}
        text = " ".join((document or "").split())
        shown = f"{text} {msgspec.json.encode(rest).decode()}"
        return await self.send("POST", "/graphql", body, kinds, seconds=seconds, shown=shown)


SHOWN: Final = 1_000


def http_session() -> aiohttp.ClientSession:
    """Open what the kit speaks HTTP with: nothing is unpacked, no proxy of the machine is used."""
    timeout = aiohttp.ClientTimeout(total=None)
    return aiohttp.ClientSession(auto_decompress=False, trust_env=False, timeout=timeout)
