"""What a node sends is checked whole: a wrong one costs its own page, and nobody else's."""

import msgspec
import pytest

from federation.federated.asking import ERROR, OK, CallError
from federation.federated.cursors import Position
from federation.federated.merging import Key
from federation.history.kinds import Place
from federation.values.cursors import cursor_of
from tests.federated.simulated import Simulated, World

GOOD = [("a", "1"), ("b", "2"), ("c", "3")]
WHOLE = """{ works(first: 1) { edges { node {
  id same: id title words tags kind by { name role } __typename } } late { id } } }"""


def cursor(place):
    return cursor_of("works", Place(*place))


def an_edge(place, **shown):
    node = {"id": f"FR:{place[1]}", "title": place[0]}
    return {"cursor": cursor(place), "node": node | shown}


def a_page(edges, *, more=False, end=None):
    info = {"hasNextPage": more, "endCursor": end}
    return {"data": {"works": {"edges": edges, "pageInfo": info}}}


EDGES = [an_edge(place) for place in GOOD]
DEEP = b'{"data":' * 50_000
WRONG = {
    "no JSON": b"<html>busy</html>",
    "nothing": b"",
    "breaks off": msgspec.json.encode(a_page(EDGES))[:-9],
    "no UTF-8": msgspec.json.encode(a_page(EDGES)).replace(b'"title":"a"', b'"title":"\xff"'),
    "half a character": msgspec.json.encode(a_page(EDGES)).replace(b'"a"', b'"\\ud800"'),
    "no end to its depth": DEEP,
    "a list": [],
    "null": {"data": None},
    "another field": {"data": {"rightholders": a_page(EDGES)["data"]["works"]}},
    "edges missing": {"data": {"works": {"pageInfo": {"hasNextPage": False, "endCursor": None}}}},
    "an edge that is none": a_page([None]),
    "a node that is none": a_page([{"cursor": cursor(GOOD[0]), "node": None}]),
    "another node's thing": a_page([an_edge(GOOD[0], id="DE:1")]),
    "another id than its cursor": a_page([an_edge(GOOD[0], id="FR:2")]),
    "out of order": a_page([EDGES[1], EDGES[0]]),
    "the same twice": a_page([EDGES[0], EDGES[0]]),
    "more than asked for": a_page([an_edge((f"{n:03}", f"{n}")) for n in range(60)]),
    "a cursor of another list": a_page([EDGES[0] | {"cursor": cursor_of("rightholders", GOOD[0])}]),
    "a cursor that no node can be asked with": a_page([an_edge(("a\0", "1"))]),
    "a cursor of what is sorted by too much": a_page([an_edge(("a" * 254, "1"))]),
    "a cursor of too long an id": a_page([an_edge(("a", "1" * 129))]),
    "a cursor that is none": a_page([EDGES[0] | {"cursor": "!"}]),
    "an empty cursor": a_page([EDGES[0] | {"cursor": ""}]),
    "two cursors in one": a_page([EDGES[0] | {"cursor": "\n".join(map(cursor, GOOD[:2]))}]),
    "two cursors at its end": a_page(EDGES, more=True, end="\n".join(map(cursor, GOOD[-2:]))),
    "a member that nobody asked for": a_page([an_edge(GOOD[0], secret="x")]),
    "a member missing": a_page([{"cursor": cursor(GOOD[0]), "node": {"id": "FR:1"}}]),
    "a number for a text": a_page([an_edge(GOOD[0], title=1)]),
    "an object for a text": a_page([an_edge(GOOD[0], title={"html": "<b>"})]),
    "goes on after nothing": a_page(EDGES, more=True),
    "goes on before its end": a_page(EDGES, more=True, end=cursor(GOOD[0])),
    "goes on after no cursor of this list": a_page(EDGES, more=True, end="x"),
    "an error beside its page": a_page(EDGES) | {"errors": [{"message": "x"}]},
}


def sent(answer):
    return answer if isinstance(answer, bytes) else msgspec.json.encode(answer)


