"""Which logs were read before, and how far: told by what is in them, not by their names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Final, Protocol, Self

import msgspec

from federation.accesslogs.formats import first_second
from federation.accesslogs.places import EDGE_LINES, Met, digest_of, overlap
from federation.errors import RefusalError
from federation.gate.spool import let_go, try_lock

LOGS_MAX: Final = 1_000
"""So many logs are known again; of more, the ones not read for longest are forgotten."""
BORDER_SECONDS: Final = 3_600
"""So much apart may one log end and the next begin: servers may write when an answer began."""
_MODE: Final = 0o600


class ImportRunsError(RefusalError):
    """Another import is at work in this directory."""

    code: ClassVar[str] = "IMPORT_RUNS"


class LogState(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How far a log was read: its first `read` bytes, which have the digest `digest`.

    `begins` is its first line; `tail` its last lines; `fates` is {fate: how many lines}, `firsts`
    {fate: the numbers of the first ones}; `ended_at` is the second of its last line; the rest is
    what its lines said (`places`).
    """

    name: str
    begins: str
    read: int = 0
    digest: str = ""
    lines: int = 0
    fates: dict[str, int] = {}
    firsts: dict[str, list[int]] = {}
    listed: int = 0
    listed_bytes: int = 0
    skip: int = 0
    carried: dict[str, int] = {}
    old: Met = {}
    new: Met = {}
    ends: dict[str, int] = {}
    ended_at: int = 0
    tail: list[str] = []


class _Found(msgspec.Struct, frozen=True):
    """By what a log is found."""

    begins: str


class _Border(msgspec.Struct, frozen=True):
    """What of a log matters to one that may come after it."""

    begins: str
    ended_at: int
    ends: dict[str, int]
    tail: list[str]


class Digest(Protocol):
    """A running digest of a log's text."""

    def update(self, text: bytes, /) -> None:
        """Take the next bytes."""

    def copy(self) -> Self:
        """Return one that goes on from here by itself."""
        ...

    def hexdigest(self) -> str:
        """Return the digest of what was taken."""
        ...


def new_digest() -> Digest:
    """Return the running digest of a log's text."""
    return sha256()


class KnownLogs:
    """The logs read before. With a directory they are kept there, a file each.

    In memory is only what they are found by; a log's state is read when it is asked for.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._found: dict[str, _Found] = {}
        self._kept: dict[str, bytes] = {}
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            paths = sorted(directory.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
            for path in paths[:-LOGS_MAX]:
                path.unlink()
            for path in paths[-LOGS_MAX:]:
                self._found[path.stem] = msgspec.json.decode(path.read_bytes(), type=_Found)

    def beginning(self, begins: str) -> list[LogState]:
        """Return the logs that begin with a line, the one read least far first."""
        found = [self._state(name) for name, one in self._found.items() if one.begins == begins]
        return sorted(found, key=lambda state: state.read)

    def start(self, head: list[bytes]) -> LogState:
        """Return the state of a log that is new, whose first lines are `head`.

        Where its head is the end of a known log, that many lines are to be skipped. What the ends
        of other logs said about that time is carried on, unless the new log holds such a log's
        first line: then it does not come after it.
        """
        digests = [digest_of(line) for line in head[:EDGE_LINES]]
        inside = set(digests)
        begun_at = first_second(head)
        state = LogState(name=self._new_name(), begins=digests[0])
        for name in self._found:
            border = msgspec.json.decode(self._bytes(name), type=_Border)
            length = overlap(border.tail, digests)
            state.skip = max(state.skip, length)
            is_before = abs(begun_at - border.ended_at) <= BORDER_SECONDS
            if length or (is_before and border.begins not in inside):
                for said, count in border.ends.items():
                    state.carried[said] = max(state.carried.get(said, 0), count)
        return state

    def keep(self, state: LogState) -> None:
        """Remember how far a log was read; when this returns it survives the machine."""
        content = msgspec.json.encode(state)
        if self._directory is None:
            self._kept[state.name] = content
        else:
            write_whole(self._directory / f"{state.name}.json", content)
        self._found[state.name] = _Found(begins=state.begins)

    def _state(self, name: str) -> LogState:
        return msgspec.json.decode(self._bytes(name), type=LogState)

    def _bytes(self, name: str) -> bytes:
        if self._directory is None:
            return self._kept[name]
        return (self._directory / f"{name}.json").read_bytes()

    def _new_name(self) -> str:
        return f"{1 + max(map(int, self._found), default=0):08d}"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever looks sees the old or the new one, whole."""
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def only_import(directory: Path) -> Iterator[None]:
    """Hold a directory for one import at a time."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(directory / "import.lock", os.O_RDWR | os.O_CREAT, _MODE)
    try:
        if not try_lock(handle):
            raise ImportRunsError(str(directory))
        yield
    finally:
        let_go(handle)
