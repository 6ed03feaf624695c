"""One server's database: a single serial writer and a few readers, on SQLite and PostgreSQL.

Both backends behave alike on purpose: write transactions run one after the other. SQLite has
`BEGIN IMMEDIATE` on a writer pool of one; PostgreSQL takes a transaction-level advisory lock
first. So whatever a write transaction reads cannot change before it commits, and no update is
lost (docs/decisions/0002).
"""

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as SqlTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    async_sessionmaker,
)
from sqlalchemy.pool import AsyncAdaptedQueuePool

from federation.clock import Clock, system_clock
from federation.logs import get_logger
from federation.store.database_url import is_sqlite, locate
from federation.store.dialects import engine_of
from federation.store.failures import (
    BUSY_SECONDS,
    DatabaseBusyError,
    DatabaseDownError,
    explained,
    explained_opening,
    why,
)
from federation.store.line import Line
from federation.store.sessions import ReadSession, WriteSession
from federation.store.short_reads import ShortReads, Turns
from federation.store.sqlite import adapted, make_wal

Boundary = Callable[[str, str], None]
"""Called with (transaction name, "before" | "after") around each commit: crash tests listen."""

Follower = Callable[[WriteSession], Awaitable[None]]
"""Does what follows from a write transaction, within it."""

_WRITER_LOCK = 0x0FED_E8A7
READERS_MAX = 3
WAITING_MAX = 500  # transactions that have not begun; further ones are refused at once
LOCK_SECONDS = 30  # how long a transaction waits for its turn
_LOCK = text(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
_NOTIFY = text("SELECT pg_notify(:channel, :said)")
_ONE_VIEW = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_CLOCK = "clock"
_ANNOUNCED = "announced"
log = get_logger("database")


def _no_boundary(name: str, moment: str) -> None:
    """Do nothing: the boundary of every server outside crash tests."""


class Database:
    """Opens write and read transactions on one URL (`sqlite:///…` or `postgresql://…`).

    With a `line` it is one of several processes of a server: what is announced reaches all.
    """

    def __init__(
        self,
        url: str,
        *,
        boundary: Boundary = _no_boundary,
        clock: Clock = system_clock,
        line: Line | None = None,
    ) -> None:
        self.url = url
        self.is_sqlite = is_sqlite(url)
        self._boundary = boundary
        engine = _sqlite_engine if self.is_sqlite else _postgres_engine
        self._writer, self._reader = engine(url, writes=True), engine(url, writes=False)
        self._writing = async_sessionmaker(
            self._writer, class_=WriteSession, expire_on_commit=False, info={_CLOCK: clock}
        )
        self._reading = async_sessionmaker(self._reader, class_=ReadSession, expire_on_commit=False)
        self._turns = Turns()
        self._listeners: dict[str, Callable[[str], None]] = {}
        self._line = line
        if line is not None:
            line.listen(self._hear)
        self._followers: list[Follower] = []
        self._afterwards: list[Callable[[WriteSession], None]] = []
        self._waiting = 0
        self._has_answered, self._is_down = False, False
        self.writes = 0  # transactions of this process that were committed

    def listen(self, what: str, hear: Callable[[], None]) -> None:
        """Call `hear` after each commit of a transaction that announced `what`, or when it is said.

        By whichever process of this server that was.
        """
        self._listeners[what] = lambda _: hear()

    def listen_text(self, what: str, hear: Callable[[str], None]) -> None:
        """Call `hear` with what was said with `what`; with nothing where that is not known."""
        self._listeners[what] = hear

    def say(self, what: str, text: str = "") -> None:
        """Let who listens for `what` hear, here at once and in other processes soon."""
        self._hear(what, text)
        if self._line is not None:
            self._line.say(what, text)

    def hear_all(self) -> None:
        """Let all who listen hear: other processes may have said what nobody heard here."""
        for what in list(self._listeners):
            self._hear(what)

    def _hear(self, what: str, text: str = "") -> None:
        if what in self._listeners:
            self._listeners[what](text)

    def follow(self, follower: Follower) -> None:
        """Let each write transaction do, before it commits, what follows from what it did."""
        self._followers.append(follower)

    def afterwards(self, hear: Callable[[WriteSession], None]) -> None:
        """Call `hear` with each write transaction once it is committed, whatever it did."""
        self._afterwards.append(hear)

    @asynccontextmanager
    async def write(self, name: str) -> AsyncGenerator[WriteSession]:
        """Open the write transaction `name`; commit when the block ends, else roll back.

        Where the database is gone at the commit, nobody knows whether it was done.
        """
        with self._failing_clearly():
            async with self._written(name) as session:
                yield session

    @asynccontextmanager
    async def _written(self, name: str) -> AsyncGenerator[WriteSession]:
        async with self._writing() as session:
            async with session.begin():
                await self._turn(session, None if self.is_sqlite else _LOCK)
                yield session
                for follower in self._followers:
                    await follower(session)
                await session.flush()
                await self._pass_on(session)
                self._boundary(name, "before")
            self.writes += 1
            self._boundary(name, "after")
            for hear in self._afterwards:
                hear(session)
            for what in session.info.get(_ANNOUNCED, ()):
                self._hear(what)

    async def _pass_on(self, session: WriteSession) -> None:
        """Have what was announced said to other processes, with the commit."""
        words = session.info.get(_ANNOUNCED)
        if words and self._line is not None:
            said = self._line.packed(dict.fromkeys(words, ""))
            await session.execute(_NOTIFY, {"channel": self._line.channel, "said": said})

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[ReadSession]:
        """Open one consistent view of the committed rows; writing through it is refused."""
        if self.is_sqlite:
            # Not `async with`: its end is a task of its own, which a short read would wait for.
            short = ShortReads(self._reader, self._turns)
            try:
                with self._or_busy(WAITING_MAX + READERS_MAX):
                    yield short  # takes a connection with its first statement
            finally:
                await short.close()  # here, or in the connection's thread to its end
        else:
            with self._failing_clearly():
                async with self._reading() as session:
                    await self._turn(session, _ONE_VIEW)
                    yield session  # closed, not rolled back: that would empty rows a caller kept

    async def _turn(self, session: ReadSession, statement: TextClause | None) -> None:
        """Wait for a connection, and at PostgreSQL for the writer's lock; or refuse (BUSY, …)."""
        with self._or_busy(WAITING_MAX):
            try:
                _ = await session.connection()
            except Exception as error:
                raise self._told(explained_opening(error), error) from error
            if statement is not None:
                await session.execute(statement)
            self._answers()

    @contextmanager
    def _or_busy(self, at_most: int) -> Generator[None]:
        """Say BUSY where too many wait already, or somebody waited for too long."""
        if self._waiting >= at_most:
            raise DatabaseBusyError(f"{self._waiting} wait", retry_after=BUSY_SECONDS)
        self._waiting += 1
        try:
            with self._failing_clearly():
                yield
        finally:
            self._waiting -= 1

    @contextmanager
    def _failing_clearly(self) -> Generator[None]:
        """Refuse (BUSY, DATABASE_DOWN, DATABASE_FULL) where the database fails, not the code."""
        try:
            yield
        except (SqlTimeoutError, DBAPIError) as error:
            raise self._told(explained(error), error) from error

    def _told(self, refusal: Exception | None, error: Exception) -> Exception:
        """Return what to raise, after the log was told once why the database answers no more."""
        is_news = self._has_answered and not self._is_down
        if isinstance(refusal, DatabaseDownError) and is_news:
            self._is_down = True
            log.error("the database does not answer", reason=why(error))
        return refusal or error

    def _answers(self) -> None:
        self._has_answered = True
        if self._is_down:
            self._is_down = False
            log.warning("the database answers again")

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        await self._reader.dispose()


def announce(session: ReadSession, what: str) -> None:
    """Say what a write transaction did; who listens for it hears once it is committed."""
    session.info.setdefault(_ANNOUNCED, set()).add(what)


def business_time(session: ReadSession) -> datetime:
    """Return the instant at which a write transaction records what it records."""
    clock: Clock = session.info[_CLOCK]
    return clock()


def _postgres_engine(url: str, *, writes: bool) -> AsyncEngine:
    # Pools of their own: writers that wait for the lock must not take the readers' connections.
    engine = engine_of(
        url,
        pool_size=1 if writes else READERS_MAX,
        max_overflow=0,
        pool_timeout=LOCK_SECONDS,
        server_settings={"lock_timeout": f"{int(LOCK_SECONDS * 1000)}ms"},
    )

    @event.listens_for(engine.sync_engine, "checkout")
    def is_open(_: Any, record: Any, __: Any) -> None:
        """Have another connection opened in place of one that the server has closed meanwhile."""
        if record.driver_connection.is_closed():
            raise DisconnectionError

    return engine


def _sqlite_engine(url: str, *, writes: bool) -> AsyncEngine:
    engine = engine_of(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if writes else READERS_MAX,
        max_overflow=0,
        pool_timeout=LOCK_SECONDS,
        pool_use_lifo=True,  # what one reader can do alone leaves the others' caches empty
    )
    path = locate(url).url.database or ":memory:"

    @event.listens_for(engine.sync_engine, "do_connect")
    def opened(dialect: Any, *_: Any) -> Any:
        return adapted(dialect.dbapi, path)

    @event.listens_for(engine.sync_engine, "connect")
    def pragmas(connection: Any, record: Any) -> None:  # noqa: ARG001
        try:
            _prepare_sqlite(connection, writes=writes)
        except sqlite3.Error:
            connection.close()  # else its thread waits for a loop that may end
            raise

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        if writes:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.connection.driver_connection.begin()

    return engine


def _prepare_sqlite(connection: Any, *, writes: bool) -> None:
    cursor = connection.cursor()
    # The writer comes first and makes the file WAL; a reader of a new file may not.
    patience = int(LOCK_SECONDS * 1000)
    cursor.execute(f"PRAGMA busy_timeout={patience}")
    if writes:
        make_wal(cursor)
    # The writer keeps what it has not committed, up to most of a batch of an import; what
    # readers read the system's cache has too.
    own = ["cache_size=-16000"] if writes else ["cache_size=-1000", "query_only=ON"]
    for pragma in ["foreign_keys=ON", "synchronous=FULL", *own]:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    if not writes:
        connection.driver_connection.read_here(patience)
