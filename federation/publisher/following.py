"""Usage from the access log that nginx writes: each line once, through rotation and any crash.

nginx writes one line of JSON for each answer under a grant, at its end. Lines are taken a range at
a time: first the range is noted, then its batch is written under a name that follows from it, then
the range is over. Whatever dies in between, the same bytes become the same batch again, and the
node takes that once. A line without its end waits for it. Visits are counted when a range is over:
of a range that is done over they count once.
"""

import base64
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import Annotated, ClassVar, Final, NamedTuple

import msgspec
from msgspec import Meta

from federation.errors import RefusalError
from federation.gate.crawlers import name_of
from federation.gate.events import UsageLine
from federation.gate.metering import counts
from federation.gate.spool import Spool, try_lock
from federation.gate.visits import VisitCounts
from federation.gate.whole_files import ITS_OWN, replace_whole

FOLLOW_SECONDS: Final = 1.0
RANGE_BYTES_MAX: Final = 1 << 20  # some 2,000 lines, which one batch may have
QUIET_ROUNDS: Final = 10  # in which a rotated file stays as it is, before it is left
LINE_BYTES_MAX: Final = 64 << 10
_ROTATED: Final = re.compile(r"[.-]\d[\d.-]*")  # a number or a date, and not packed
_log = logging.getLogger(__name__)


class Served(msgspec.Struct, frozen=True):
    """One line of the log: what was granted, and what was sent."""

    grant: str
    method: str
    status: int
    body_bytes: Annotated[int, Meta(ge=0)] = msgspec.field(name="bytes")


class _Place(msgspec.Struct, frozen=True):
    """How far which file is read; `until` is the end of a range whose batch may be unwritten.

    `first` is a digest of the file's first line: an inode that was deleted is soon another file's.
    """

    inode: int = 0
    offset: int = 0
    until: int = 0
    first: str = ""


def written_grant(event: UsageLine) -> str:
    """Return what is granted as one word, for a header and for the log."""
    return base64.urlsafe_b64encode(msgspec.json.encode(event)).decode()


class NoLogFolderError(RefusalError):
    """The folder of nginx's log is not there, so nothing that is served would be counted."""

    code: ClassVar[str] = "NO_LOG_FOLDER"


def require_folder(log: Path) -> None:
    """Refuse a log that nginx cannot write. The log itself may be missing: nginx makes it."""
    if not log.parent.is_dir():
        raise NoLogFolderError(f"{log.parent}: give --log the path of access_log in nginx's files")


