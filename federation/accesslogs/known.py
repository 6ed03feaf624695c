"""Which logs were read before, and how far: told by what is in them, not by their names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from federation.accesslogs.durable import write_whole
from federation.accesslogs.hits import Fate
from federation.accesslogs.places import Stretch
from federation.accesslogs.spans import Spans
from federation.errors import RefusalError
from federation.gate.spool import let_go, try_lock

LOGS_MAX: Final = 1_000
"""So many logs are known again; of more, the ones not read for longest are forgotten."""
_NAMES: Final = "[0-9]" * 8 + ".json"
_MODE: Final = 0o600


class ImportRunsError(RefusalError):
    """Another import is at work in this directory."""

    code: ClassVar[str] = "IMPORT_RUNS"


class LogState(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How far a log was read: its first `read` bytes, which have the digest `digest`.

    `begins` is what its first line says; `fates` is {fate: how many lines}, `firsts` {fate: the
    numbers of the first lines that somebody should look at}; `listed` lines are written down among
    the refused ones, in so many bytes; `stretch` is the one in which reading stopped.
    """

    name: str
    begins: str
    read: int = 0
    digest: str = ""
    lines: int = 0
    fates: dict[Fate, int] = {}
    firsts: dict[Fate, list[int]] = {}
    listed: int = 0
    listed_bytes: int = 0
    stretch: Stretch = msgspec.field(default_factory=Stretch)


class _Beginning(msgspec.Struct, frozen=True):
    """By what a log is found."""

    begins: str


class KnownLogs:
    """The logs read before, below a home: a file each of how far, and one of refused lines.

    In memory is only what they are found by; a log's state is read when it is asked for. Without a
    home, as for a look that writes nothing, every log is new. `spans` is which formats were read.
    """

    def __init__(self, home: Path | None) -> None:
        self._home = home
        self.spans = Spans(home)
        self._begins: dict[str, str] = {}
        if home is not None:
            (home / "known").mkdir(parents=True, exist_ok=True, mode=0o700)
            paths = sorted((home / "known").glob(_NAMES), key=lambda path: path.stat().st_mtime_ns)
            for path in paths[:-LOGS_MAX]:
                (home / "refused" / f"{path.stem}.jsonl").unlink(missing_ok=True)
                path.unlink()
            for path in paths[-LOGS_MAX:]:
                with suppress(msgspec.MsgspecError):  # its log is read anew, with the same ids
                    found = msgspec.json.decode(path.read_bytes(), type=_Beginning)
                    self._begins[path.stem] = found.begins

    def beginning(self, begins: str) -> list[LogState]:
        """Return the logs whose first line says so much, the one read least far first."""
        if self._home is None:
            return []
        states = []
        for name in [name for name, said in self._begins.items() if said == begins]:
            with suppress(msgspec.MsgspecError):
                content = (self._home / "known" / f"{name}.json").read_bytes()
                states.append(msgspec.json.decode(content, type=LogState))
        return sorted(states, key=lambda state: state.read)

    def start(self, begins: str) -> LogState:
        """Return the state of a log that is new."""
        return LogState(name=f"{1 + max(map(int, self._begins), default=0):08d}", begins=begins)

    def keep(self, state: LogState) -> None:
        """Remember how far a log was read; when this returns it survives the machine."""
        if self._home is not None:
            write_whole(self._home / "known" / f"{state.name}.json", msgspec.json.encode(state))
        self._begins[state.name] = state.begins

    def refused(self, state: LogState) -> Path | None:
        """Return the file of a log's refused lines."""
        return None if self._home is None else self._home / "refused" / f"{state.name}.jsonl"


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
