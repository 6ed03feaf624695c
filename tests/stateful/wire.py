"""What carries a message between two servers of this process, and what may befall it there."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.signing.tokens import mint_server_token

INBOX = "/federation/inbox"
KEPT = 50


class CrashError(BaseException):
    """A server dies at a commit: nothing may catch it but whoever starts it again."""

    def __init__(self, code: str, name: str, moment: str) -> None:
        self.code, self.name, self.moment = code, name, moment
        super().__init__(f"{code} {moment} {name}")


async def call(
    app: Any, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    """Send one HTTP request to an application in this process; return status and body."""
    path, _, query = path.partition("?")
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [*sent, (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    status, chunks = 0, []

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, b"".join(chunks)


@dataclass
class Network:
    """Knows every server by its address; a delivery is lost, cut, doubled or mixed up by chance."""

    random: Random
    mischief: float = 0.0
    sites: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    crashes: list[CrashError] = field(default_factory=list)
    copies: list[tuple[str, str, bytes]] = field(default_factory=list)  # (sender, target, body)

    async def carry(self, sender: str, url: str, token: str, body: bytes) -> bytes:
        """Deliver a request of one server to another; it may not come, or its answer not."""
        code, path = self.locate(url)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        fate = ""
        if path == INBOX:
            self.keep(sender, code, body)
            fate, body = self.befall(body)
        if fate == "lost" or not self.sites[code].is_up:
            raise PeerAnswerError(f"{code} does not answer")
        try:
            status, answer = await call(self.sites[code].app, "POST", path, headers, body)
        except CrashError as crash:
            if crash.code == sender:  # the sender's own death, seen from inside its request
                raise
            self.crashes.append(crash)
            raise PeerAnswerError(f"{code} died") from None
        if fate == "answer lost":
            raise PeerAnswerError(f"{code}: connection reset")
        if status // 100 != 2:
            raise PeerAnswerError(f"HTTP {status}: {answer[:300].decode()}")
        return answer

    def locate(self, url: str) -> tuple[str, str]:
        """Return (code, path) of an address."""
        for code, site in self.sites.items():
            if url.startswith(f"{site.url}/"):
                return code, url.removeprefix(site.url)
        raise PeerAnswerError(f"{url}: nobody is there")

    def keep(self, sender: str, target: str, body: bytes) -> None:
        """Keep some deliveries, to deliver them again much later."""
        if len(self.copies) < KEPT:
            self.copies.append((sender, target, body))
        elif self.random.random() < 0.2:
            self.copies[self.random.randrange(KEPT)] = (sender, target, body)

    def befall(self, body: bytes) -> tuple[str, bytes]:
        """Choose what becomes of a delivery, and of the messages in it."""
        if self.random.random() >= self.mischief:
            return "", body
        fate = self.random.choice(
            ["lost", "answer lost", "cut", "doubled", "shuffled", "first one missing"]
        )
        messages = msgspec.json.decode(body, type=list[msgspec.Raw])
        if fate == "cut":
            messages = messages[: self.random.randint(1, len(messages))]
        elif fate == "doubled":
            messages = [item for item in messages for _ in range(self.random.randint(1, 3))]
        elif fate == "shuffled":
            self.random.shuffle(messages)
        elif fate == "first one missing":
            messages = messages[1:] or messages
        self.counts[fate] += 1
        return fate, msgspec.json.encode(messages)


class WireClient(PeerClient):
    """The product's client of other servers, without sockets."""

    def __init__(self, code: str, network: Network, *args: Any) -> None:
        super().__init__(*args)
        self._code, self._network = code, network

    async def post(self, entity_id: str, url: str, body: bytes, *, seconds: float) -> bytes:
        del seconds
        token = mint_server_token(
            self._key(), caller=self._entity_id, callee=entity_id, now=self._clock()
        )
        return await self._network.carry(self._code, url, token, body)

    async def get_text(self, url: str) -> str:
        code, path = self._network.locate(url)
        if not self._network.sites[code].is_up:
            raise PeerAnswerError(f"{code} does not answer")
        status, answer = await call(self._network.sites[code].app, "GET", path, {})
        if status != 200:
            raise PeerAnswerError(f"HTTP {status}")
        return answer.decode()

    async def repeat(self, target: Any, body: bytes) -> None:
        """Deliver an old delivery once more, signed anew."""
        with contextlib.suppress(PeerAnswerError):
            await self.post(target.config.entity_id, f"{target.url}{INBOX}", body, seconds=1)
