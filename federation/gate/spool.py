"""Usage on disk between the moment it is served and the node's receipt.

An event is one line in a segment file. A segment is frozen by renaming it into a batch, whose name
is its id and whose bytes never change again, so a retry sends the same bytes under the same key.
The process that writes a segment holds its lock; a lock without an owner means a crash, and anybody
may freeze what was left, without the torn line at its end.

A file that cannot be used, most often another user's, is said once, set aside as it is, and holds
up no other: it is taken as soon as it can be.
"""

import fcntl
import logging
import os
import secrets
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from federation.access.forks import begins_anew_after_forks
from federation.gate.events import UsageLine
from federation.gate.refusals import SpoolError, SpoolFullError
from federation.gate.whole_files import ITS_OWN, replace_whole, sync_directory

BATCH_LINES_MAX: Final = 5_000
BATCH_BYTES_MAX: Final = 8 << 20
SPOOL_BYTES_MAX: Final = 1 << 30
_OPEN: Final = ".open"
_BATCH: Final = ".batch"
_ROOM: Final = 16 << 10
_BLOCK: Final = 1 << 20
_log = logging.getLogger(__name__)


class Batch(NamedTuple):
    """A frozen batch: its id is the idempotency key of every attempt to send it."""

    id: str
    path: Path

    def read(self) -> bytes:
        """Return the lines, NDJSON."""
        return self.path.read_bytes()


