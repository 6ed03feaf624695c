"""What a node remembers for the sites of members, within one budget over all of it.

How much there is for one site others decide: members by their rulings, partners by theirs.
"""

from collections.abc import Collection
from typing import Any, Final, Generic, TypeVar

from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.messages import Slice
from federation.server import Server
from federation.signing.policy import SiteOptOut

KEPT_BYTES_MAX: Final = 256 << 20
FORGOTTEN_SECONDS: Final = 3_600.0  # a site that asks no more is gone: so long was its policy good
_ENTRY_BYTES: Final = 800  # about, of a claim or a ruling with its texts and dates
_KEY_BYTES: Final = 250  # of an address, beside its letters
_OPT_OUT_BYTES: Final = 250  # of an opt-out, beside its subject

T = TypeVar("T")


class SiteMemory:
    """Counts what is kept on several shelves, by member; the one asked for least recently goes.

    What is kept for the member that asks now stays, whatever its size. What nobody asked for in
    `FORGOTTEN_SECONDS` goes too.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._sizes: dict[str, dict[Shelf[Any], int]] = {}  # who asked least recently is first
        self._asked_at: dict[str, float] = {}
        self._bytes = 0

    @property
    def members(self) -> list[str]:
        """For whom something is kept, who asked least recently first."""
        return list(self._sizes)

    @property
    def size(self) -> int:
        """About how many bytes all takes that is kept."""
        return self._bytes

    def use(self, member: str) -> None:
        """Note that a member's site asks now, and let go of what is too much or too old."""
        now = self._server.monotonic()
        sizes = self._sizes.pop(member, None)
        if sizes is not None:
            self._sizes[member], self._asked_at[member] = sizes, now
        for other in list(self._sizes):
            is_old = now - self._asked_at[other] >= FORGOTTEN_SECONDS
            if other == member or not (is_old or self._bytes > KEPT_BYTES_MAX):
                break
            self.forget(other)

    def count(self, member: str, shelf: "Shelf[Any]", size: int) -> None:
        """Count what is now on a shelf for a member, instead of what was there."""
        sizes = self._sizes.setdefault(member, {})
        self._bytes += size - sizes.get(shelf, 0)
        sizes[shelf] = size
        self.use(member)

    def uncount(self, member: str, shelf: "Shelf[Any]") -> None:
        """Count no more what was on a shelf for a member."""
        sizes = self._sizes.get(member, {})
        self._bytes -= sizes.pop(shelf, 0)
        if not sizes and member in self._sizes:
            del self._sizes[member], self._asked_at[member]

    def forget(self, member: str) -> None:
        """Let go of all that is kept for a member."""
        for shelf in list(self._sizes.get(member, ())):
            shelf.drop(member)


class Shelf(Generic[T]):
    """Things of one kind, one for each member, in a memory that may let go of them."""

    def __init__(self, memory: SiteMemory) -> None:
        self._memory = memory
        self._things: dict[str, T] = {}

    def find(self, member: str) -> T | None:
        """Return what is kept for a member whose site asks now."""
        self._memory.use(member)
        return self._things.get(member)

    def keep(self, member: str, thing: T, size: int) -> None:
        """Keep a thing of about so many bytes for a member whose site asks now."""
        self._things[member] = thing
        self._memory.count(member, self, size)

    def drop(self, member: str) -> None:
        """Let go of what is kept here for a member, if anything is."""
        self._things.pop(member, None)
        self._memory.uncount(member, self)


def size_of_slice(said: Slice) -> int:
    """Return about how many bytes an answer of the index takes in memory."""
    paths = sum(len(one.fact.path) for one in said.claims)
    paths += sum(len(one.fact.path or "") for one in said.opt_outs)
    return paths + _ENTRY_BYTES * (len(said.claims) + len(said.opt_outs))


def size_of_keys(keys: Collection[UrlKey | ClaimKey]) -> int:
    """Return the same of addresses, and of places."""
    return sum(len(key.host) + len(key.path) + _KEY_BYTES for key in keys)


def size_of_opt_outs(opt_outs: Collection[SiteOptOut]) -> int:
    """Return the same of opt-outs for older gates."""
    return sum(len(one.subject) + _OPT_OUT_BYTES for one in opt_outs)
