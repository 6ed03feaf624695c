"""Which event a line is: what it says, and its place among the equal lines of one stretch.

The rule and its limits are in docs/decisions/0034.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Final

import msgspec

from federation.accesslogs.hits import Hit

SLACK_SECONDS: Final = 10
"""So much older than the newest of its stretch a line may be: servers write out of order."""
_SAID_MAX: Final = 2_000
"""So many lines of one second are told apart by their place; then its places begin anew."""
_encode: Final = msgspec.json.Encoder().encode
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The digit of a UUID that holds its variant, by the digit of the digest that stood there."""


class Stretch(msgspec.Struct):
    """Lines one behind the other in which time goes on, and what those of the last seconds said.

    Where time steps back by more than the slack a new one begins, in which places count from 1: so
    what stands in a log once more, wherever, has the ids that it had. Times are seconds since 1970;
    `met` is {second: {what lines said: how many}}.
    """

    newest: int = 0
    met: dict[int, dict[str, int]] = {}

    def move(self, at: datetime) -> None:
        """Go on to a line of an instant."""
        second = int(at.timestamp())
        if second > self.newest:
            self.newest = second
            if self.met:
                oldest = second - SLACK_SECONDS
                self.met = {each: said for each, said in self.met.items() if each >= oldest}
        elif second < self.newest - SLACK_SECONDS:
            self.newest, self.met = second, {}

    def name(self, hit: Hit) -> str:
        """Return the id of the event that the line just moved to is, and count the line.

        One with a request's own id is told by that id: the same again is the same request.
        """
        identity = identity_of(hit)
        return event_id(hit, identity, 1 if hit.request_id else self._place(hit, identity.hex()))

    def _place(self, hit: Hit, name: str) -> int:
        """Return which of the lines of this stretch that say the same this one is, from 1."""
        said = self.met.setdefault(int(hit.occurred_at.timestamp()), {})
        if len(said) >= _SAID_MAX:
            said.clear()
        place = said[name] = said.get(name, 0) + 1
        return place


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
    return blake2b(_encode(said), digest_size=16).digest()


def event_id(hit: Hit, identity: bytes, place: int) -> str:
    """Return the id of the `place`th line that says the same: a UUIDv8 that grows with time."""
    name = blake2b(identity + place.to_bytes(8, "big"), digest_size=16).hexdigest()
    time = f"{max(0, int(hit.occurred_at.timestamp() * 1000)) & ((1 << 48) - 1):012x}"
    return f"{time[:8]}-{time[8:]}-8{name[13:16]}-{_VARIANT[name[16]]}{name[17:20]}-{name[20:]}"
