"""A document costs what it asks for, at least what is visited, and counting is linear."""

from collections import Counter
from enum import StrEnum

import pytest
import strawberry
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st
from strawberry.federation.schema_directives import Cost

from federation.schema import costs, hub, node
from federation.schema.costs import EACH_NODE, FIRST_MAX, LIST_ASSUMED, Costs
from federation.schema.guards import Schema
from federation.schema.pages import Connection, Edge, PageInfo

VISITED = Counter()


class Colour(StrEnum):
    RED = "RED"


strawberry.enum(Colour)


@strawberry.type
class Thing:
    """Counts how often it is made; its lists are as long as may be assumed."""

    name: str = "thing"
    colour: Colour = Colour.RED

    def __post_init__(self):
        VISITED["objects"] += 1

    @strawberry.field
    def one(self) -> "Thing":
        return Thing()

    @strawberry.field
    def some(self) -> list["Thing"]:
        return [Thing() for _ in range(LIST_ASSUMED)]

    @strawberry.field
    def page(self, first: int = 2) -> Connection["Thing"]:
        return page_of(first)


def page_of(first):
    VISITED["objects"] += 2 + first
    edges = [Edge(cursor="", node=Thing()) for _ in range(first)]
    return Connection(edges=edges, page_info=PageInfo(has_next_page=False, end_cursor=None))


@strawberry.type
class Query:
    """What is asked."""

    @strawberry.field
    def thing(self) -> Thing:
        return Thing()

    @strawberry.field
    def things(self, names: list[str] | None = None) -> list[Thing]:
        return [Thing() for _ in range(len(names or ()))]

    @strawberry.field
    def pages(self, first: int) -> Connection[Thing]:
        return page_of(first)

    @strawberry.field(directives=[Cost(weight=7)], metadata=EACH_NODE)
    def of_all(self, first: int) -> Connection[Thing]:
        return page_of(first)


SCHEMA = Schema(query=Query)


def cost(document, nodes=1, operation=None, schema=SCHEMA, **variables):
    return Costs().of(schema._schema, parse(document), operation, variables, lambda: nodes)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ thing { name colour __typename } }", 1),
        ("{ thing { one { one { name } } } }", 3),
        ("{ a: thing { name } b: thing { name } }", 2),
        ("{ thing { some { name } } }", 1 + 10),
        ("{ thing { some { some { name } } } }", 1 + 10 * (1 + 10)),
        ("{ things { name } }", 10),
        ('{ things(names: ["a", "b"]) { name } }', 2),
        ('{ things(names: ["a", "b"]) { some { name } } }', 2 * (1 + 10)),
        ("{ things(names: []) { some { name } } }", 0),
        ('{ things(names: "a") { name } }', 1),
        ("{ pages(first: 5) { pageInfo { hasNextPage } } }", 2),
        ("{ pages(first: 5) { edges { cursor } } }", 1 + 5),
        ("{ pages(first: 5) { edges { node { name } } } }", 1 + 5 * 2),
        ("{ pages(first: 5) { edges { node { some { name } } } } }", 1 + 5 * (2 + 10)),
        (
            "{ pages(first: 5) { edges { node { page(first: 3) { edges { cursor } } } } } }",
            1 + 5 * (2 + 1 + 3),
        ),
        ("{ thing { page { edges { cursor } } } }", 1 + 1 + 2),
        ("{ pages(first: 0) { edges { cursor } } }", 1),
        ("{ pages(first: -9) { edges { cursor } } }", 1),
        ("{ pages(first: 999) { edges { cursor } } }", 1 + FIRST_MAX),
        ("{ ofAll(first: 5) { edges { cursor } } }", 7 + 5),
        (
            "{ thing { ... on Thing { one { name } } ...F } } fragment F on Thing { one { name } }",
            3,
        ),
        ('{ __schema { types { name } } __type(name: "Query") { name } }', 0),
        ("{ _service { sdl } }", 1),
    ],
)
def test_objects_cost_one_and_lists_as_many_as_are_asked_for(document, expected):
    assert cost(document) == expected


def test_a_field_that_asks_every_node_costs_its_weight_for_each():
    assert cost("{ ofAll(first: 5) { edges { node { name } } } }", nodes=200) == 7 * 200 + 5 * 2


@pytest.mark.parametrize(
    ("variables", "size"),
    [
        ({"n": 7}, 7),
        ({}, 4),
        ({"n": None}, FIRST_MAX),
        ({"n": "x"}, FIRST_MAX),
        ({"n": 10**9}, 100),
    ],
)
def test_a_number_asked_for_by_a_variable_counts_as_it_was_sent(variables, size):
    document = "query($n: Int = 4) { pages(first: $n) { edges { cursor } } }"

    assert cost(document, **variables) == 1 + size


