"""Puts into words what an import read, and what the node said."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from federation.accesslogs.hits import COUNTED, LISTED, Fate
from federation.accesslogs.importing import ReadLog
from federation.accesslogs.sending import HandIn

_MEANS: Final = {
    Fate.TOKEN_LOGGED: "counted: a licence token was shown",
    Fate.AGENT_LOGGED: "counted: an agent that a licence names",
    Fate.NOT_A_CRAWLER: "people",
    Fate.NOT_LICENSED: "crawlers without a licence",
    Fate.NOT_A_GET: "licensed, not a GET",
    Fate.NOT_SUCCESSFUL: "licensed, no page was served",
    Fate.BLANK: "empty, or a comment",
    Fate.MALFORMED: "not a whole line of a known format",
    Fate.TOO_LONG: "more than 65,536 characters",
    Fate.MALFORMED_URL: "no address",
    Fate.OTHER_SITE: "a host that is none of the site's",
    Fate.FUTURE: "later than now",
    Fate.TOO_OLD: "older than the months asked for",
    Fate.TOKEN_UNREADABLE: "what was shown is no part of a licence token",
    Fate.TOKEN_NOT_ALIVE: "the token had ended, or was not issued yet",
    Fate.OUTSIDE_TOKEN: "the token does not reach the address",
    Fate.USE_NOT_GRANTED: "no use declared, or one not granted",
    Fate.OUTSIDE_LICENCE: "the agent's licence was not in force",
}


class Summary:
    """What the logs of one import came to."""

    def __init__(self) -> None:
        self._fates: Counter[Fate] = Counter()
        self._lines = 0
        self._last: tuple[str, ReadLog] | None = None

    def add(self, name: str, read: ReadLog) -> None:
        """Add one log."""
        self._fates.update(read.fates)
        self._lines += read.lines
        self._last = name, read

    def of_last(self) -> str:
        """Say what the last log came to: lines by fate, the first lines of what is listed."""
        if self._last is None:
            return ""
        name, read = self._last
        said = [f"{name}: {read.lines} new lines\n", *_lines_by_fate(read.fates)]
        for fate in Fate:
            if fate in LISTED and fate in read.fates:
                first = ", ".join(str(number) for number in read.state.firsts.get(fate, ()))
                said.append(f"  {fate}: first in line {first}\n")
        if read.torn_bytes:
            said.append(
                f"  {read.torn_bytes} bytes after the last line end wait for the next run\n"
            )
        return "".join(said)

    def of_all(self) -> str:
        """Say what all of them came to."""
        counted = sum(self._fates[fate] for fate in COUNTED)
        return f"all: {self._lines} new lines, {counted} counted as usage\n"


def said_of_hosts(others: Iterable[str], origins: Iterable[str]) -> str:
    """Say which hosts are none of the site's, beside those that are: often a port is missing."""
    named = ", ".join(others)
    return f"  {Fate.OTHER_SITE}: {named} (origins: {' '.join(origins)})\n" if named else ""


def _lines_by_fate(fates: Counter[Fate]) -> list[str]:
    return [f"  {fates[fate]:>12,} {fate}: {_MEANS[fate]}\n" for fate in Fate if fates[fate]]


def said_by_node(hand_in: HandIn) -> str:
    """Say what the node took and said, and what waits."""
    said = [f"the node took {_batches(hand_in.batches)}\n"]
    for name, lines in sorted(hand_in.classes.items()):
        said.append(f"  {lines:>12,} {name}\n")
        if name != "DUPLICATE":  # taken once before: there is nothing to mend
            said += [f"{'':15}because {why}\n" for why in hand_in.reasons.get(name, ())]
    said += [f"  {refusal}: {times} times\n" for refusal, times in hand_in.refusals.items()]
    waiting = hand_in.waiting()
    said.append(f"{_batches(waiting)} wait{'s' if waiting == 1 else ''} in the spool\n")
    return "".join(said)


def _batches(count: int) -> str:
    return f"{count} batch" if count == 1 else f"{count} batches"
