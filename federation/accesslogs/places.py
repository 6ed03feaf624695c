"""Which event a line is: what it says, and its place among the lines that say the same.

The rule and its limits are in docs/decisions/0034. Pure: what was met is handed in and out.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from federation.accesslogs.hits import Hit
from federation.accesslogs.scrubbing import scrubbed

BORDER_LINES: Final = 1_000
"""So many lines at the end of one log, and at the head of the next, may say the same."""
EDGE_LINES: Final = 2 * BORDER_LINES
"""So many lines at the end of a log are known again at the head of another."""
_LINE_BYTES_KEPT: Final = 4_096
_GENERATION: Final = 4_096
_DIGEST_BYTES: Final = 8

Met = dict[str, tuple[int, int]]
"""{what lines say: (how many said it, the last one's number)}"""


def identity_of(hit: Hit) -> bytes:
    """Return what a hit says as 16 bytes: nothing of the configuration, no address of a caller.

    The fields and their order are for ever: another would give each line a second id.
    """
    said = (
        round(hit.occurred_at.timestamp() * 1000),
        hit.method,
        hit.host.lower(),
        hit.target,
        hit.status,
        hit.body_bytes,
        hit.agent,
        hit.token or hit.token_id,
        hit.use,
        hit.request_id,
    )
    return blake2b(msgspec.json.encode(said), digest_size=16).digest()


def event_id(hit: Hit, identity: bytes, place: int) -> str:
    """Return the id of the `place`th line that says the same: a UUIDv8 that grows with time."""
    name = blake2b(identity + place.to_bytes(8, "big"), digest_size=16).digest()
    random = int.from_bytes(name, "big")
    millisecond = max(0, int(hit.occurred_at.timestamp() * 1000)) & ((1 << 48) - 1)
    high, low = random >> 64 & 0xFFF, random & ((1 << 62) - 1)
    text = f"{millisecond << 80 | 0x8 << 76 | high << 64 | 0b10 << 62 | low:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Places:
    """Counts the lines of one log that say the same, those near each other, in bounded memory.

    `carried` is what the ends of logs before this one said: its first lines go on counting there.
    A line with a request's own id is told by that id: the same again is the same request.
    """

    def __init__(self, carried: Mapping[str, int], old: Met, new: Met) -> None:
        self._carried = carried
        self.old = old
        self.new = new

    def place(self, hit: Hit, identity: bytes, line: int) -> int:
        """Return which of the lines that say the same this one is, from 1, and count it."""
        if hit.request_id:
            return 1
        name = identity.hex()
        if name in self.new:
            before = self.new[name][0]
        elif name in self.old:
            before = self.old[name][0]
        else:
            before = self._carried.get(name, 0) if line <= BORDER_LINES else 0
        if len(self.new) >= _GENERATION:
            self.old, self.new = self.new, {}
        self.new[name] = (before + 1, line)
        return before + 1

    def at_the_end(self, lines: int) -> dict[str, int]:
        """Return how often each thing was said by the last lines of a log of so many."""
        met = {**self.old, **self.new}
        border = lines - BORDER_LINES
        return {name: count for name, (count, line) in met.items() if line > border}


def ends_of(line: bytes) -> bytes:
    """Return as much of a line as it is known again by: all, or both ends of a long one."""
    half = _LINE_BYTES_KEPT // 2
    return line if len(line) <= _LINE_BYTES_KEPT else line[:half] + line[-half:]


def digest_of(line: bytes) -> str:
    """Return by what a line is known again; no address of a caller goes into it."""
    bare = scrubbed(ends_of(line))
    return blake2b(bare, digest_size=_DIGEST_BYTES).hexdigest()


def overlap(tail: Sequence[str], head: Sequence[str]) -> int:
    """Return how many lines at the head of a log are the last ones of another, the most it can be.

    A log that is shorter than the other's end, and lies in it, overlaps whole.
    """
    if not head or head[0] not in tail:
        return 0
    for start, digest in enumerate(tail):
        length = min(len(tail) - start, len(head))
        if digest == head[0] and tail[start : start + length] == head[:length]:
            return length
    return 0
