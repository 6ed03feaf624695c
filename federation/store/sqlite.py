"""SQLite behind asyncio: a short read costs no errand to another thread, the rest one each.

`aiosqlite` gives each connection a thread and sends it four errands for a query: open a cursor,
execute, fetch, close. Most of a short statement's time is that handing over. Here a cursor is
opened, executed and its first rows fetched in one errand; a result that ends there is closed
as well.

A reader's statement is tried in the loop's own thread first, for `HERE_SECONDS` at most: SQLite
asks every `STEPS_ASKED` steps whether to go on. What takes longer, or meets a lock, has returned
nothing yet and is begun again in the connection's thread; the transaction's view stays the same.

What is answered here needs none of SQLAlchemy's greenlets either, which cost as much as the read:
the session of `short_reads.py` asks without one first, and says so by `asking`.
"""

import asyncio
import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Self, cast
from weakref import WeakSet

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
)
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.util.concurrency import await_only, in_greenlet

ROWS_FETCHED_AT_ONCE, ROWS_BETWEEN_LOOKS = 500, 50
HERE_SECONDS = 0.002  # a read that takes longer would keep others waiting
STEPS_ASKED = 1_000  # of SQLite's machine, some 20 microseconds
WAL_TRIES = 10
STATEMENTS_KEPT = 32  # of the driver's 128: those that insert many rows are large