class Follower:
    """Follows one log into one spool. One process does; another one waits in vain for the lock.

    `heard` is called where lines of licensed answers have come.
    """

    def __init__(
        self,
        log: Path,
        state: Path,
        spool: Spool,
        visits: VisitCounts,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = log
        self._heard = heard
        self._state = state
        self._spool = spool
        self._visits = visits
        self._place = _Place()
        self._file: BufferedReader | None = None
        self._lock: int | None = None
        self._quiet = 0
        self._first = ""
        self._turn = threading.Lock()

    def round(self) -> None:
        """Take what has been written since the last round, unless another process does."""
        with self._turn:  # the last round of all may come while one is under way
            while self._is_ours() and self._take():
                pass

    def close(self) -> None:
        """Let go of the log; the place in it is on disk."""
        with self._turn:
            self._close_file()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _is_ours(self) -> bool:
        """Tell whether this process follows the log; the place is read anew by whoever begins."""
        if self._lock is None:
            self._state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._state.with_name(f"{self._state.name}.lock")
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if not try_lock(handle):
                os.close(handle)
                return False
            try:
                self._place = self._load()
            except OSError:
                os.close(handle)
                raise
            self._lock = handle
        return True

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take(self) -> bool:
        """Take one range; tell whether there may be another."""
        file = self._opened()
        if file is None:
            return False
        place = self._place
        if place.until > place.offset:  # what a crash left is done over, to the byte
            file.seek(place.offset)
            self._write(file.read(place.until - place.offset))
            return True
        if os.fstat(file.fileno()).st_size < place.offset:
            _log.error("%s is shorter than what was read of it: rotate it by renaming", self._log)
            self._save(_Place(place.inode))
            return True
        file.seek(place.offset)
        found = file.read(RANGE_BYTES_MAX)
        whole = found[: found.rfind(b"\n") + 1]
        if not whole:
            return self._is_left(found)
        self._quiet = 0
        self._save(_Place(place.inode, place.offset, place.offset + len(whole)))
        self._write(whole)
        return True

    def _write(self, whole: bytes) -> None:
        place = self._place
        answers = [*_answers(whole)]
        lines = [msgspec.json.encode(each.event) + b"\n" for each in answers if each.is_counted]
        if lines:
            name = f"{place.inode} {place.offset} {place.until} ".encode() + whole
            known = f"{place.offset:012d}-{sha256(name).hexdigest()[:32]}"
            self._spool.add(known, b"".join(lines))
        self._save(_Place(place.inode, place.until))
        if answers:
            self._heard()
        for event, is_counted in answers:
            self._visits.licensed(name_of(event.agent), is_counted=is_counted, at=event.occurred_at)

    def _opened(self) -> BufferedReader | None:
        if self._file is None:
            path = self._path_of(self._place.inode)
            if path is None:
                return None
            self._file = path.open("rb")
            inode = os.fstat(self._file.fileno()).st_ino
            self._first = _first_line(self._file)
            if inode != self._place.inode:
                self._save(_Place(inode))
            elif self._place.first not in ("", self._first):
                _log.error("the log that was read last is gone: what it had more is not counted")
                self._save(_Place(inode))
        return self._file

    def _path_of(self, inode: int) -> Path | None:
        """Return the file that was read last, also where it was renamed since, else the log."""
        for path in (self._log, *sorted(self._log.parent.glob(f"{self._log.name}*"))):
            if inode and path.exists() and path.stat().st_ino == inode:
                return path
        if inode and self._log.exists():
            _log.error("the log that was read last is gone: what it had more is not counted")
        return self._log if self._log.exists() else None

    def _is_left(self, torn: bytes) -> bool:
        """Leave a rotated file once nobody writes to it any more; tell whether it was left."""
        if len(torn) > LINE_BYTES_MAX:
            _log.error("a line of %s does not end: passed over", self._log)
            self._save(_Place(self._place.inode, self._place.offset + len(torn)))
            return True
        if not self._log.exists() or self._log.stat().st_ino == self._place.inode:
            return False
        self._quiet += 1
        if self._quiet < QUIET_ROUNDS:
            return False
        if torn:
            _log.warning("the last line of a rotated log is torn: nothing of it is counted")
        self._close_file()
        self._quiet = 0
        self._save(_Place(self._next().stat().st_ino))
        return True

    def _next(self) -> Path:
        """Return the oldest file that is newer than the one read: the log, or one rotated since.

        Whoever was away for two rotations has one between the two.
        """
        read = self._path_of(self._place.inode)
        if read is None:
            return self._log
        last = read.stat().st_mtime_ns
        rotated = [
            (path.stat().st_mtime_ns, path)
            for path in self._log.parent.glob(f"{self._log.name}*")
            if _ROTATED.fullmatch(path.name.removeprefix(self._log.name))
        ]
        return min((each for each in rotated if each[0] > last), default=(0, self._log))[1]

    def _load(self) -> _Place:
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=_Place)
        except FileNotFoundError:
            return _Place()
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # Each line has an event id of its own, which the node takes once.
            _log.exception("%s is damaged: the log is read from its beginning", self._state)
            return _Place()

    def _save(self, place: _Place) -> None:
        if self._file is not None and (place.offset or place.until):
            self._first = self._first or _first_line(self._file)
            place = msgspec.structs.replace(place, first=self._first)
        replace_whole(self._state, msgspec.json.encode(place), ITS_OWN)
        self._place = place


def _first_line(file: BufferedReader) -> str:
    """Return a digest of a file's first line, empty while that has no end."""
    file.seek(0)
    line = file.readline(LINE_BYTES_MAX)
    return sha256(line).hexdigest()[:32] if line.endswith(b"\n") else ""


class _Granted(NamedTuple):
    """A licensed answer, and whether it counts as usage."""

    event: UsageLine
    is_counted: bool


def _answers(whole: bytes) -> Iterator[_Granted]:
    for line in whole.splitlines():
        try:
            served = msgspec.json.decode(line, type=Served)
            granted = msgspec.json.decode(base64.urlsafe_b64decode(served.grant), type=UsageLine)
        except (ValueError, RecursionError):
            _log.warning("a line of the log is none of nginx's: %r", line[:200])
            continue
        units = served.body_bytes if granted.units == 0 else granted.units
        event = msgspec.structs.replace(
            granted, status=served.status, body_bytes=served.body_bytes, units=units
        )
        yield _Granted(event, served.method == "GET" and counts(served.status, served.body_bytes))
