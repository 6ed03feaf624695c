"""Which signed requests were served: a nonce is taken once, whichever of a site's processes asks.

They share one SQLite file. A row is a hash of key and nonce and is dropped once its signature is no
longer good; when the file is full of rows that are not, nothing more is served rather than one
forgotten. A licensee may have as many rows as there is room left for others, so that none fills the
file: alone it has half of it, beside another that does the same a third. Licensees are counted and
not keys, of which each makes as many as it likes. What the machine had not written yet when its
power failed is forgotten.

A nonce that was dropped may come again where the clock was ahead and is set back. So the file keeps
up to which end of their signatures nonces were dropped: nothing that ends by then is served.
"""

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from federation.access.forks import begins_anew_after_forks
from federation.gate.refusals import (
    NoncesFullError,
    NoncesOfLabFullError,
    NonceStoreError,
    ReplayedRequestError,
)
from federation.signing.signatures import Proof

NONCES_MAX: Final = 500_000  # some 2,000 requests a second, for as long as each is remembered
WAIT_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 60  # in which a request may wait between its check and its turn here
_DROPPED_MAX: Final = 64  # at each request, so that none waits for all that is over
_WAL_TRIES: Final = 10
_MODE: Final = 0o600
_NONCES: Final = """
CREATE TABLE IF NOT EXISTS nonces
(name BLOB PRIMARY KEY, forgotten_at INTEGER NOT NULL, lab TEXT NOT NULL) WITHOUT ROWID
"""
_LABS: Final = """
CREATE TABLE IF NOT EXISTS labs (lab TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID
"""
_TABLES: Final = (
    _NONCES,
    _LABS,
    "CREATE INDEX IF NOT EXISTS nonces_by_time ON nonces (forgotten_at)",
    "CREATE TABLE IF NOT EXISTS held (only_row INTEGER PRIMARY KEY, count INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO held VALUES (1, 0)",
    "CREATE TABLE IF NOT EXISTS dropped (only_row INTEGER PRIMARY KEY, upto INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO dropped VALUES (1, 0)",
)
_COLUMNS: Final = "SELECT count(*), total(name = 'lab') FROM pragma_table_info('nonces')"
_BEFORE_LABS: Final = (  # a file from before licensees were counted
    "ALTER TABLE nonces ADD COLUMN lab TEXT NOT NULL DEFAULT ''",
    _LABS,
    "INSERT INTO labs SELECT '', count FROM held",
)
_DROP: Final = (
    "DELETE FROM nonces WHERE name IN"
    " (SELECT name FROM nonces WHERE forgotten_at <= ? ORDER BY forgotten_at LIMIT ?)"
    " RETURNING lab, forgotten_at"
)
_COUNT: Final = (
    "INSERT INTO labs VALUES (?, ?) ON CONFLICT (lab) DO UPDATE SET count = count + excluded.count"
)


class NonceStore:
    """One site's nonces. Threads and processes may share the file, on one machine."""

    def __init__(self, path: Path, *, nonces_max: int = NONCES_MAX) -> None:
        self._path = path
        self._nonces_max = nonces_max
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._of_parent: list[sqlite3.Connection] = []
        begins_anew_after_forks(self)

    def take(self, proof: Proof, lab: str, now: datetime) -> None:
        """Take the nonce of a checked signature of a licensee, or refuse the request.

        Raises ReplayedRequestError for one that was taken, NoncesOfLabFullError where no more of
        this licensee's can be remembered, NoncesFullError where none of anybody's can, and
        NonceStoreError where the file cannot be written, or nonces of its time are dropped already.
        """
        second = int(now.timestamp())
        with self._lock:
            try:
                with self._written() as connection:
                    self._enter(connection, proof, lab, second - _GRACE_SECONDS)
            except sqlite3.Error as error:
                raise NonceStoreError(type(error).__name__) from error
            except OSError as error:
                raise NonceStoreError(error.strerror or type(error).__name__) from error

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _enter(self, connection: sqlite3.Connection, proof: Proof, lab: str, over: int) -> None:
        dropped, upto = self._drop(connection, over)
        [held] = connection.execute("SELECT count FROM held").fetchone()
        held -= dropped
        if held >= self._nonces_max:
            raise NoncesFullError(f"{held} are remembered")
        name = sha256(f"{proof.keyid} {proof.nonce}".encode()).digest()
        row = (name, proof.forgotten_at, lab)
        if connection.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", row).rowcount != 1:
            raise ReplayedRequestError
        if proof.forgotten_at <= upto:
            raise NonceStoreError("the clock was set back")
        found = connection.execute("SELECT count FROM labs WHERE lab = ?", (lab,)).fetchone()
        if found and found[0] >= self._nonces_max - held:
            raise NoncesOfLabFullError(f"{found[0]} of {held} are of {lab}")
        connection.execute(_COUNT, (lab, 1))
        connection.execute("UPDATE held SET count = ?", (held + 1,))

    def _drop(self, connection: sqlite3.Connection, over: int) -> tuple[int, int]:
        """Drop some nonces that are over; return how many, and up to which end any ever were."""
        rows = connection.execute(_DROP, (over, _DROPPED_MAX)).fetchall()
        of_labs = Counter(lab for lab, _ in rows)
        connection.executemany(_COUNT, [(each, -count) for each, count in of_labs.items()])
        connection.execute("DELETE FROM labs WHERE count = 0")
        [before] = connection.execute("SELECT upto FROM dropped").fetchone()
        upto = max([before, *(forgotten_at for _, forgotten_at in rows)])
        if upto > before:
            connection.execute("UPDATE dropped SET upto = ?", (upto,))
        return len(rows), upto

    @contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        """Yield the file in a transaction that alone writes; what is refused leaves nothing."""
        connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, _MODE))
        connection = sqlite3.connect(
            self._path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _make_wal(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            columns, labs = connection.execute(_COLUMNS).fetchone()
            for statement in (*(_BEFORE_LABS if columns and not labs else ()), *_TABLES):
                connection.execute(statement)
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection
        return connection

    def begin_anew(self) -> None:
        """After a fork: a connection is of the process that opened it, and is not even closed."""
        self._lock = threading.Lock()
        if self._connection is not None:
            self._of_parent.append(self._connection)
            self._connection = None


def _make_wal(connection: sqlite3.Connection) -> None:
    """Keep a write-ahead log. Of two that make a new file at once, SQLite refuses one."""
    for left in reversed(range(_WAL_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if left == 0 or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        else:
            return
