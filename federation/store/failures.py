"""What a database that fails is called: busy, down, full or unusable; anything else is a defect."""

import sqlite3
from typing import ClassVar, Final

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as SqlTimeoutError

from federation.errors import LaterError, RefusalError

BUSY_SECONDS = 5  # after which who was refused may come again
_LOCK_NOT_AVAILABLE: Final = "55P03"
# Of PostgreSQL: connections lost or refused, the server stopping or starting, too many of them.
# The last two are met when it comes back as another: no such account, no such database.
_DOWN: Final = ("08", "57P01", "57P02", "57P03", "53300", "28", "3D000")
_FULL: Final = "53100"
_DRIVER_ERRORS: Final = (
    asyncpg.InterfaceError,
    asyncpg.PostgresError,
    asyncpg.InternalClientError,  # where several hosts are named, and none is the primary
)
_SQLITE_DOWN: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOTADB}
)


class DatabaseBusyError(LaterError):
    """The server is busy with others; nothing was done, and the same may be asked again soon."""

    code: ClassVar[str] = "BUSY"


class DatabaseDownError(LaterError):
    """The server's database does not answer now; the same may be asked again soon."""

    code: ClassVar[str] = "DATABASE_DOWN"


class DatabaseFullError(LaterError):
    """The server's database has no room left; nothing was done, and its operator has to act."""

    code: ClassVar[str] = "DATABASE_FULL"


class DatabaseUnusableError(RefusalError):
    """The database cannot be used."""

    code: ClassVar[str] = "DATABASE_UNUSABLE"


def explained(error: Exception) -> LaterError | None:
    """Return what a failure of the database is to who asked; None for what is a defect.

    It says nothing of where the database is or why it failed: strangers read it.
    """
    if isinstance(error, SqlTimeoutError):
        return DatabaseBusyError(retry_after=BUSY_SECONDS)
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = str(getattr(cause, "sqlstate", None) or "")
    if state == _LOCK_NOT_AVAILABLE or "database is locked" in str(cause):
        return DatabaseBusyError(retry_after=BUSY_SECONDS)
    result = getattr(_sqlite_cause(cause), "sqlite_errorcode", 0) & 0xFF
    if state == _FULL or result == sqlite3.SQLITE_FULL:
        return DatabaseFullError(retry_after=BUSY_SECONDS)
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if is_lost or state.startswith(_DOWN) or result in _SQLITE_DOWN:
        return DatabaseDownError(retry_after=BUSY_SECONDS)
    return None


def explained_opening(error: Exception) -> LaterError | None:
    """Return what the failure to open a connection is: here the network and its time-outs count."""
    if isinstance(error, (OSError, DBAPIError, *_DRIVER_ERRORS)):
        return explained(error) or DatabaseDownError(retry_after=BUSY_SECONDS)
    return explained(error)


def why(error: BaseException) -> str:
    """Return in one line why a database failed, for whoever runs the server."""
    cause: BaseException | None = error
    if isinstance(error, DBAPIError):
        cause = error.orig
    cause = _sqlite_cause(cause) or cause
    text = " ".join(str(cause).split()) or type(cause).__name__
    return text.partition(": ")[2] if text.startswith("<class ") else text


def _sqlite_cause(error: BaseException | None) -> sqlite3.Error | None:
    """Return SQLite's own error behind what SQLAlchemy's adapter raised."""
    while error is not None and not isinstance(error, sqlite3.Error):
        error = error.__cause__
    return error
