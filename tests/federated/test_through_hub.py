"""A list over all nodes, asked at one: the hub answers, is checked, and refuses in its words."""

import msgspec
import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from federation.federated.asking import ERROR, Asker, CallError, Node
from federation.federated.listing import Listing, NodesMissingError
from federation.federated.selections import Argument, Asking, whole
from federation.federated.shapes import shapes_of
from federation.federated.through_hub import ask_hub, deadline_of_hub
from federation.federated.wire import OnBehalfOf

SCHEMA = build_schema("""
  type Query { worksOfAll: WorkPage! }
  type WorkPage { edges: [Edge!]! complete: Boolean! }
  type Edge { cursor: String! node: Work! }
  type Work { id: ID! title: String! }
""")
HUB = Node("HUB", "https://hub", "https://hub")
DOCUMENT = """query($no: Boolean!, $unused: Int) { worksOfAll { ...Page complete @skip(if: $no) } }
  fragment Page on WorkPage { all: edges { node { id } } }
  fragment Unused on Work { title }"""
GOOD = b'{"data":{"node":{"all":[{"node":{"id":"GB:1"}}],"complete":true}}}'


def a_listing():
    parsed = parse(DOCUMENT)
    [operation] = [one for one in parsed.definitions if isinstance(one, OperationDefinitionNode)]
    fragments = {one.name.value: one for one in parsed.definitions if one is not operation}
    sent = {"no": False, "unused": 1}
    selection = whole(Asking(operation, fragments, sent, sent), operation.selection_set.selections)
    shapes = shapes_of(SCHEMA.type_map["WorkPage"], selection, fragments)
    first = {"first": Argument("Int!", 3)}
    return Listing("works", first, selection, shapes, OnBehalfOf.SIGNED_IN)


async def asked(answer):
    """Return what is told where the hub sends an answer, and what was sent to it."""
    sent = []

    async def call(node, body, headers, *, seconds, bytes_max):
        del seconds, bytes_max
        sent.append((node.code, msgspec.json.decode(body), headers))
        return answer

    try:
        found = bytes(await ask_hub(Asker(call, lambda: 100.0), HUB, a_listing(), deadline=101.0))
    except CallError as error:
        found = error.state, error.code
    return found, sent


async def test_what_is_selected_is_passed_on_with_what_it_uses_and_the_answer_as_it_came():
    found, [(code, body, headers)] = await asked(GOOD)

    assert found == b'{"all":[{"node":{"id":"GB:1"}}],"complete":true}'
    assert (code, headers["Federation-On-Behalf-Of"]) == ("HUB", "signed-in")
    assert " ".join(body["query"].split()) == (
        "query($of_the_list_first: Int!, $no: Boolean!) { node: works(first: $of_the_list_first) "
        "{ ...Page complete @skip(if: $no) } } "
        "fragment Page on WorkPage { all: edges { node { id } } }"
    )
    assert body["variables"] == {"of_the_list_first": 3, "no": False}


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"",
        b'{"data":' * 50_000,
        b'{"data":{"node":null}}',
        GOOD.replace(b"true", b"1"),
        GOOD.replace(b'"id"', b'"secret":1,"id"'),
        GOOD.replace(b'"node":{"id":"GB:1"}', b""),
        GOOD[:-1] + b',"errors":[]}',
    ],
)
async def test_a_wrong_answer_is_none(answer):
    assert (await asked(answer))[0] == (ERROR, "BAD_ANSWER")


def refused(code, message="x"):
    return msgspec.json.encode(
        {"data": None, "errors": [{"message": message, "extensions": {"code": code}}]}
    )


async def test_a_refusal_that_only_the_hub_can_judge_is_told_with_its_reason():
    message = NodesMissingError("ALL: no answer of FR (NO_ANSWER)").message
    with pytest.raises(NodesMissingError) as error:
        await asked(refused("NODES_MISSING", message))
    assert error.value.message == message

    with pytest.raises(NodesMissingError) as error:
        await asked(refused("NODES_MISSING", "x" * 9_000))
    assert len(error.value.detail) == 1_000


@pytest.mark.parametrize("code", ["NOT_ALLOWED", "UNEXPECTED"])
async def test_any_other_refusal_is_no_answer(code):
    assert (await asked(refused(code)))[0] == (ERROR, code)


def test_the_hub_has_what_is_left_of_the_time_and_not_less_than_it_takes():
    assert [deadline_of_hub(ms, 50) for ms in (10_000, 1_000, 91, 90, 50)] == [
        9_960,
        960,
        51,
        50,
        50,
    ]
