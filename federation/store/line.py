"""One process's line to PostgreSQL, beside its pools, where several serve as one server.

On it a process hears at once what the others did (LISTEN/NOTIFY), and holds the lock by which one
of them leads. The lock is of the session: the database itself gives it up when the line is cut.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, Final, TypeVar

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from federation.logs import get_logger
from federation.store.database_url import locate

COMMAND_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 15  # a process that stands still for so long leads no more
_SAID_MAX: Final = 7_900  # bytes: PostgreSQL passes on fewer than 8,000
# How soon PostgreSQL notices that a whole machine is gone.
_SETTINGS: Final = {
    "application_name": "federation line",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
}
_IDLES_SINCE: Final = 14  # the version of PostgreSQL that ends sessions which stand still

Hear = Callable[[str, str], None]
"""Called with a word and what was said with it, often nothing."""
_driver: Any = asyncpg  # it has no types
_LOST: Final = (
    *(OSError, TimeoutError, _driver.InterfaceError, _driver.PostgresError),
    _driver.InternalClientError,  # as where `target_session_attrs` finds no primary meanwhile
)
Result = TypeVar("Result")
log = get_logger("line")


class LineLostError(Exception):
    """The line was cut, or the database did not answer on it in time."""


class Line:
    """One process's line; `entity_id` says of which server it is a process."""

    def __init__(self, url: str, entity_id: str) -> None:
        name = sha256(entity_id.encode()).digest()
        self.channel: Final = f"federation_{name[:8].hex()}"
        self._lock = int.from_bytes(name[8:16], signed=True)
        self._origin = secrets.token_hex(8)
        self._url = url
        self._hear: Hear | None = None
        self._connection: Any = None
        self._unsaid: dict[str, str] = {}
        self._has_news = asyncio.Event()  # something to say, or the line was cut

    def listen(self, hear: Hear) -> None:
        """Call `hear` with what other processes of the server say."""
        self._hear = hear

    def packed(self, words: Mapping[str, str]) -> str:
        """Return what is sent to say {word: text}; what is too long goes without its texts."""
        said = msgspec.json.encode([self._origin, words])
        if len(said) > _SAID_MAX:
            said = msgspec.json.encode([self._origin, dict.fromkeys(words, "")])
        return said.decode()

    def say(self, word: str, text: str = "") -> None:
        """Say a word to the other processes soon; said twice before that, the last text counts."""
        self._unsaid[word] = text
        self._has_news.set()

    async def open(self) -> None:
        """Connect and begin to hear (LineLostError)."""
        self._connection = await _answered(
            _driver.connect(**locate(self._url).arguments, server_settings=_SETTINGS)
        )
        self._connection.add_termination_listener(self._cut)
        if self._connection.get_server_version().major >= _IDLES_SINCE:
            await self._run(f"SET idle_session_timeout = '{IDLE_SECONDS}s'")
        await _answered(self._connection.add_listener(self.channel, self._heard))
        self._has_news.set()  # what was not said on an earlier connection

    async def take_lead(self) -> bool:
        """Take the lock where nobody has it; tell whether this process has it by now."""
        return bool(await self._run("SELECT pg_try_advisory_lock($1)", self._lock))

    async def give_lead_up(self) -> None:
        """Give the lock up."""
        await self._run("SELECT pg_advisory_unlock($1)", self._lock)

    async def beat(self) -> None:
        """Make sure that the line is there (LineLostError)."""
        await self._run("SELECT 1")

    async def wait(self, seconds: float) -> None:
        """Wait so long, and say meanwhile what there is to say (LineLostError)."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                async with asyncio.timeout_at(end):
                    await self._has_news.wait()
            except TimeoutError:
                return
            self._has_news.clear()
            if self._connection.is_closed():
                raise LineLostError("it was cut")
            await self._say_all()

    async def close(self) -> None:
        """Hang up; the lock is given up by that."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.close(timeout=COMMAND_SECONDS)
        except _LOST:
            connection.terminate()

    async def _say_all(self) -> None:
        while self._unsaid:
            word, text = next(iter(self._unsaid.items()))
            await self._run("SELECT pg_notify($1, $2)", self.channel, self.packed({word: text}))
            if self._unsaid.get(word) == text:
                del self._unsaid[word]

    async def _run(self, statement: str, *values: object) -> Any:
        return await _answered(self._connection.fetchval(statement, *values))

    def _cut(self, _: Any) -> None:
        self._has_news.set()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        try:
            origin, words = msgspec.json.decode(payload, type=tuple[str, dict[str, str]])
        except msgspec.MsgspecError:
            log.warning("what another process said was not understood")
            return
        if origin == self._origin or self._hear is None:
            return
        for word, text in words.items():
            self._hear(word, text)


async def _answered(asked: Awaitable[Result]) -> Result:
    """Return what the database answers (LineLostError)."""
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            return await asked
    except _LOST as error:
        raise LineLostError(f"{error}" or type(error).__name__) from error