def make_wal(cursor: Any) -> None:
    """Let a file keep a write-ahead log from now on; one that does stays as it is.

    Where two processes open a new file at once, SQLite refuses one of them without waiting, for it
    sees that each waits for the other. Asked again, it finds the file changed.
    """
    for left in reversed(range(WAL_TRIES)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if left == 0 or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        else:
            return


class Cursor:
    """What SQLAlchemy's dialect for `aiosqlite` asks of a cursor, and no more."""

    def __init__(self, connection: "Connection") -> None:
        self.arraysize = 1
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None
        self._rows: list[Any] = []
        self._is_exhausted = True

    async def __aenter__(self) -> Self:
        return self

    def execute_here(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any] | None:
        """Execute a short read in this thread; return its rows, or None where it takes longer."""
        if not self._connection.try_here(self._execute, sql, parameters):
            self._connection.begun_here = True
            return None
        if not self._is_exhausted:
            self.close_here()
            return None
        return self._rows

    def close_here(self) -> None:
        """End a statement whose rows nobody wants any more, in this thread."""
        if self._cursor is not None:
            with suppress(sqlite3.ProgrammingError):  # the other thread is at it, and ends it
                self._cursor.close()

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Execute a statement and fetch the first of its rows."""
        if not self._connection.try_here(self._execute, sql, parameters):
            await self._connection.errand(self._execute, sql, parameters)
        return self

    def _execute(self, sql: str, parameters: Sequence[Any]) -> None:
        self._cursor = self._connection.driver.execute(sql, parameters)
        self._rows, self._is_exhausted = [], True
        if self._cursor.description is not None:
            self._is_exhausted = False
            self._connection.open_cursors.add(self)
            while not self._is_exhausted and len(self._rows) < ROWS_FETCHED_AT_ONCE:
                more = self._cursor.fetchmany(ROWS_BETWEEN_LOOKS)
                self._rows += more
                self._is_exhausted = len(more) < ROWS_BETWEEN_LOOKS
                if self._connection.takes_long():  # few steps, but long rows
                    break

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Execute a statement once for each row of parameters."""
        await self._connection.errand(self._executemany, sql, parameters)
        return self

    def _executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        self._cursor = self._connection.driver.executemany(sql, parameters)
        self._rows, self._is_exhausted = [], True

    async def fetchall(self) -> list[Any]:
        """Return every row not yet returned."""
        rows, self._rows = self._rows, []
        if not self._is_exhausted and self._cursor is not None:
            rows += await self._connection.errand(self._cursor.fetchall)
            self._is_exhausted = True
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, up to `size` of them."""
        wanted = self.arraysize if size is None else size
        rows, self._rows = self._rows[:wanted], self._rows[wanted:]
        missing = wanted - len(rows)
        if missing and not self._is_exhausted and self._cursor is not None:
            more = await self._connection.errand(self._cursor.fetchmany, missing)
            self._is_exhausted = len(more) < missing
            rows += more
        return rows

    async def fetchone(self) -> Any:
        """Return the next row, or nothing after the last."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def close(self) -> None:
        """End a statement whose rows were not all fetched; the others have ended already."""
        self._rows = []
        if not self._is_exhausted and self._cursor is not None:
            self._is_exhausted = True
            await self._connection.errand(self._cursor.close)

    @property
    def description(self) -> Any:
        """Return the columns of the result, or nothing for a statement without one."""
        return None if self._cursor is None else self._cursor.description

    @property
    def rowcount(self) -> int:
        """Return how many rows the statement changed."""
        return -1 if self._cursor is None else self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """Return the identifier of the last row inserted."""
        return None if self._cursor is None else self._cursor.lastrowid


class Connection(aiosqlite.Connection):
    """A connection whose cursors are `Cursor`; `reads_here` for one that only reads."""

    reads_here = False
    begun_here = False  # the statement to come was tried here and takes longer
    _give_up_at = math.inf
    _patience = 0  # milliseconds
    _errands = 0  # of a reader, under way

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.open_cursors: WeakSet[Cursor] = WeakSet()  # or some of this transaction that were

    def cursor(self) -> Any:
        """Return a cursor; nothing is sent to the thread for it."""
        return Cursor(self)

    @property
    def driver(self) -> sqlite3.Connection:
        """Return the driver's connection, for errands only."""
        return self._conn

    def read_here(self, patience: int) -> None:
        """Try statements in the loop's thread from now on; they may only read.

        A lock is waited for in the other thread only, `patience` milliseconds.
        """
        self.reads_here, self._patience = True, patience
        self.driver.execute("PRAGMA busy_timeout=0")
        self.driver.set_progress_handler(self.takes_long, STEPS_ASKED)

    def takes_long(self) -> bool:
        """Tell whether a statement that is tried here has had its time."""
        return time.monotonic() > self._give_up_at

    def try_here(self, function: Callable[..., Any], *arguments: Any) -> bool:
        """Try a reader's statement in this thread; say whether it ended in its time.

        One that did not is not tried a second time: it is executed in the other thread then.
        """
        if not self.reads_here or self.begun_here or self._errands:
            self.begun_here = False
            return False
        self._give_up_at = time.monotonic() + HERE_SECONDS
        try:
            function(*arguments)
        except sqlite3.OperationalError as error:
            # The low byte is the code without its detail, as BUSY of BUSY_RECOVERY.
            if error.sqlite_errorcode & 0xFF not in {
                sqlite3.SQLITE_INTERRUPT,
                sqlite3.SQLITE_BUSY,
            }:
                raise
            return False
        finally:
            self._give_up_at = math.inf  # SQLite counts a statement's steps over its uses
        return True

    def begin(self) -> None:
        """Begin a reader's transaction, here: it takes no lock until its first statement.

        One that has begun goes on: what read a row by its key may ask more of the same view.
        """
        if not self.driver.in_transaction:
            self.driver.execute("BEGIN")

    def rollback_here(self) -> None:
        """End a reader's transaction, here: there is nothing to undo.

        A statement that is still open would keep its view beyond the end, for whoever reads next.
        """
        self.begun_here = False
        if self.open_cursors:
            for cursor in self.open_cursors:
                cursor.close_here()
            self.open_cursors.clear()
        self.driver.rollback()

    async def commit(self) -> None:
        """Commit, and give back the memory of the pages that were read and written for it."""
        await self.errand(self._commit)

    def _commit(self) -> None:
        self.driver.commit()
        self.driver.execute("PRAGMA shrink_memory")

    async def rollback(self) -> None:
        """End a writer's transaction."""
        ending = asyncio.ensure_future(super().rollback())
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending  # a connection goes back to its pool as it came
            if (task := asyncio.current_task()) is not None:
                task.cancel()  # again, where it waits next

    async def close(self) -> None:
        """Close the file; a transaction that is open is undone first.

        SQLite keeps a connection that was closed for as long as somebody has one of its statements,
        as the traceback of whoever was cancelled has, and with it the transaction and its lock.
        """
        if self.is_open:
            with suppress(sqlite3.Error):  # it is closed all the same
                await self._execute(self._undo)  # type: ignore[no-untyped-call]
        await super().close()

    def stop(self) -> Any:
        """Close the file without waiting for it, likewise."""
        if self.is_open:
            cast("Any", self)._tx.put_nowait((None, self._undo))  # noqa: SLF001 - it is our own
        return cast("Any", super()).stop()

    def _undo(self) -> None:
        if self.is_open and self.driver.in_transaction:
            self.driver.rollback()

    async def errand(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in this connection's thread."""
        if self.reads_here:
            self._errands += 1
            try:
                return await self._execute(self._patiently, function, *arguments)  # type: ignore[no-untyped-call]
            except asyncio.CancelledError:
                self._give_up_at = 0.0  # nobody waits for it any more: SQLite ends it when it asks
                raise
            finally:
                self._errands -= 1
        return await self._execute(function, *arguments)  # type: ignore[no-untyped-call]

    def _patiently(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in the thread, where a lock may be waited for."""
        self.driver.execute(f"PRAGMA busy_timeout={self._patience}")
        try:
            return function(*arguments)
        finally:
            self.driver.execute("PRAGMA busy_timeout=0")

    @property
    def is_open(self) -> bool:
        """Tell whether it was not closed yet."""
        return self._connection is not None

    def be_daemon(self) -> None:
        """Let a process that is killed end without waiting for this connection."""
        self._thread.daemon = True


class _ShortCursor(AsyncAdapt_aiosqlite_cursor):
    """SQLAlchemy's side of a cursor: it asks for a greenlet only where it has to wait."""

    __slots__ = ()

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        if in_greenlet() or not asking.here:
            return super().execute(operation, parameters)  # which is refused outside a greenlet
        cursor = cast("Cursor", self._cursor)
        if (rows := cursor.execute_here(operation, parameters or ())) is None:
            raise MissingGreenlet
        self._rows = deque(rows)
        return cursor


class _ShortConnection(AsyncAdapt_aiosqlite_connection):
    """SQLAlchemy's side of a connection."""

    __slots__ = ()
    _cursor_cls = _ShortCursor

    def rollback(self) -> None:
        opened = cast("Connection", self._connection)
        if opened.reads_here and opened.is_open:
            opened.rollback_here()
        else:
            super().rollback()


class _Asking(threading.local):
    """Whether this thread asks for a short read now: nothing else may read without waiting."""

    here = False


asking = _Asking()


def adapted(dbapi: Any, path: str) -> Any:
    """Return a new connection as SQLAlchemy's dialect wants it; called in a greenlet of its own."""
    return _ShortConnection(dbapi, cast("Any", await_only(connect(path))))


async def connect(path: str) -> Connection:
    """Open a database file; transactions begin and end by explicit statements only."""
    opened = Connection(
        # The driver's own BEGIN would come too late and lose updates.
        partial(
            sqlite3.connect,
            path,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS_KEPT,
        ),
        iter_chunk_size=ROWS_FETCHED_AT_ONCE,
    )
    opened.be_daemon()
    return cast("Connection", await opened)
