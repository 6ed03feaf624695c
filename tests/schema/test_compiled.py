"""Selections completed by functions: the same answers and errors as graphql-core's own, sooner."""

import asyncio
import enum
import json
from collections import Counter, deque
from dataclasses import replace
from datetime import UTC, datetime
from inspect import isawaitable
from typing import ClassVar, NewType

import pytest
import strawberry
from graphql import GraphQLObjectType, execute, parse
from graphql.execution import experimental_execute_incrementally
from graphql.pyutils import Undefined
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from federation.schema import hub, node
from federation.schema.compiled import WORTH, Compiled, Compiling
from federation.schema.pages import Connection, Edge, PageInfo
from federation.schema.scalars import BigInt, schema_config
from federation.schema.splicing import Splicing
from tests.schema.generated import ODD, Documents, Later, Values, askable, schema_of


@strawberry.enum
class Colour(enum.Enum):
    """Two colours."""

    RED = 1
    BLUE = strawberry.enum_value(2, name="AZURE")


Word = NewType("Word", str)
WORD = strawberry.scalar(name="Word", serialize=lambda value: None if value == "" else str(value))


@strawberry.type
class Book:
    """Something on a shelf."""

    title: str
    pages: int | None
    score: float | None
    number: BigInt
    word: Word
    colour: Colour | None
    colours: list[Colour]
    rows: list[list[int | None] | None]
    read_at: datetime | None
    next: "Book | None"


@strawberry.type
class Shelf:
    """A shelf, some fields of which are more than attributes."""

    name: str
    books: list[Book]
    best: Book | None

    @strawberry.field
    def label(self) -> str:
        return f"{self.name}!"

    @strawberry.field
    async def newest(self) -> Book | None:
        return self.best

    @strawberry.field
    def either(self) -> "Book | Lamp":
        return self.best or Lamp(watts=60)


@strawberry.type
class Lamp:
    """Something else."""

    watts: int


@strawberry.type
class Query:
    """Reads."""

    @strawberry.field
    def shelf(self) -> Shelf:
        return a_shelf()

    @strawberry.field
    def books(self, info: strawberry.Info) -> Connection[Book]:
        return info.context["books"]


class Eager(Compiling):
    """Writes a function for whatever is completed."""

    worth = 1


def a_book(count=1, **changed):
    given = {
        "title": f"Book {count}",
        "pages": count,
        "score": None,
        "number": count,
        "word": "w",
        "colour": Colour.BLUE,
        "colours": [Colour.RED],
        "rows": [[1, None], None],
        "read_at": None,
        "next": None,
    }
    return Book(**given | changed)


def a_shelf():
    return Shelf(name="top", books=[a_book(number) for number in range(20)], best=a_book(7))


def a_page(books):
    edges = [Edge(cursor=f"c{number}", node=book) for number, book in enumerate(books)]
    return Connection(edges=edges, page_info=PageInfo(has_next_page=False, end_cursor=None))


def the_config():
    config = schema_config()
    return replace(config, scalar_map=config.scalar_map | {Word: WORD})


OWN = strawberry.Schema(query=Query, config=the_config(), types=[Lamp])
SCHEMAS = {"hub": hub.schema._schema, "node": node.schema._schema, "own": OWN._schema}
KINDS = [
    (role, kind.name)
    for role, schema in SCHEMAS.items()
    for kind in schema.type_map.values()
    if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__") and askable(kind)
]


OWN_KINDS = [("own", "Book"), ("own", "Shelf"), ("own", "BookConnection")]


