"""Reads logs into usage lines: each line once, whatever happens in the middle.

What was written down goes first: which formats are of which time, usage to the spool, refused lines
to their file, then how far the log was read. What a crash leaves between them is read again, and
gets the ids that it had.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import Final, NamedTuple, Protocol, Self

from federation.accesslogs.formats import LINE_CHARS_MAX, format_of, read_hit
from federation.accesslogs.glance import lines_left
from federation.accesslogs.hits import COUNTED, LISTED, Fate, LoggedLine, RefusedHit
from federation.accesslogs.judging import Judge
from federation.accesslogs.known import KnownLogs, LogState
from federation.accesslogs.places import identity_of
from federation.accesslogs.refused import RefusedLines
from federation.accesslogs.sources import Log, opened
from federation.values.evidence import Evidence

CHECKPOINT_BYTES: Final = 64 << 20
CHECKPOINT_EVENTS: Final = 50_000
FIRSTS: Final = 3
TOGETHER: Final = 500
"""So many usage lines are written down at once: some 150 KB, never more than a batch may hold."""
_EMPTY_LINES: Final = re.compile(rb"(?:(?<=\n)|\A)[\r\n]{15,}\n")
_FATE_OF: Final[Mapping[Evidence, Fate]] = {Evidence(fate): fate for fate in COUNTED}


class _Digest(Protocol):
    """A running digest of a log's text."""

    def update(self, text: bytes, /) -> None: ...
    def copy(self) -> Self: ...
    def hexdigest(self) -> str: ...


class Sink(NamedTuple):
    """Where usage goes: `write` lines; `flush` so that what was written survives the machine."""

    write: Callable[[Sequence[LoggedLine]], None]
    flush: Callable[[], None]


class Desk(NamedTuple):
    """What every log of an import is read with."""

    judge: Judge
    known: KnownLogs
    sink: Sink
    checkpoint_bytes: int = CHECKPOINT_BYTES


class ReadLog(NamedTuple):
    """What came of one log: what is known of it, what was new, and what waits to become whole."""

    state: LogState
    lines: int
    fates: Counter[Fate]
    torn_bytes: int


def read_log(name: str, desk: Desk) -> ReadLog:
    """Read what is new of a log, by the name of its file or `-` for standard input."""
    with opened(name) as log:
        state, text, blocks = _begin(log, desk.known)
        lines, fates = state.lines, Counter(state.fates)
        with RefusedLines(desk.known.refused(state), state) as refused:
            reading = _Reading(desk, state, text, refused)
            for block in blocks:
                reading.take(block)
            reading.checkpoint()
    return ReadLog(state, state.lines - lines, reading.fates - fates, reading.torn_bytes)


def _begin(log: Log, known: KnownLogs) -> tuple[LogState, _Digest, Iterator[bytes]]:
    """Find out whether a log was read before: by its first line, then by all that was read."""
    blocks = log.blocks()
    first = next(blocks, b"")
    begins = _said_by(first.partition(b"\n")[0].decode("utf-8", "replace"))
    if log.is_stream:
        return known.start(begins), sha256(), chain([first], blocks)
    state, text = _resumed(log, known.beginning(begins)) or (known.start(begins), sha256())
    return state, text, log.blocks(state.read)


def _said_by(line: str) -> str:
    try:
        return identity_of(read_hit(line)).hex()
    except RefusedHit:
        return ""


def _resumed(log: Log, states: list[LogState]) -> tuple[LogState, _Digest] | None:
    """Return the state that fits the most of a log, and the digest of so much of it."""
    best: tuple[LogState, _Digest] | None = None
    if not states:
        return None
    text, done, waiting = sha256(), 0, list(states)
    for piece in log.pieces(states[-1].read):
        while waiting and waiting[0].read <= done + len(piece):
            state = waiting.pop(0)
            here = text.copy()
            here.update(piece[: state.read - done])
            if here.hexdigest() == state.digest:
                best = state, here
        text.update(piece)
        done += len(piece)
    return best


class _Reading:
    """A log on its way; its state is kept at each checkpoint.

    `text` is the digest of what was read before.
    """

    def __init__(self, desk: Desk, state: LogState, text: _Digest, refused: RefusedLines) -> None:
        self.fates = Counter(state.fates)
        self.torn_bytes = 0
        self._desk = desk
        self._state = state
        self._refused = refused
        self._text, self._whole = text, text.copy()
        self._usage: list[LoggedLine] = []
        self._bytes = 0
        self._events = 0

    def take(self, block: bytes) -> None:
        """Take the next bytes: whole lines, or a piece of one that is too long."""
        self._text.update(block)
        if not block.endswith(b"\n"):
            self.torn_bytes += len(block)
            return
        self._whole = self._text.copy()
        if self.torn_bytes:
            line, _, rest = block.partition(b"\n")
            self._state.lines += 1
            refusal = RefusedHit(Fate.TOO_LONG, f"more than {LINE_CHARS_MAX} characters")
            self._refuse(refusal, line.decode("utf-8", "replace"), self._state.lines)
            self._take_lines(rest)
        else:
            self._take_lines(block)
        self._state.read += self.torn_bytes + len(block)
        self._bytes += self.torn_bytes + len(block)
        self.torn_bytes = 0
        if self._bytes >= self._desk.checkpoint_bytes or self._events >= CHECKPOINT_EVENTS:
            self.checkpoint()

    def _take_lines(self, text: bytes) -> None:
        """Take whole lines; many empty ones, one behind the other, are only counted."""
        done = 0
        for empty in _EMPTY_LINES.finditer(text):
            self._take_said(text[done : empty.start()])
            count = empty[0].count(b"\n")
            self.fates[Fate.BLANK] += count
            self._state.lines += count
            done = empty.end()
        self._take_said(text[done:])

    def _take_said(self, text: bytes) -> None:
        lines = text.decode("utf-8", "replace").split("\n")
        lines.pop()
        self._sort(lines)
        self._state.lines += len(lines)

    def checkpoint(self) -> None:
        """Write down usage, refused lines, and how far the log was read, in this order."""
        if not self._bytes:
            return
        self._hand_over()
        self._desk.sink.flush()
        self._refused.flush()
        self._state.digest = self._whole.hexdigest()
        self._state.fates = dict(+self.fates)
        self._desk.known.keep(self._state)
        self._bytes, self._events = 0, 0

    def _sort(self, lines: list[str]) -> None:
        before, stretch = self._state.lines, self._state.stretch
        for place in lines_left(lines, self._desk.judge.agents, stretch, self.fates):
            self._line(lines[place], before + place + 1)

    def _line(self, line: str, number: int) -> None:
        stretch = self._state.stretch
        try:
            hit = read_hit(line)
            stretch.move(hit.occurred_at)
            counted = self._desk.judge.rule(hit, stretch.name)
        except RefusedHit as refusal:
            self._refuse(refusal, line, number)
            return
        self._desk.known.spans.take(format_of(line), counted.occurred_at)
        self.fates[_FATE_OF[counted.evidence]] += 1
        self._usage.append(counted)
        self._events += 1
        if len(self._usage) >= TOGETHER:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._usage:
            self._desk.known.spans.keep()
            self._desk.sink.write(self._usage)
            self._usage = []

    def _refuse(self, refusal: RefusedHit, line: str, number: int) -> None:
        self.fates[refusal.fate] += 1
        if refusal.fate in LISTED:
            self._refused.add(number, refusal, line)
            firsts = self._state.firsts.setdefault(refusal.fate, [])
            if len(firsts) < FIRSTS:
                firsts.append(number)
