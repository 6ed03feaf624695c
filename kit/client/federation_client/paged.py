"""What a page of any list has (https://relay.dev/graphql/connections.htm)."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from federation_client.generated.answers import PageInfo
from federation_client.refusals import NotUnderstoodError

T_co = TypeVar("T_co", covariant=True)


class Edge(Protocol[T_co]):
    """An entry and its place."""

    @property
    def cursor(self) -> str:
        """The place of the entry."""
        ...

    @property
    def node(self) -> T_co:
        """The entry."""
        ...


class Page(Protocol[T_co]):
    """Some entries in their order, and whether there are more."""

    @property
    def edges(self) -> Sequence[Edge[T_co]]:
        """The entries."""
        ...

    @property
    def page_info(self) -> PageInfo:
        """Whether there are more, and from where on."""
        ...


def end_of(info: PageInfo, asked: str | None) -> str:
    """Return from where on the next page is; a list that would never end is refused."""
    if info.end_cursor is None or info.end_cursor == asked:
        raise NotUnderstoodError("there is to be another page, and nowhere to go on from")
    return info.end_cursor
