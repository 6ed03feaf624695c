"""A work that is looked up at two nodes: what is asked, and what a node that has it answers."""

from graphql import build_schema, parse

from federation.federated.asking import Node
from federation.federated.listing import Listing
from federation.federated.selections import Argument, Asking, select
from federation.federated.shapes import shapes_of
from federation.federated.wire import OnBehalfOf

SCHEMA = build_schema("type Query { work: Answer } type Answer { works: [Work!]! ok: Boolean } "
                      "type Work { id: ID! title: String! }")  # fmt: skip
TWICE = "{ work { works { id title } again: works { title } ok } }"


def a_listing(document=TWICE):
    operation = parse(document).definitions[0]
    selection = select(Asking(operation, {}, {}, {}), operation.selection_set.selections)
    selection = selection if selection.below else selection.with_id()
    shapes = shapes_of(SCHEMA.type_map["Work"], selection, {})
    return Listing("work", {"id": Argument("ID", "FR:1")}, selection, shapes, OnBehalfOf.SIGNED_IN)


NODES = [Node(code, f"https://{code}", f"https://{code}") for code in ("DE", "FR")]
GOOD = {"node": {"id": "FR:1", "title": "One"}, "node1": {"title": "One"}}
