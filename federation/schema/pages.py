"""Connections: a page of a long list, its cursors, and whether there is more."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import strawberry

from federation.history.kinds import Found, Page
from federation.values.cursors import cursor_of

Node = TypeVar("Node")
Row = TypeVar("Row")


@strawberry.type(description="Whether a list goes on after a page, and from where.")
class PageInfo:
    """A page may be shorter than asked for while the list goes on; null: there is nothing more."""

    has_next_page: bool = strawberry.field(description="Whether the list has more entries.")
    end_cursor: str | None = strawberry.field(
        description="What to give as `after` for the next page; null where this one is empty "
        "and the last."
    )


@strawberry.type(description="An entry of a list, and its place there.")
class Edge(Generic[Node]):
    """An entry of a list with its cursor."""

    cursor: str = strawberry.field(description="What to give as `after` to begin behind it.")
    node: Node = strawberry.field(description="The entry itself.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    """The entries of a page, and whether there are more."""

    edges: list[Edge[Node]] = strawberry.field(description="The entries in order.")
    page_info: PageInfo = strawberry.field(description="Whether there are more.")

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        first: int,
        cursor: Callable[[Row], str],
        shown: Callable[[Row], Node],
        goes_on_after: str | None = None,
    ) -> "Connection[Node]":
        """Show the first of some rows, of which one more was read than is shown.

        Where that one is not there, the list may still go on after a cursor: so far it was read.
        """
        edges = [Edge(cursor=cursor(row), node=shown(row)) for row in rows[:first]]
        last = edges[-1].cursor if edges else None
        is_full = len(rows) > first
        more = PageInfo(
            has_next_page=is_full or goes_on_after is not None,
            end_cursor=last if is_full else goes_on_after or last,
        )
        return cls(edges=edges, page_info=more)

    @classmethod
    def of_page(
        cls, name: str, page: Page[Any], shown: Callable[[Found[Any]], Node]
    ) -> "Connection[Node]":
        """Show a page of the list `name`, which may go on where it is not full."""
        edges = [Edge(cursor=cursor_of(name, one.place), node=shown(one)) for one in page.found]
        last = edges[-1].cursor if edges else None
        end = last if page.after is None else cursor_of(name, page.after)
        more = PageInfo(has_next_page=page.after is not None, end_cursor=end)
        return cls(edges=edges, page_info=more)
