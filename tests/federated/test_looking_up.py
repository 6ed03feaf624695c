"""One thing asked of some nodes: what each sends is checked, and costs nobody else."""

import msgspec
import pytest

from federation.federated.asking import ERROR, OK, Asker, CallError
from federation.federated.looking_up import look_up
from tests.federated.one_thing import GOOD, NODES, a_listing

HAS_NONE = {"node": None, "node1": None}


async def looked(of_fr, listing=None):
    """Return what is found where DE has nothing, and what FR sends is given."""
    sent = []

    async def call(node, body, headers, *, seconds, bytes_max):
        del headers, seconds, bytes_max
        sent.append(msgspec.json.decode(body))
        if node.code == "DE":
            return msgspec.json.encode({"data": HAS_NONE})
        if isinstance(of_fr, CallError):
            raise of_fr
        return of_fr if isinstance(of_fr, bytes) else msgspec.json.encode(of_fr)

    time = 100.0
    found = await look_up(
        Asker(call, lambda: time),
        NODES,
        listing or a_listing(),
        deadline=time + 1,
        monotonic=lambda: time,
    )
    return found, sent


async def test_what_a_node_sends_is_passed_on_as_it_came():
    found, sent = await looked({"data": GOOD})

    assert [tuple(map(bytes, shown)) for shown in found.found] == [
        (b'{"id":"FR:1","title":"One"}', b'{"title":"One"}')
    ]
    assert [reply[:2] for reply in found.replies] == [("DE", OK), ("FR", OK)]
    assert found.is_complete
    assert {one["query"] for one in sent} == {
        (
            "query($of_the_list_id: ID) { node: work(id: $of_the_list_id) { id\n  title } "
            "node1: work(id: $of_the_list_id) { title } }"
        )
    }
    assert sent[0]["variables"] == {"of_the_list_id": "FR:1"}


async def test_the_id_is_asked_for_where_nothing_of_a_thing_is():
    listing = a_listing("{ work { ok } }")
    document, _ = listing.selection.document_of_one("work", {})

    assert document == "query() { node: work() { id } }"
    assert listing.selection.names() == ["node"]


WRONG = {
    "no JSON": b"<html>",
    "no UTF-8": msgspec.json.encode({"data": GOOD}).replace(b"One", b"\xff"),
    "no end to its depth": b'{"data":' * 50_000,
    "null": {"data": None},
    "a part of it missing": {"data": {"node": GOOD["node"]}},
    "more than was asked for": {"data": GOOD | {"node2": None}},
    "a member that nobody asked for": {"data": GOOD | {"node1": {"title": "One", "x": 1}}},
    "a member missing": {"data": GOOD | {"node": {"id": "FR:1"}}},
    "another node's": {"data": GOOD | {"node": {"id": "DE:1", "title": "One"}}},
    "a code that only begins so": {"data": GOOD | {"node": {"id": "FRX:1", "title": "One"}}},
    "there, and not there": {"data": GOOD | {"node1": None}},
    "an error beside it": {"data": GOOD, "errors": [{"message": "x"}]},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_is_not_shown_and_not_nothing(wrong):
    found, _ = await looked(WRONG[wrong])

    assert (found.found, found.is_complete) == ([], False)
    assert [reply.state for reply in found.replies] == [OK, ERROR]


async def test_a_node_that_cannot_be_reached_is_named():
    found, _ = await looked(CallError(ERROR, "NO_ANSWER", "down"))

    assert found.replies[1][:2] + found.replies[1][3:5] == ("FR", ERROR, "NO_ANSWER", "down")
