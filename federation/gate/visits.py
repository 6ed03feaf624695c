"""Counts what became of crawlers' visits: totals of days that only grow.

Visits are counted in memory and added to a file every half minute, one file for all processes of a
site. A process that is killed loses what it counted since; what was served is in the spool.
"""

import fcntl
import os
import secrets
import threading
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from federation.access.forks import begins_anew_after_forks
from federation.clock import Clock
from federation.gate.spool import let_go, try_lock
from federation.gate.visit_report import NOT_COUNTED, SERVED, VisitCount
from federation.gate.whole_files import replace_whole

_DAYS_KEPT: Final = 30  # a node takes days of 35 days back
_ROWS_OF_A_DAY: Final = 2_000  # a node takes 5,000 of all sites of a member
_REST: Final = "other"
_FILE_MODE: Final = 0o600


class VisitKind(NamedTuple):
    """What is counted together."""

    day: date
    agent: str
    outcome: str
    let_through: bool


class _Row(msgspec.Struct, array_like=True):
    day: date
    agent: str
    outcome: str
    let_through: bool
    count: int


class _File(msgspec.Struct):
    """What is on disk. `untold` are days of which the node does not have the last count."""

    series: str
    rows: list[_Row] = []
    untold: list[date] = []


class VisitCounts:
    """The counts of one site, on disk; any number of threads and processes add to them."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self.begin_anew()
        begins_anew_after_forks(self)

    def begin_anew(self) -> None:
        """Begin, also after a fork: what the parent counted it adds up itself."""
        self._turn = threading.Lock()
        self._new: Counter[VisitKind] = Counter()

    def refused(self, agent: str, code: str, *, let_through: bool) -> None:
        """Count a visit that was refused, or would have been by a site that only observes."""
        self._count(VisitKind(self._clock().date(), agent, code, let_through))

    def licensed(self, agent: str, *, is_counted: bool, at: datetime | None = None) -> None:
        """Count a licensed visit; `is_counted` says that it brought a page that counts as usage.

        Like its usage it belongs to the day on which it began: `at`, in UTC, else now.
        """
        outcome = SERVED if is_counted else NOT_COUNTED
        self._count(VisitKind((at or self._clock()).date(), agent, outcome, False))

    def _count(self, kind: VisitKind) -> None:
        with self._turn:
            self._new[kind] += 1

    def add_up(self) -> None:
        """Add what this process counted to the file; what cannot be written stays counted here."""
        with self._turn:
            new, self._new = self._new, Counter()
        if not new:
            return
        try:
            with self._held() as file:
                _add(file, new)
                _forget(file, self._clock().date() - timedelta(days=_DAYS_KEPT))
                self._write(file)
        except OSError:
            with self._turn:
                self._new.update(new)
            raise

    def untold(self) -> tuple[str, list[VisitCount]]:
        """Return the series, and the totals of days of which the node lacks the last count.

        Days to come, counted while the clock was wrong, wait until they have come: a node takes
        none of a report that names one.
        """
        last = self._clock().date() + timedelta(days=1)
        with self._held() as file:
            return file.series, [
                VisitCount(row.day, row.agent, row.outcome, row.count, row.let_through)
                for row in file.rows
                if row.day in file.untold and row.day <= last
            ]

    def told(self, series: str, counts: Iterable[VisitCount]) -> None:
        """Note what the node has by now; a day on which more was counted since stays untold."""
        had = {_kind(each): each.count for each in counts}
        with self._held() as file:
            if file.series != series:
                return
            of_day = {day: [row for row in file.rows if row.day == day] for day in file.untold}
            file.untold = [
                day
                for day, rows in of_day.items()
                if any(had.get(_kind(row)) != row.count for row in rows)
            ]
            self._write(file)

    @contextmanager
    def telling(self) -> Generator[bool]:
        """Yield whether this process is the one that tells."""
        lock = self._open(".telling")
        try:
            yield try_lock(lock)
        finally:
            let_go(lock)

    @contextmanager
    def _held(self) -> Generator[_File]:
        """Yield what is on disk, while no other process changes it."""
        lock = self._open(".lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._read()
        finally:
            let_go(lock)

    def _open(self, suffix: str) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path.with_suffix(suffix), os.O_RDWR | os.O_CREAT, _FILE_MODE)

    def _read(self) -> _File:
        """Return what is on disk; what is lost or broken begins anew, as another series."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File)
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            return _File(series=secrets.token_urlsafe(16))

    def _write(self, file: _File) -> None:
        """Write it, or raise OSError where it is as it was: what stands is not added again."""
        body = msgspec.json.encode(file)
        try:
            replace_whole(self._path, body)
        except OSError:
            if not self._holds(body):
                raise

    def _holds(self, body: bytes) -> bool:
        with suppress(OSError):
            return self._path.read_bytes() == body
        return False


def _kind(row: VisitCount | _Row) -> VisitKind:
    return VisitKind(row.day, row.agent, row.outcome, row.let_through)


def _add(file: _File, new: Counter[VisitKind]) -> None:
    rows = {_kind(row): row for row in file.rows}
    of_day = Counter(kind.day for kind in rows)
    for kind, count in new.items():
        known = kind
        if kind not in rows and of_day[kind.day] >= _ROWS_OF_A_DAY:
            known = kind._replace(agent=_REST)
        row = rows.get(known)
        if row is None:
            row = rows[known] = _Row(*known, 0)
            of_day[kind.day] += 1
        row.count += count
    file.rows = list(rows.values())
    file.untold = sorted({*file.untold, *(kind.day for kind in new)})


def _forget(file: _File, before: date) -> None:
    file.rows = [row for row in file.rows if row.day >= before]
    file.untold = [day for day in file.untold if day >= before]
