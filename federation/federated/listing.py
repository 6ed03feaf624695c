"""A page of a list over all nodes: every node is asked for its part, and the parts are merged.

A node that is slow, down or wrong costs its own entries, which come late once it answers again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from federation.errors import RefusalError
from federation.federated.answers import Expected, Shown, cursor_behind
from federation.federated.asking import OK, STALE, TIMEOUT, Asker, CallError, Node, Question
from federation.federated.cursors import Position
from federation.federated.earlier import Earlier, Heard, ask_and_read
from federation.federated.merging import Key, Merged, Part, asked_on, merge, share
from federation.federated.selections import Argument, Selection
from federation.federated.shapes import Shape
from federation.federated.wire import DEADLINE_MS_MAX, OnBehalfOf

ROUNDS_MAX: Final = 16  # in which a node is asked on for one page
DEADLINE_MS_MIN: Final = 50
BYTES_OF_ALL: Final = 32 * 1024 * 1024  # what the answers to one question may come to
BYTES_OF_ONE_MIN: Final = 128 * 1024
BYTES_OF_ONE_MAX: Final = 8 * 1024 * 1024
_NAMED_MAX: Final = 20

ALL, QUORUM, ANY = "ALL", "QUORUM", "ANY"


class NodesMissingError(RefusalError):
    """Fewer nodes answered than was asked for; ask again, or be content with fewer."""

    code: ClassVar[str] = "NODES_MISSING"


class BadDeadlineError(RefusalError):
    """A deadline is from 50 to 10,000 milliseconds."""

    code: ClassVar[str] = "BAD_DEADLINE"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that all nodes have: its field, its arguments, and what is selected of it.

    `on_behalf_of` says for whom; `shapes` what each selection's answer looks like.
    """

    field: str
    arguments: Mapping[str, Argument]
    selection: Selection
    shapes: Sequence[Shape]
    on_behalf_of: OnBehalfOf


class Reply(NamedTuple):
    """How a node answered: OK or why not, with a code, and after how many milliseconds.

    Where it is STALE, what it told is so many seconds old.
    """

    node: str
    state: str
    latency_ms: int
    code: str | None = None
    message: str | None = None
    age_seconds: float = 0.0


class Listed(NamedTuple):
    """A page of the whole list, and how each node answered.

    It `is_complete` where every node has answered and nothing is owed; it `is_stale` where some of
    it, or of a page before, is as of an earlier time.
    """

    page: Merged[Shown]
    replies: list[Reply]
    is_complete: bool
    is_stale: bool = False

    def position(self, key: Key | None, missing: Mapping[str, Key | None]) -> Position:
        """Return where the list goes on behind a key, with who is missing there."""
        return Position(key, missing, self.is_stale)

    @property
    def end(self) -> Position:
        """Return where the list goes on."""
        return self.position(self.page.end, self.page.missing)


def deadline_seconds(deadline_ms: int) -> float:
    """Return a client's deadline in seconds, or refuse it (BAD_DEADLINE)."""
    if not DEADLINE_MS_MIN <= deadline_ms <= DEADLINE_MS_MAX:
        raise BadDeadlineError(f"deadlineMs: {deadline_ms}")
    return deadline_ms / 1000