@pytest.mark.parametrize(("sent", "size"), [(["a"] * 30, 30), (None, 10), ("a", 1)])
def test_a_list_sent_as_a_variable_counts_by_its_entries(sent, size):
    assert cost("query($n: [String!]) { things(names: $n) { name } }", n=sent) == size


def test_of_several_operations_the_one_that_runs_costs():
    document = "query A { thing { name } } query B { thing { one { name } } }"

    assert [cost(document, operation=name) for name in "AB"] == [1, 2]


def a_bomb(levels, spreads):
    last = f"fragment F{levels} on Thing {{ one {{ name }} }}"
    chain = [f"fragment F{n} on Thing {{ {f'...F{n + 1} ' * spreads}}}" for n in range(levels)]
    return "\n".join(["{ thing { ...F0 } }", *chain, last])


@pytest.mark.parametrize(("levels", "spreads"), [(60, 2), (60, 9), (30, 2)])
def test_a_bomb_of_fragments_is_priced_in_as_many_steps_as_it_has_parts(
    monkeypatch, levels, spreads
):
    steps = Counter()
    selection = costs.Walk.selection

    def counted(self, kind, part):
        steps["selections"] += 1
        return selection(self, kind, part)

    monkeypatch.setattr(costs.Walk, "selection", counted)

    assert cost(a_bomb(levels, spreads)) == 1 + spreads**levels
    assert steps["selections"] == 1 + 1 + levels * spreads + 1 + 1


LEAVES = st.sampled_from(["name", "colour", "__typename", "again: name"])


def fields(inner):
    selected = st.lists(inner, min_size=1, max_size=3).map(numbered)
    first = st.integers(0, 4)
    return st.one_of(
        selected.map(lambda s: f"one {{ {s} }}"),
        selected.map(lambda s: f"some {{ {s} }}"),
        selected.map(lambda s: f"page {{ pageInfo {{ endCursor }} edges {{ node {{ {s} }} }} }}"),
        selected.map(lambda s: f"... on Thing {{ {s} }}"),
        selected.map(lambda s: f"... @include(if: false) {{ {s} }}"),
        st.tuples(first, selected).map(
            lambda t: (
                f"page(first: {t[0]}) {{ pageInfo {{ endCursor }} "
                f"edges {{ cursor node {{ {t[1]} }} }} }}"
            )
        ),
    )


def numbered(parts):
    """Give each field a name of its own, so that none is merged with another."""
    numbered.count += 1
    return " ".join(
        part if part.startswith("...") else f"a{numbered.count}x{n}: {part.removeprefix('again: ')}"
        for n, part in enumerate(parts)
    )


numbered.count = 0
SELECTIONS = st.recursive(LEAVES, fields, max_leaves=6)
ROOTS = st.sampled_from(["thing", 'things(names: ["a", "b", "c"])'])


@given(root=ROOTS, selection=SELECTIONS)
def test_no_document_visits_more_than_it_costs(root, selection):
    document = f"{{ {root} {{ {numbered([selection])} }} }}"
    VISITED.clear()

    result = SCHEMA.execute_sync(document)

    assert result.errors is None
    assert 0 < VISITED["objects"] <= cost(document)


def test_every_page_of_both_schemas_says_what_sizes_it():
    unsaid = []
    for role in (hub, node):
        for kind in role.schema._schema.type_map.values():
            for name, field in getattr(kind, "fields", {}).items():
                page = getattr(getattr(field.type, "of_type", field.type), "fields", {})
                if "first" in getattr(field, "args", {}) and "edges" in page:
                    directives = field.extensions["strawberry-definition"].directives
                    sizes = [one for one in directives if isinstance(one, costs.ListSize)]
                    if [one.slicing_arguments for one in sizes] != [["first"]]:
                        unsaid.append(f"{kind.name}.{name}")

    assert unsaid == []


def test_what_asks_every_node_is_priced_by_them():
    document = '{ works(first: 100, text: "fox") { edges { node { id creators { name } } } } }'

    assert cost(document, schema=hub.schema) == 10 + 100 * (1 + 1 + 10)
    assert cost(document, nodes=200, schema=hub.schema) == 2_000 + 100 * (1 + 1 + 10)
    assert cost(document, nodes=200, schema=node.schema) == 1 + 100 * (1 + 1 + 10)


def test_things_asked_for_by_their_keys_count_each():
    document = "query($all: [_Any!]!) { _entities(representations: $all) { ... on Work { id } } }"

    assert cost(document, schema=hub.schema, all=[{}] * 37) == 37
