"""Nodes in this process: each has a list in order, and answers as a node does, or not at all."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from graphql import FieldNode, OperationDefinitionNode, build_schema, parse

from federation.federated.asking import ERROR, Asker, CallError, Node
from federation.federated.cursors import Cursors, Position
from federation.federated.earlier import Earlier
from federation.federated.listing import Gathering, Listed, Listing
from federation.federated.selections import Argument, Asking, Selection, select
from federation.federated.shapes import shape_of
from federation.federated.wire import OnBehalfOf
from federation.history.kinds import Place
from federation.values.cursors import cursor_of, key_of

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
SCHEMA = build_schema("""
  type Query {
    works(first: Int!, after: String): WorkConnection!
    rightholders(first: Int!, after: String): RightholderConnection!
    reservations(first: Int!, after: String): ReservationConnection!
  }
  type RightholderConnection { edges: [RightholderEdge!]! late: [Rightholder!]! }
  type RightholderEdge { cursor: String! node: Rightholder! }
  type Rightholder { id: ID! title: String! }
  type ReservationConnection { edges: [ReservationEdge!]! late: [Reservation!]! }
  type ReservationEdge { cursor: String! node: Reservation! }
  type Reservation { id: ID! title: String! }
  type WorkConnection { edges: [WorkEdge!]! late: [Work!]! }
  type WorkEdge { cursor: String! node: Work! }
  type Work { id: ID! title: String! words: Int tags: [String!]! kind: Kind! by: [Creator!]! }
  type Creator { name: String! role: String }
  enum Kind { BOOK IMAGE }
""")
PLAIN = "{ works(first: 1) { edges { cursor node { id title } } late { id title } } }"
PREFIX = "of_the_list_"
LISTS = {
    "works": ("Work", OnBehalfOf.SIGNED_IN),
    "rightholders": ("Rightholder", OnBehalfOf.PARTNER),
    "reservations": ("Reservation", OnBehalfOf.SIGNED_IN),
}
"""The lists over all nodes: their things, and on whose behalf nodes are asked for them."""


def selected(document: str, **sent: Any) -> tuple[Selection, Listing]:
    """Return what a document selects of a list, and the list it asks for."""
    parsed = parse(document)
    [operation] = [one for one in parsed.definitions if isinstance(one, OperationDefinitionNode)]
    fragments = {one.name.value: one for one in parsed.definitions if one is not operation}
    [listed] = [one for one in operation.selection_set.selections if isinstance(one, FieldNode)]
    kind, on_behalf_of = LISTS[listed.name.value]
    selection = select(Asking(operation, fragments, sent, sent), [listed])
    shapes = [shape_of(SCHEMA.type_map[kind], sets, fragments) for sets in selection.parts]
    arguments = {"text": Argument("String!", "fox")}
    return selection, Listing(listed.name.value, arguments, selection, shapes, on_behalf_of)


@dataclass
class Simulated:
    """A node: its things as (sorted by, id), in order.

    Those that are `hidden` are not in the list; of all of them it looks at `looked_max` for a page.
    """

    code: str
    things: list[tuple[str, str]]
    hidden: frozenset[tuple[str, str]] = frozenset()
    looked_max: int = 100
    is_down: bool = False
    listed: str = "works"
    asked: list[tuple[int, str | None]] = field(default_factory=list)

    def answer(self, body: bytes) -> bytes:
        """Answer a question as a node does."""
        variables = msgspec.json.decode(body)["variables"]
        first, cursor = variables[f"{PREFIX}first"], variables[f"{PREFIX}after"]
        self.asked.append((first, cursor))
        after = key_of(self.listed, cursor, Place)
        rest = [Place(*one) for one in self.things if after is None or one > tuple(after)]
        looked = rest[: self.looked_max]
        found = [one for one in looked if one not in self.hidden]
        page = found[:first]
        edges = [{"cursor": cursor_of(self.listed, one), "node": self.shown(one)} for one in page]
        is_cut = len(found) > first or len(rest) > len(looked)
        last = page[-1:] if len(found) > first or not is_cut else looked[-1:]
        end = cursor_of(self.listed, last[0]) if last else None
        info = {"hasNextPage": is_cut, "endCursor": end}
        return msgspec.json.encode({"data": {self.listed: {"edges": edges, "pageInfo": info}}})

    def shown(self, place: Place) -> dict[str, Any]:
        """Return what is shown of a thing."""
        return {"id": f"{self.code}:{place.thing}", "title": place.sorted_by}


Answering = Callable[[Node, bytes], bytes]


class World:
    """A hub and its nodes. Its time stands still but for what is said here."""

    def __init__(self, nodes: list[Simulated], first: int = 3, document: str = PLAIN) -> None:
        self.nodes = {node.code: node for node in nodes}
        self.first, self.time = first, 100.0
        self.selection, self.listing = selected(document)
        self.asker = Asker(self.call, lambda: self.time)
        self.earlier: Earlier | None = None
        question = (self.listing.field, "fox")
        self.cursors = Cursors(lambda text: sha256(b"s" + text).digest(), question, NOON)
        for node in nodes:
            node.listed = self.listing.field
        self.instead: dict[str, Answering] = {}

    async def call(self, node: Node, body: bytes, headers: Any, **limits: Any) -> bytes:
        """Reach a node."""
        del headers, limits
        await asyncio.sleep(0)
        if self.nodes[node.code].is_down:
            raise CallError(ERROR, "NO_ANSWER", "down")
        if node.code in self.instead:
            return self.instead[node.code](node, body)
        return self.nodes[node.code].answer(body)

    async def page(self, position: Position) -> Listed:
        """Ask for a page behind a position."""
        nodes = [Node(code, f"https://{code}", f"https://{code}") for code in self.nodes]
        gathering = Gathering(
            self.asker,
            nodes,
            self.listing,
            deadline=self.time + 1,
            monotonic=lambda: self.time,
            earlier=self.earlier,
        )
        found = await gathering.page(position, self.first)
        self.time += 10  # whoever failed may be asked again
        return found

    def after(self, listed: Listed) -> Position:
        """Return where a list goes on, as its cursor says."""
        return self.cursors.read(self.cursors.write(listed.end))