def bytes_of_one(nodes: int) -> int:
    """Return how much is read of the answer of one of so many nodes."""
    return min(BYTES_OF_ONE_MAX, max(BYTES_OF_ONE_MIN, BYTES_OF_ALL // max(nodes, 1)))


def require_answers(silent: Mapping[str, str], asked: int, require: str) -> None:
    """Refuse unless enough of the nodes that were asked have answered: who did not is named.

    ALL, more than half (QUORUM) or ANY; where nobody was asked nobody is missing. `silent` is
    {node: why it gave no answer of now} (NODES_MISSING).
    """
    needed = {ALL: asked, QUORUM: asked // 2 + 1, ANY: 1}[require]
    if silent and asked - len(silent) < needed:
        named = [f"{node} ({why})" for node, why in silent.items()]
        more = f" and {len(named) - _NAMED_MAX} more" if len(named) > _NAMED_MAX else ""
        raise NodesMissingError(f"{require}: no answer of {', '.join(named[:_NAMED_MAX])}{more}")


def require_replies(replies: Sequence[Reply], require: str) -> None:
    """Refuse unless enough nodes have answered; for ANY what one answered earlier will do."""
    answered = {OK, STALE} if require == ANY else {OK}
    silent = {
        reply.node: reply.code or reply.state for reply in replies if reply.state not in answered
    }
    require_answers(silent, len(replies), require)


def stale(reply: Reply, heard: Heard) -> Reply:
    """Return a node's reply where some of what it tells is as of an earlier time."""
    if heard.silence is None:
        return reply
    age = max(reply.age_seconds, heard.age_seconds)
    why = heard.silence
    return reply._replace(state=STALE, code=why.code, message=why.message, age_seconds=age)


class Gathering:
    """One page, as it is put together. `monotonic` is what `deadline` is measured by.

    Where a node gives no answer, one that is among the `earlier` ones is told; without them none.
    """

    def __init__(
        self,
        asker: Asker,
        nodes: Sequence[Node],
        listing: Listing,
        *,
        deadline: float,
        monotonic: Callable[[], float],
        earlier: Earlier | None = None,
    ) -> None:
        self._asker, self._listing, self._earlier = asker, listing, earlier
        self._heard_stale = False
        self._nodes = {node.code: node for node in nodes}
        self._deadline, self._now = deadline, monotonic
        self._replies: dict[str, Reply] = {}
        own = {"first": Argument("Int!", None), "after": Argument("String", None)}
        self._document, self._variables = listing.selection.document(
            listing.field, own | dict(listing.arguments)
        )
        self._bytes_max = bytes_of_one(len(nodes))

    async def page(self, position: Position, first: int) -> Listed:
        """Return the page of `first` entries behind a position."""
        start = position.after
        owed = {code: key for code, key in position.missing.items() if code in self._nodes}
        is_late_shown = bool(self._listing.selection.things)
        since = owed if is_late_shown else {}
        parts = [Part[Shown](code, since.get(code, start)) for code in self._nodes]
        size = share(first, len(parts))
        wanted = [(part, first if part.node in since else size) for part in parts]
        for _ in range(ROUNDS_MAX):
            await asyncio.gather(*(self._read(part, count) for part, count in wanted))
            wanted = asked_on(parts, start, first)
            if not wanted or self._now() >= self._deadline:
                break
        page = self._without_who_is_behind(parts, [part for part, _ in wanted], start, first)
        replies = [self._replies[code] for code in self._nodes]
        is_complete = not page.missing and (is_late_shown or not owed)
        is_stale = position.is_stale or self._heard_stale
        is_complete = is_complete and not is_stale and all(one.state == OK for one in replies)
        return Listed(page, replies, is_complete, is_stale)

    def _without_who_is_behind(
        self, parts: list[Part[Shown]], behind: list[Part[Shown]], start: Key | None, first: int
    ) -> Merged[Shown]:
        """Return the page; who still holds it up is missing, if the others fill it without.

        A node may go on in steps as small as it likes: nobody waits for that.
        """
        page = merge(parts, start, first)
        others = [part for part in parts if part not in behind]
        if not behind or len(merge(others, start, first).entries) < first:
            return page
        for part in behind:
            part.is_missing = True
            reply = self._replies[part.node]
            self._replies[part.node] = Reply(
                part.node, TIMEOUT, reply.latency_ms, "BEHIND", "it goes on in too small steps"
            )
        return merge(parts, start, first)

    async def _read(self, part: Part[Shown], count: int) -> None:
        """Ask a node for more of its part; whatever goes wrong with it ends there."""
        began = self._now()
        reply = before = self._replies.get(part.node, Reply(part.node, OK, 0))
        try:
            heard = await self._ask(part, count)
        except CallError as error:
            part.is_missing = True
            reply = before._replace(state=error.state, code=error.code, message=error.message)
        else:
            self._heard_stale |= heard.silence is not None
            reply = stale(before, heard)
        took = int((self._now() - began) * 1000)
        self._replies[part.node] = reply._replace(latency_ms=before.latency_ms + took)

    async def _ask(self, part: Part[Shown], count: int) -> Heard:
        listing, after = self._listing, part.read_to
        prefix = listing.selection.prefix
        variables = self._variables | {
            f"{prefix}first": count,
            f"{prefix}after": cursor_behind(listing.field, part.node, after),
        }
        expected = Expected(listing.field, part.node, after, count)
        (entries, goes_on), heard = await ask_and_read(
            self._asker,
            self._earlier,
            self._nodes[part.node],
            Question(self._document, variables, listing.on_behalf_of),
            lambda body: expected.read(body, listing.selection.names(), listing.shapes),
            deadline=self._deadline,
            bytes_max=self._bytes_max,
        )
        part.add(entries, goes_on)
        return heard
