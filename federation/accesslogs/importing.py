"""Reads logs into usage lines: each line once, whatever happens in the middle.

What was written down goes first: usage to the spool, refused lines to their file, then how far the
log was read. What a crash leaves between them is read again, and gets the ids that it had.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from federation.accesslogs.formats import first_second, read_hit, sort_plain
from federation.accesslogs.hits import COUNTED, LISTED, Fate, Hit, LoggedLine, RefusedHit
from federation.accesslogs.judging import Judge
from federation.accesslogs.known import Digest, KnownLogs, LogState, new_digest
from federation.accesslogs.places import (
    EDGE_LINES,
    Places,
    digest_of,
    ends_of,
    event_id,
    identity_of,
)
from federation.accesslogs.refused import RefusedLines
from federation.accesslogs.sources import Source
from federation.values.evidence import Evidence

CHECKPOINT_BYTES: Final = 64 << 20
CHECKPOINT_EVENTS: Final = 50_000
FIRSTS: Final = 3
_FATE_OF: Final[Mapping[Evidence, Fate]] = {Evidence(fate): fate for fate in COUNTED}
_HEAD_BLOCKS: Final = 4


class Sink(NamedTuple):
    """Where usage goes: `append` a line; `flush` so that what was appended survives the machine."""

    append: Callable[[LoggedLine], None]
    flush: Callable[[], None]


class Desk(NamedTuple):
    """What every log of an import is read with; `refused` is the folder of refused lines."""

    judge: Judge
    known: KnownLogs
    sink: Sink
    refused: Path | None
    checkpoint_bytes: int = CHECKPOINT_BYTES


class ReadLog(NamedTuple):
    """What came of one log: what is known of it, what was new, and what waits to become whole."""

    state: LogState
    lines: int
    fates: dict[str, int]
    torn_bytes: int


def read_log(source: Source, desk: Desk) -> ReadLog:
    """Read what is new of a log."""
    state, digest, blocks = _begin(source, desk.known)
    before, fates = state.lines, dict(state.fates)
    with RefusedLines(desk.refused, state) as refused:
        reading = _Reading(desk, state, digest, refused)
        for block in blocks:
            reading.take(block)
        reading.checkpoint()
    new = {fate: count - fates.get(fate, 0) for fate, count in state.fates.items()}
    new = {fate: count for fate, count in new.items() if count}
    return ReadLog(state, state.lines - before, new, reading.torn_bytes)


def _begin(source: Source, known: KnownLogs) -> tuple[LogState, Digest, Iterator[bytes]]:
    """Find out whether a log was read before: by its first line, then by all that was read."""
    blocks = source.blocks()
    head: list[bytes] = []
    for block in blocks:
        head.append(block)
        if len(head) == _HEAD_BLOCKS or sum(each.count(b"\n") for each in head) >= EDGE_LINES:
            break
    lines = b"".join(head).split(b"\n")
    if not source.is_stream:
        found = _resumed(source, known.beginning(digest_of(lines[0])))
        if found is not None:
            return (*found, source.blocks(found[0].read))
    return known.start(lines[:-1] or lines), new_digest(), chain(head, blocks)


def _resumed(source: Source, states: list[LogState]) -> tuple[LogState, Digest] | None:
    """Return the state that fits the most of a log, and the digest of so much of it."""
    best: tuple[LogState, Digest] | None = None
    digest, done = new_digest(), 0
    if not states:
        return None
    waiting = list(states)
    for piece in source.pieces(states[-1].read):
        while waiting and waiting[0].read <= done + len(piece):
            state = waiting.pop(0)
            here = digest.copy()
            here.update(piece[: state.read - done])
            if here.hexdigest() == state.digest:
                best = state, here
        digest.update(piece)
        done += len(piece)
    return best


class _Reading:
    """A log on its way; its state is kept at each checkpoint."""

    def __init__(self, desk: Desk, state: LogState, digest: Digest, refused: RefusedLines) -> None:
        self._desk = desk
        self._state = state
        self._digest = digest
        self._refused = refused
        self._places = Places(state.carried, state.old, state.new)
        self._tail: list[bytes] = []
        self._pieces: list[Digest] = []
        self._bytes = 0
        self._events = 0
        self.torn_bytes = 0

    def take(self, block: bytes) -> None:
        """Take the next bytes: whole lines, or a piece of one that is too long."""
        digest = self._pieces.pop() if self._pieces else self._digest
        if not block.endswith(b"\n"):
            digest = digest.copy()
            digest.update(block)
            self._pieces.append(digest)
            self.torn_bytes += len(block)
            return
        digest.update(block)
        self._digest = digest
        lines = block.split(b"\n")
        lines.pop()
        first = 0
        if self.torn_bytes:
            first = 1
            refusal = RefusedHit(Fate.TOO_LONG, f"{self.torn_bytes + len(lines[0])} bytes")
            self._refuse(refusal, lines[0], self._state.lines + 1)
        self._sort(lines, first)
        self._state.ended_at = first_second(reversed(lines)) or self._state.ended_at
        self._state.lines += len(lines)
        self._state.read += self.torn_bytes + len(block)
        self._bytes += self.torn_bytes + len(block)
        self.torn_bytes = 0
        last = [ends_of(line) for line in lines[-EDGE_LINES:]]
        self._tail = [*self._tail, *last][-EDGE_LINES:]
        if self._bytes >= self._desk.checkpoint_bytes or self._events >= CHECKPOINT_EVENTS:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Write down usage, refused lines, and how far the log was read, in this order."""
        state = self._state
        if not self._bytes:
            return
        self._desk.sink.flush()
        self._refused.flush()
        digests = [digest_of(line) for line in self._tail]
        state.tail = [*state.tail, *digests][-EDGE_LINES:]
        state.digest = self._digest.hexdigest()
        state.old, state.new = self._places.old, self._places.new
        state.ends = self._places.at_the_end(state.lines - state.skip)
        if state.lines > state.skip:  # what lies in another log says nothing of what follows it
            self._desk.known.keep(state)
        self._tail, self._bytes, self._events = [], 0, 0

    def _sort(self, lines: list[bytes], first: int) -> None:
        before = self._state.lines
        seen = max(first, min(len(lines), self._state.skip - before))
        self._count(Fate.SEEN_BEFORE, seen - first)
        fresh = lines[seen:] if seen else lines
        left, people = sort_plain(fresh, self._desk.judge.agents)
        self._count(Fate.NOT_A_CRAWLER, people)
        self._count(Fate.NOT_LICENSED, len(fresh) - len(left) - people)
        for place in left:
            self._line(fresh[place], before + seen + place + 1)

    def _line(self, line: bytes, number: int) -> None:
        def name(hit: Hit) -> str:
            identity = identity_of(hit)
            place = self._places.place(hit, identity, number - self._state.skip)
            return event_id(hit, identity, place)

        try:
            counted = self._desk.judge.rule(read_hit(line), name)
        except RefusedHit as refusal:
            self._refuse(refusal, line, number)
            return
        self._desk.sink.append(counted)
        self._events += 1
        self._note(_FATE_OF[counted.evidence], number)

    def _refuse(self, refusal: RefusedHit, line: bytes, number: int) -> None:
        self._note(refusal.fate, number)
        if refusal.fate in LISTED:
            self._refused.add(number, refusal, line)

    def _note(self, fate: Fate, number: int) -> None:
        self._count(fate, 1)
        firsts = self._state.firsts.setdefault(fate.value, [])
        if len(firsts) < FIRSTS:
            firsts.append(number)

    def _count(self, fate: Fate, lines: int) -> None:
        if lines:
            self._state.fates[fate.value] = self._state.fates.get(fate.value, 0) + lines