async def answer(schema, document, executor, variables, root):
    """Return an answer as it is written, and each of its errors with its place and cause."""
    found = execute(schema, document, root, variable_values=variables, executor_class=executor)
    found = await found if isawaitable(found) else found
    errors = [
        (error.message, error.path, error.locations, repr(error.original_error))
        for error in found.errors or ()
    ]
    return json.dumps(found.data, default=repr), errors


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_answers_and_errors_are_those_of_the_executor_itself(data):
    role, name = data.draw(st.sampled_from(OWN_KINDS) | st.sampled_from(KINDS))
    kind = SCHEMAS[role].type_map[name]
    schema, asked = schema_of(kind, SCHEMAS[role]), Documents(data.draw)
    document = parse(asked.document(kind))
    odds = data.draw(st.sampled_from([0, 2, 20]))
    yes = data.draw(st.booleans())

    async def compared():
        for values in ({"yes": yes}, {"yes": not yes}, {"yes": yes, "no": True}, {"yes": yes}):
            root = {"things": Values(data.draw, odds, asked.asked).things(kind)}
            given = schema, document, values, root
            slow = await answer(
                schema, document, StrawberryGraphQLCoreExecutionContext, values, root
            )
            for executor in (Eager, Compiling, Splicing):
                assert await answer(schema, document, executor, values, root) == slow, given

    asyncio.run(compared())


BOOKS = """{ things { title pages score number word colour colours rows readAt __typename
  next { title } } }"""
FIELDS = [*Book.__dataclass_fields__]


