"""Long lists, page by page, for programs without an event loop."""

# Written from `awaited` by `make client`, not by hand.

from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from federation_client.generated.answers import NodeAnswer, Work, WorkPage
from federation_client.generated.words import NodeState
from federation_client.paged import Page, end_of
from federation_client.refusals import IncompleteError

T = TypeVar("T")
FIRST: Final = 100


class Pages(Generic[T]):
    """All entries of a list, asked for a page at a time as they are looked at.

    `cursor` is the place of the last entry given. A list that is begun with it (`after`) goes on
    behind that entry, in another process and after an error too.
    """

    def __init__(self, ask: Callable[[str | None], Page[T]], after: str | None = None) -> None:
        self.cursor = after
        self._ask = ask

    def __iter__(self) -> Iterator[T]:
        while True:
            asked = self.cursor
            page = self._ask(asked)
            for edge in page.edges:
                self.cursor = edge.cursor
                yield edge.node
            if not page.page_info.has_next_page:
                return
            self.cursor = end_of(page.page_info, asked)


class Works:
    """Works of all collectives, in order; those of a node that was late come when it answers.

    `nodes` says how each collective answered last, `is_complete` whether nothing is missing up to
    here. A list that ends with something missing raises IncompleteError, unless it was asked for
    with `partial`. From its `cursor` on, the end of the last page that was given whole, it goes on
    within a day, with what was missing.
    """

    def __init__(
        self,
        ask: Callable[[str | None], WorkPage],
        after: str | None = None,
        *,
        partial: bool = False,
    ) -> None:
        self.cursor = after
        self.nodes: tuple[NodeAnswer, ...] = ()
        self.is_complete = False
        self._ask = ask
        self._partial = partial

    def __iter__(self) -> Iterator[Work]:
        while True:
            asked = self.cursor
            page = self._ask(asked)
            self.nodes, self.is_complete = page.nodes, page.complete
            for work in page.late:
                yield work
            for edge in page.edges:
                yield edge.node
            self.cursor = page.page_info.end_cursor or asked
            if not page.page_info.has_next_page:
                break
            end_of(page.page_info, asked)
        if not (self.is_complete or self._partial):
            missing = [each.node for each in self.nodes if each.state != NodeState.OK]
            raise IncompleteError(missing)
