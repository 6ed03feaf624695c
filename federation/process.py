"""One running server: its socket, database, key, background work, and a clean stop."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import uvicorn
from litestar import Litestar

from federation.clients.secret import Pepper
from federation.clock import Clock
from federation.config import ConfigError, HubConfig, NodeConfig
from federation.edge.access_log import AccessLog
from federation.edge.client_upkeep import prepare_pepper
from federation.edge.connections import connections
from federation.edge.data_folder import DataFolder
from federation.edge.keys import ServerKeys
from federation.edge.people import take_in_listed
from federation.edge.voices import Speaker
from federation.federated.documents import read_trusted
from federation.messaging.addresses import networks, require_target
from federation.messaging.peers import PeerClient
from federation.messaging.relay import Relay
from federation.quotas import Quotas
from federation.server import Server
from federation.store.database import Boundary, Database
from federation.store.database_url import is_sqlite
from federation.store.line import Line
from federation.store.migrations import require_migrated
from federation.store.outbox import POSTED
from federation.store.told import write_down
from federation.trust.own_keys import KEYS_CHANGED
from federation.workers.leading import Leading
from federation.workers.listening import bind, cannot_listen, url_of

new_event_loop: Callable[[], asyncio.AbstractEventLoop]


try:
    from uvloop import new_event_loop
except ImportError:  # it has no wheels for Windows
    from asyncio import new_event_loop

RETIRE_SECONDS: Final = 20.0  # longer than clients keep idle connections (aiohttp: 15 s)
_LAST: Final = (b"connection", b"close")
Result = TypeVar("Result")


def run_loop(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on the fast event loop where there is one.

    The cycle collector leaves alone what is loaded by now, and looks less often: rows come and go
    by the ten thousand here, hardly ever in cycles, and looking took a seventh of a month's close.
    """
    if not gc.get_freeze_count():
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)


Background = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Parts:
    """What a composition root adds to the common server."""

    app: Litestar
    relay: Relay
    scheduled: list[Background] = field(default_factory=list)  # in one process of the server
    in_each: list[Background] = field(default_factory=list)  # in each: what it noted in memory
    prepare: Background | None = None  # done once, before anything is answered


@dataclass(frozen=True, slots=True)
class WorkerOf:
    """What one of several processes of a server is given: the socket that they share."""

    socket: socket.socket
    is_first: bool  # of this start of the server, which it counts


Compose = Callable[[Server, PeerClient], Parts]


def no_boundary(name: str, moment: str) -> None:
    """Do nothing at a commit."""
    del name, moment