class Unlike:
    """An object that has what a book has, and is none."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(a_book(), name)


class UnlikeError(Unlike, Exception):
    """An error that has what a book has."""


class UnlikeLater(Unlike, Later):
    """Something to be awaited that has what a book has."""


@pytest.mark.parametrize("field", FIELDS)
def test_a_value_of_any_kind_in_any_field_is_answered_as_the_executor_does(field):
    schema, document = schema_of(OWN._schema.type_map["Book"], OWN._schema), parse(BOOKS)
    odd = [*ODD, -(2**31), True, Later("later"), Later(None), Colour.RED, [Colour.RED], [[1, "x"]]]
    odd += [deque([1]), deque([Colour.RED]), {Colour.RED}, iter(()), Undefined]
    odd += [["text", None], (), {1: 2}, 2**31 - 1, -(2**31) - 1, float("nan"), [ValueError("x")]]
    odd += [
        datetime(2026, 9, 1, tzinfo=UTC),
        a_book(),
        [a_book()],
        Unlike(),
        UnlikeError(),
        UnlikeLater(None),
        Later(a_book()),
        "",
    ]
    things = [[a_book(1)] * WORTH + [a_book(2, **{field: value})] + [a_book(3)] for value in odd]
    things += [[a_book()] * WORTH + [value] for value in odd]

    async def compared():
        for books in things:
            root = {"things": books}
            slow = await answer(schema, document, StrawberryGraphQLCoreExecutionContext, None, root)
            assert await answer(schema, document, Compiling, None, root) == slow, books[WORTH]

    asyncio.run(compared())


@pytest.mark.parametrize("things", [a_book(), "text", (a_book(),) * 9, {"a": 1}, Later([a_book()])])
def test_what_is_no_list_is_answered_as_the_executor_does(things):
    schema, document = schema_of(OWN._schema.type_map["Book"], OWN._schema), parse(BOOKS)

    async def compared():
        found = [
            await answer(schema, document, executor, None, {"things": things})
            for executor in (StrawberryGraphQLCoreExecutionContext, Eager)
        ]
        assert found[0] == found[1]

    asyncio.run(compared())


class Counting(Compiling):
    """Counts the fields that graphql-core completes itself."""

    compiled = Compiled()
    seen: ClassVar[Counter[str]] = Counter()

    def execute_field(self, parent_type, source, field_details_list, path, position_context):
        """Count, and go on."""
        self.seen[f"{parent_type}.{field_details_list[0].node.name.value}"] += 1
        return super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )


COUNTED = strawberry.Schema(
    query=Query, config=the_config(), types=[Lamp], execution_context_class=Counting
)


async def counted(document, books=()):
    """Return what was answered, and which fields graphql-core completed itself how often."""
    Counting.seen.clear()
    found = await COUNTED.execute(document, context_value={"books": a_page(books)})
    return found, dict(Counting.seen)


async def test_a_list_of_a_thousand_is_completed_without_the_executor():
    books = [a_book(number) for number in range(1_000)]
    document = "{ books { edges { cursor node { title next { title } } } } }"

    found, seen = await counted(document, books)

    assert seen == {"Query.books": 1, "BookConnection.edges": 1}
    assert found.data["books"]["edges"][999] == {
        "cursor": "c999",
        "node": {"title": "Book 999", "next": None},
    }


async def test_a_short_list_is_left_to_the_executor():
    document = "{ books { edges { cursor } } }"

    _, seen = await counted(document, [a_book()] * (WORTH - 1))

    assert seen == {"Query.books": 1, "BookConnection.edges": 1, "BookEdge.cursor": WORTH - 1}


async def test_a_field_that_is_more_than_an_attribute_is_left_to_the_executor_alone():
    document = "{ shelf { name label newest { title } either { __typename } books { title } } }"

    found, seen = await counted(document)

    assert found.errors is None
    assert found.data["shelf"]["books"][19] == {"title": "Book 19"}
    assert seen == {
        "Query.shelf": 1,
        **{f"Shelf.{name}": 1 for name in ("name", "label", "newest", "either", "books")},
        "Book.title": 1,  # of the newest alone
        "Book.__typename": 1,
    }


async def test_one_wrong_value_costs_no_other_its_function():
    books = [a_book(number) for number in range(100)]
    books[50] = a_book(50, title=None)

    found, seen = await counted("{ books { edges { cursor node { title } } } }", books)

    (error,) = found.errors
    assert error.path == ["books", "edges", 50, "node", "title"]
    assert found.data is None
    assert seen["BookEdge.cursor"] == WORTH


def one_operation(text):
    return parse(text).definitions[0]


def test_functions_are_kept_by_their_bytes_and_those_used_longest_ago_give_way():
    operations = [one_operation("{ a }") for _ in range(4)]
    kinds, made = OWN._schema.type_map, []

    def get(number):
        operation, kind = operations[number], kinds["Book"]
        key = id(operation), id(kind), (), ()
        kept.get(key, operation, kind, [], lambda: made.append(number))

    kept = Compiled()
    get(0)
    kept = Compiled(bytes_max=3 * kept.size)
    for number in (0, 1, 2, 0, 3, 0, 1):
        get(number)

    assert made == [0, 0, 1, 2, 3, 1]
    assert kept.size == kept._bytes_max


def test_a_selection_is_written_anew_where_a_boolean_lets_in_other_fields():
    schema = schema_of(OWN._schema.type_map["Book"], OWN._schema)
    document = parse("query($no: Boolean!) { things { title pages @skip(if: $no) } }")
    root = {"things": [a_book()] * WORTH}

    class Once(Compiling):
        compiled = Compiled()

    def asked(no):
        found = execute(schema, document, root, variable_values={"no": no}, executor_class=Once)
        return list(found.data["things"][0])

    assert [asked(no) for no in (True, False, True)] == [["title"], ["title", "pages"], ["title"]]
    assert len(Once.compiled._kept) == 2


@pytest.mark.parametrize("part", ["colours @stream(initialCount: 0)", "... @defer { title }"])
async def test_what_comes_in_parts_is_left_to_the_executor(part):
    schema = schema_of(OWN._schema.type_map["Book"], OWN._schema)
    document, root = parse(f"{{ things {{ pages {part} }} }}"), {"things": [a_book()] * WORTH}

    async def first(executor):
        found = experimental_execute_incrementally(schema, document, root, executor_class=executor)
        found = await found if isawaitable(found) else found
        await found.subsequent_results.aclose()
        return found.initial_result.data

    data = await first(StrawberryGraphQLCoreExecutionContext)
    assert await first(Eager) == data
    assert data["things"][0].get("colours", []) == []