class Spool:
    """A directory of usage not yet reported. Threads and processes may share it."""

    def __init__(
        self,
        directory: Path,
        *,
        bytes_max: int = SPOOL_BYTES_MAX,
        batch_lines: int = BATCH_LINES_MAX,
        batch_bytes: int = BATCH_BYTES_MAX,
        fsync: bool = True,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.fsync = fsync
        self.torn_count = 0
        self._directory = directory
        self._bytes_max = bytes_max
        self._batch_lines = batch_lines
        self._batch_bytes = batch_bytes
        self._lock = threading.Lock()
        self._segment: _Segment | None = None
        self._lines_of: dict[Path, int] = {}  # of batches, which never change
        self._aside: set[Path] = set()  # said already
        self._taken: set[Path] = set()  # by the node, and could not be deleted
        self._used = self._measure()
        begins_anew_after_forks(self)

    def append(self, event: UsageLine) -> None:
        """Write an event down; when this returns it survives the process, with fsync the machine.

        The encoder escapes line ends, so that an event is one line.
        """
        self.extend((event,))

    def extend(self, events: Sequence[UsageLine]) -> None:
        """Write events down, all or none, in one batch, which has to have the room for them."""
        lines = b"".join([msgspec.json.encode(event) + b"\n" for event in events])
        with self._lock:
            self._require(len(lines))
            try:
                segment = self._segment_for(len(events), len(lines))
                segment.write(lines, len(events), fsync=self.fsync)
            except OSError as error:
                self._abandon()
                raise SpoolError(error.strerror or type(error).__name__) from error
            self._used += len(lines)

    def add(self, name: str, lines: bytes) -> None:
        """Write a batch whole, under a name that is its id; the same name again is the same one."""
        with self._lock:
            self._require(len(lines))
            path = self._directory / f"{name}{_BATCH}"
            try:
                replace_whole(path, lines, ITS_OWN)
            except OSError as error:
                raise SpoolError(error.strerror or type(error).__name__) from error
            self._used += len(lines)

    def check_room(self) -> None:
        """Refuse before anything is served that could not be recorded.

        It does not wait for a line that is just being written: an event loop asks.
        """
        if self._used + _ROOM > self._bytes_max:
            with self._lock:
                self._require(_ROOM)
        if self._segment is None and not self._is_writable():
            raise SpoolError("its directory cannot be written")

    def batches(self) -> list[Batch]:
        """Freeze what has been written, also by processes that died, and list all batches."""
        with self._lock:
            segment = self._segment
            try:
                self._freeze_own()
            except OSError as error:  # it is taken up like a dead writer's
                self.set_aside(self._directory if segment is None else segment.path, error)
            for path in sorted(self._directory.glob(f"*{_OPEN}")):
                self._adopt(path)
            self._used = self._measure()
        found = set(self._directory.iterdir())
        self._aside &= found
        self._taken &= found
        frozen = sorted(path for path in found - self._taken if path.suffix == _BATCH)
        return [Batch(path.stem, path) for path in frozen]

    def set_aside(self, path: Path, error: OSError) -> None:
        """Say once that a file cannot be used, and why; what it holds stays as it is."""
        if path not in self._aside:
            self._aside.add(path)
            why = error.strerror or type(error).__name__
            _log.error("%s: %s: set aside, what it holds is not handed in", path, why)

    def waiting(self) -> int:
        """Return how many lines the node has not taken yet. Those of a batch are counted once."""
        found: dict[Path, int] = {}
        known, open_lines = self._lines_of, 0
        for path in self._directory.iterdir():
            with suppress(OSError):  # what is set aside is said elsewhere
                if path.suffix == _BATCH:
                    found[path] = known[path] if path in known else _lines_in(path)
                elif path.suffix == _OPEN:
                    open_lines += _lines_in(path)
        self._lines_of = found
        return sum(found.values()) + open_lines

    def acknowledge(self, batch: Batch) -> None:
        """Delete a batch the node has taken; one that cannot be deleted is not sent again."""
        with self._lock, suppress(FileNotFoundError):  # another process may have been quicker
            size = batch.path.stat().st_size
            try:
                batch.path.unlink()
            except FileNotFoundError:
                raise
            except OSError as error:
                self._taken.add(batch.path)
                self.set_aside(batch.path, error)
            else:
                self._used -= size

    def close(self) -> None:
        """Freeze what this process wrote."""
        with self._lock:
            self._freeze_own()

    @contextmanager
    def sending(self) -> Generator[bool]:
        """Yield whether this process is the one that sends; one at a time is enough.

        The lock is the directory's: a file for it might be another user's.
        """
        handle = os.open(self._directory, os.O_RDONLY)
        try:
            yield try_lock(handle)
        finally:
            let_go(handle)

    def _is_writable(self) -> bool:
        wanted, who = os.W_OK | os.X_OK, os.access in os.supports_effective_ids
        return os.access(self._directory, wanted, effective_ids=who)

    def _require(self, length: int) -> None:
        if self._used + length > self._bytes_max:
            try:
                self._used = self._measure()
            except OSError as error:
                raise SpoolError(error.strerror or type(error).__name__) from error
        if self._used + length > self._bytes_max:
            raise SpoolFullError(f"{self._used} of {self._bytes_max} bytes")

    def _measure(self) -> int:
        used = 0
        for entry in os.scandir(self._directory):
            with suppress(FileNotFoundError):
                used += entry.stat().st_size
        return used

    def _segment_for(self, lines: int, length: int) -> "_Segment":
        segment = self._segment
        if segment is not None and (
            segment.lines + lines > self._batch_lines or segment.size + length > self._batch_bytes
        ):
            self._freeze_own()
        if self._segment is None:
            self._segment = _Segment.create(self._directory)
        return self._segment

    def _freeze_own(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            self._freeze(segment.handle, segment.path)

    def _abandon(self) -> None:
        """Let go of a file the disk failed on; it is taken up like a dead writer's."""
        segment, self._segment = self._segment, None
        if segment is not None:
            os.close(segment.handle)

    def begin_anew(self) -> None:
        """After a fork: a segment is written by the process that made it, and its lock is its."""
        self._lock = threading.Lock()
        self._abandon()

    def _adopt(self, path: Path) -> None:
        """Freeze a segment whose writer is gone."""
        try:
            handle = os.open(path, os.O_RDWR)
            if try_lock(handle) and path.exists():
                self._freeze(handle, path)
            else:
                os.close(handle)
        except FileNotFoundError:
            return  # another process may be doing the same
        except OSError as error:
            self.set_aside(path, error)

    def _freeze(self, handle: int, path: Path) -> None:
        """Cut a torn line off and rename, both under the segment's lock, which ends here."""
        try:
            size, whole = os.fstat(handle).st_size, _whole_lines(path)
            if whole < size:
                os.ftruncate(handle, whole)
                self.torn_count += 1
            if whole == 0:
                path.unlink()
                return
            os.fsync(handle)
            path.rename(path.with_suffix(_BATCH))
            sync_directory(self._directory)
        finally:
            os.close(handle)


class _Segment:
    """The file one process writes to, locked for as long as it does."""

    def __init__(self, handle: int, path: Path) -> None:
        self.handle = handle
        self.path = path
        self.size = 0
        self.lines = 0

    @classmethod
    def create(cls, directory: Path) -> "_Segment":
        while True:
            number = 1 + max((_number(path) for path in directory.glob("*-*")), default=0)
            path = directory / f"{number:012d}-{secrets.token_hex(16)}{_OPEN}"
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, ITS_OWN)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                sync_directory(directory)
                return cls(handle, path)
            os.close(handle)  # taken for a dead writer's between the two calls above

    def write(self, content: bytes, lines: int, *, fsync: bool) -> None:
        """Append so many whole lines, or nothing."""
        try:
            if os.write(self.handle, content) != len(content):
                raise SpoolFullError("the disk is full")
            if fsync:
                os.fsync(self.handle)
        except (OSError, SpoolError):
            os.ftruncate(self.handle, self.size)
            raise
        self.size += len(content)
        self.lines += lines


def try_lock(handle: int) -> bool:
    """Lock an open file for this process, or tell that another one has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lines_in(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(partial(file.read, _BLOCK), b""))


def let_go(handle: int) -> None:
    """Close a file and its lock. A process that was forked meanwhile has the file open as well."""
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


def _whole_lines(path: Path) -> int:
    """Return the length up to and with the last line end."""
    return path.read_bytes().rfind(b"\n") + 1


def _number(path: Path) -> int:
    digits = path.name.partition("-")[0]
    return int(digits) if digits.isdigit() else 0