def a_world(**more):
    return World([Simulated("DE", [("b", "1")]), Simulated("FR", GOOD)], first=9, **more)


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_page_is_not_used_and_costs_nobody_else(wrong):
    world = a_world()
    world.instead["FR"] = lambda *_: sent(WRONG[wrong])
    listed = await world.page(Position())

    assert [entry.key for entry in listed.page.entries] == [Key("b", "DE:1")]
    states = [(one.node, one.state, one.code) for one in listed.replies]
    code = "ERROR" if wrong == "an error beside its page" else "BAD_ANSWER"
    assert states == [("DE", OK, None), ("FR", ERROR, code)]
    assert listed.page.missing == {"FR": None}
    assert not listed.is_complete


async def test_the_page_that_the_wrong_ones_are_made_of_is_right():
    world = a_world()
    world.instead["FR"] = lambda *_: sent(a_page(EDGES))

    assert [entry.key.id for entry in (await world.page(Position())).page.entries] == [
        "FR:1",
        "DE:1",
        "FR:2",
        "FR:3",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        a_page([EDGES[0]]),  # what was shown before
        a_page([], more=True, end=cursor(GOOD[0])),  # no step forward
        a_page([], more=True, end=cursor(("Z", "9"))),
    ],
)
async def test_what_is_not_behind_the_place_asked_for_is_wrong(answer):
    world = a_world()
    world.instead["FR"] = lambda *_: sent(answer)
    listed = await world.page(Position(Key("a", "FR:1")))

    assert (listed.replies[1].state, listed.replies[1].code) == (ERROR, "BAD_ANSWER")
    assert [entry.key.id for entry in listed.page.entries] == ["DE:1"]


async def test_a_refusal_of_the_node_is_told_by_its_code():
    world = a_world()
    said = {"errors": [{"message": "x" * 9_000, "extensions": {"code": "NOT_ALLOWED"}}]}
    world.instead["FR"] = lambda *_: sent({"data": None} | said)

    assert (await world.page(Position())).replies[1][1:2] == (ERROR,)
    assert (await world.page(Position())).replies[1].code == "NOT_ALLOWED"
    assert (await world.page(Position())).replies[1].message == "it refused the question"


@pytest.mark.parametrize("code", ["<script>", "x" * 65, "lower", 7])
async def test_a_code_that_is_none_is_not_repeated(code):
    world = a_world()
    said = {"errors": [{"message": "x", "extensions": {"code": code}}]}
    world.instead["FR"] = lambda *_: sent({"data": None} | said)

    assert (await world.page(Position())).replies[1].code == "BAD_ANSWER"


TYPED = {
    "id": "FR:1",
    "same": "FR:1",
    "title": "x",
    "words": None,
    "tags": ["x"],
    "kind": "BOOK",
    "by": [{"name": "x", "role": None}],
    "__typename": "Work",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"same": "FR:2"},
        {"title": None},
        {"words": 2**31},
        {"words": 1.5},
        {"tags": [None]},
        {"tags": None},
        {"kind": "SONG"},
        {"by": [{"name": "x"}]},
        {"by": [{"name": "x", "role": None, "more": 1}]},
        {"by": {"name": "x", "role": None}},
        {"__typename": "Rightholder"},
    ],
)
async def test_every_member_is_of_its_type(wrong):
    world = World([Simulated("FR", [])], document=WHOLE)
    edge = {"cursor": cursor(GOOD[0]), "node": TYPED | wrong, "node1": {"id": "FR:1"}}
    world.instead["FR"] = lambda *_: sent(a_page([edge]))
    assert (await world.page(Position())).replies[0].code == "BAD_ANSWER"

    edge["node"] = TYPED
    assert (await world.page(Position())).replies[0].state == OK


async def test_a_defect_of_ours_is_no_failure_of_a_node():
    world = a_world()

    def broken(*_):
        raise ZeroDivisionError

    world.instead["FR"] = broken
    with pytest.raises(ZeroDivisionError):
        await world.page(Position())


async def test_a_node_that_is_down_is_told_by_its_state():
    world = a_world()

    def down(*_):
        raise CallError("TIMEOUT", "DEADLINE_OVER", "it did not answer in time")

    world.instead["FR"] = down
    reply = (await world.page(Position())).replies[1]
    assert reply[1:5] == ("TIMEOUT", 0, "DEADLINE_OVER", "it did not answer in time")