class Service:
    """A hub or node bound to its port. `compose` is the composition root of its role."""

    def __init__(
        self,
        config: HubConfig | NodeConfig,
        clock: Clock,
        compose: Compose,
        *,
        boundary: Boundary = no_boundary,
        worker: WorkerOf | None = None,
    ) -> None:
        """Take the folder and the address; a `worker` shares both with others.

        Raises ConfigError, or a refusal of `data_folder` or `listening`.
        """
        folder = config.trusted_documents
        trusted = {} if folder is None else read_trusted(folder)
        self.config, self._worker = config, worker
        line = None if worker is None else _line(config)
        # It opens nothing yet.
        db = Database(config.database_url, boundary=boundary, clock=clock, line=line)
        self._folder = DataFolder(
            config.data_dir, config.entity_id, is_shared=not is_sqlite(config.database_url)
        )
        try:
            self._socket = worker.socket if worker else bind(config.host, config.port)
        except BaseException:
            self._folder.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.url = url_of(config.public_url, config.host, self._socket)
        self._keys = ServerKeys(config, db, clock)
        allowed = networks(config.peer_networks) if isinstance(config, HubConfig) else None
        self._peers = PeerClient(
            config.entity_id, lambda: self._keys.held.federation, clock, allowed=allowed
        )
        self.server = Server(
            config=config,
            keys=self._keys,
            db=db,
            clock=clock,
            peers=self._peers,
            pepper=Pepper(config.data_dir),
            url=self.url,
            quotas=Quotas(config.quotas, processes=config.workers),
            trusted_documents=trusted,
            require_target=partial(require_target, allowed=config.peer_networks),
        )
        self._voice = Speaker(self.server)
        self.server.voice = self._peers.voice = self._voice
        self.parts = compose(self.server, self._peers)
        db.afterwards(write_down)
        db.listen(POSTED, self.parts.relay.wake)
        db.listen(KEYS_CHANGED, self._keys.look_again)
        announce = partial(self._voice.announce, self._peers)
        self._work: list[Background] = [self.parts.relay.run, announce, *self.parts.scheduled]
        self._leading = None if line is None else Leading(line, self._work, db.hear_all)
        self._tasks: list[asyncio.Task[Any]] = []
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                AccessLog(self.parts.app, self.server.counters, is_written=config.access_log),
                log_config=None,
                access_log=False,
                http=connections(),
                lifespan="on",
                # Whoever calls is who connects: no header makes a stranger another one (quotas).
                proxy_headers=False,
                timeout_graceful_shutdown=10,
                # Longer than clients keep idle connections (aiohttp: 15 s), so that no request
                # is sent into a connection that is being closed.
                timeout_keep_alive=75,
                server_header=False,
            )
        )

    async def start(self) -> None:
        """Check the database and find the keys, then answer requests and deliver messages."""
        await require_migrated(self.server.db)
        await self._keys.prepare()
        await take_in_listed(self.server)
        await prepare_pepper(self.server)
        if self.parts.prepare is not None:
            await self.parts.prepare()
        # Last of all: a start that fails is none.
        await self._voice.begin(counts=self._worker is None or self._worker.is_first)
        self._tasks.append(asyncio.create_task(self._uvicorn.serve(sockets=[self._socket])))
        while not self._uvicorn.started:
            if self._tasks[0].done():
                await self._ended_early()
            await asyncio.sleep(0.005)
        work = self._work if self._leading is None else [self._leading.run, self._voice.follow]
        self._tasks += [asyncio.ensure_future(run()) for run in [*work, *self.parts.in_each]]

    async def retire(self) -> None:
        """Take no more connections, let another lead, and wait until those that are open end.

        Each is closed with its next answer, or after `RETIRE_SECONDS` by `stop`: whoever keeps an
        idle one gives it up before.
        """
        if self._leading is not None:
            self._leading.resign()
        self._uvicorn.take_no_more()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETIRE_SECONDS):
                while self._uvicorn.server_state.connections:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.05)

    async def _ended_early(self) -> None:
        """Say why the server does not answer: here another took its address after it was bound."""
        try:
            await self._tasks[0]
        except OSError as error:
            raise cannot_listen(self.config.host, self.port, error) from error
        raise RuntimeError("the server did not start")

    async def stop(self) -> None:
        """Finish what is being answered, stop delivering, close the database."""
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks[1:], return_exceptions=True)
        self._uvicorn.should_exit = True
        try:
            if self._tasks:
                await self._tasks[0]
        finally:
            self._socket.close()
            await self._peers.close()
            await self.server.db.close()
            self._folder.close()


class _Uvicorn(uvicorn.Server):
    """A server that leaves signals to whoever runs several of them in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def take_no_more(self) -> None:
        """Accept no connection more, and say with each answer that its connection ends."""
        for server in self.servers:
            server.close()
        self.config.encoded_headers.append(_LAST)  # from the next second on, and at once:
        self.server_state.default_headers = [*self.server_state.default_headers, _LAST]


def _line(config: HubConfig | NodeConfig) -> Line:
    if is_sqlite(config.database_url):
        raise ConfigError("`database_url`: a worker of several takes PostgreSQL")
    return Line(config.database_url, config.entity_id)


async def stop_all(services: Sequence[Service]) -> None:
    """Stop servers side by side; one that fails keeps none of the others from stopping."""
    await asyncio.gather(*(service.stop() for service in services), return_exceptions=True)
