"""Things asked of nodes by their ids: what each sends is checked whole, and costs nobody else."""

import msgspec
import pytest
from graphql import build_schema, parse

from federation.federated.asking import Asker, CallError, Node
from federation.federated.entities import Wanted, look_up_entities
from federation.federated.selections import Asking, select_of_kind
from federation.federated.shapes import shapes_of
from federation.federated.wire import OnBehalfOf

SCHEMA = build_schema("type Work { id: ID! title: String! } type Query { work: Work }")
DOCUMENT = """query($with: Boolean!, $unused: Int) { _entities {
  __typename ... on _Entity { ...Of } ... on Licence { number } ...Other ... { is: id }
  ... on Work @include(if: $with) { title } ... on Work @skip(if: $with) { never: title } } }
fragment Of on Work { id @include(if: $with) } fragment Other on Licence { licensor }"""
NODES = {code: Node(code, f"https://{code}", f"https://{code}") for code in ("DE", "FR")}


def wanted(document=DOCUMENT):
    operation, *fragments = parse(document).definitions
    named, given = {one.name.value: one for one in fragments}, {"with": True}
    asking = Asking(operation, named, given, given)
    selection = select_of_kind(asking, operation.selection_set.selections, "Work")
    [shape] = shapes_of(SCHEMA.type_map["Work"], selection, named)
    return Wanted("Work", selection, shape, OnBehalfOf.SIGNED_IN)


def a_work(id_, **others):
    return {"__typename": "Work", "id": id_, "is": id_, "title": f"Of {id_}"} | others


async def looked(of_fr):
    """Return what is found where DE sends what it has to, and FR what is given."""
    sent = {}

    async def call(node, body, headers, *, seconds, bytes_max):
        del headers, seconds, bytes_max
        sent[node.code] = msgspec.json.decode(body)
        if node.code == "DE":
            return msgspec.json.encode({"data": {"_entities": [None, a_work("DE:2")]}})
        if isinstance(of_fr, CallError):
            raise of_fr
        return of_fr if isinstance(of_fr, bytes) else msgspec.json.encode(of_fr)

    asked = {NODES["FR"]: ["FR:1"], NODES["DE"]: ["DE:1", "DE:2"]}
    found = await look_up_entities(Asker(call, lambda: 0.0), asked, wanted(), deadline=1.0)
    return found, sent


async def test_each_node_is_asked_once_and_what_it_sends_is_passed_on():
    found, sent = await looked({"data": {"_entities": [a_work("FR:1")]}})

    assert {name: msgspec.json.decode(raw) for name, raw in found.found.items()} == {
        "FR:1": a_work("FR:1"),
        "DE:2": a_work("DE:2"),
    }
    assert found.failed == {}
    assert sent["DE"]["variables"] == {
        "with": True,
        "of_the_list_representations": [
            {"__typename": "Work", "id": "DE:1"},
            {"__typename": "Work", "id": "DE:2"},
        ],
    }
    assert " ".join(sent["DE"]["query"].split()) == (
        "query($of_the_list_representations: [_Any!]!, $with: Boolean!) "
        "{ _entities(representations: $of_the_list_representations) { ... on Work "
        "{ __typename id @include(if: $with) is: id title } } }"
    )
    assert sent["FR"]["query"] == sent["DE"]["query"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"data": {"_entities": []}}, "BAD_ANSWER"),
        ({"data": {"_entities": [None, None]}}, "BAD_ANSWER"),
        ({"data": {"_entities": [a_work("DE:1")]}}, "BAD_ANSWER"),
        ({"data": {"_entities": [a_work("FR:1", is_="x")]}}, "BAD_ANSWER"),
        ({"data": {"_entities": [a_work("FR:1", title=1)]}}, "BAD_ANSWER"),
        ({"data": {"_entities": [a_work("FR:1", __typename="Licence")]}}, "BAD_ANSWER"),
        ({"data": {"_entities": [{"id": "FR:1"}]}}, "BAD_ANSWER"),
        ({"data": {"_entities": ["FR:1"]}}, "BAD_ANSWER"),
        ({"data": {"_entities": None}}, "BAD_ANSWER"),
        ({"data": {"_entities": [a_work("FR:1")], "more": 1}}, "BAD_ANSWER"),
        ({"data": {"_entities": [None]}, "errors": [{"extensions": {"code": "BUSY"}}]}, "BUSY"),
        ({"errors": [{"extensions": {"code": "INVALID_DOCUMENT"}}]}, "INVALID_DOCUMENT"),
        (b"<html>", "BAD_ANSWER"),
        (CallError("TIMEOUT", "DEADLINE_OVER", "late"), "DEADLINE_OVER"),
    ],
)
async def test_of_a_node_that_is_wrong_in_one_place_nothing_is_shown(sent, code):
    found, _ = await looked(sent)

    assert list(found.found) == ["DE:2"]
    assert {node.code: error.code for node, error in found.failed.items()} == {"FR": code}


def test_where_nothing_of_a_kind_is_selected_nothing_stands_below():
    operation = parse("{ _entities { ... on Licence { number } } }").definitions[0]
    asking = Asking(operation, {}, {}, {})
    selection = select_of_kind(asking, operation.selection_set.selections, "Work")

    assert (selection.below, selection.with_id().below) == ((), ("{ id }",))
