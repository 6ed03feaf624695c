"""What a schema was asked about itself is answered again without work, within so many bytes."""

import msgspec
import pytest
from graphql import ExecutionResult, GraphQLError, get_introspection_query, parse

from federation.schema.introspection import ANSWER_BYTES_MAX, Answers, asks_for_schema_only

ONE = ExecutionResult(data={"__type": {"name": "A" * 1_000}})


@pytest.mark.parametrize(
    ("document", "is_so"),
    [
        (get_introspection_query(), True),
        ('{ __schema { queryType { name } } a: __type(name: "A") { name } __typename }', True),
        ("{ __schema { queryType { name } } collectives { code } }", False),
        ("query($n: String!) { __type(name: $n) { name } }", False),
        ("query A { __typename } query B { __schema { queryType { name } } }", False),
        ("{ ...F } fragment F on Query { __schema { queryType { name } } }", False),
    ],
)
def test_only_a_document_with_one_answer_is_answered_from_what_is_kept(document, is_so):
    assert asks_for_schema_only(parse(document)) is is_so


def test_an_answer_is_kept_as_json_and_the_one_asked_for_longest_ago_gives_way():
    answers = Answers(bytes_max=3 * 2_000)
    for number in range(3):
        answers.keep(f"{{ {number} }}", ONE)
    kept = answers.find("{ 0 }")
    answers.keep("{ 3 }", ONE)

    assert msgspec.json.decode(kept) == ONE.data
    assert [answers.find(f"{{ {number} }}") is not None for number in range(4)] == [
        True,
        False,
        True,
        True,
    ]
    assert answers.size == 3 * (len(kept) + 512)


@pytest.mark.parametrize(
    "result",
    [
        None,
        ExecutionResult(data=None, errors=[GraphQLError("no")]),
        ExecutionResult(data={"a": "A" * ANSWER_BYTES_MAX}),
    ],
)
def test_what_went_wrong_or_is_large_is_not_kept(result):
    answers = Answers()
    answers.keep("{ a }", result)

    assert (answers.find("{ a }"), answers.size) == (None, 0)
