import pytest
import strawberry
from graphql import get_introspection_query, parse

from federation.schema.guards import Documents, Good, extensions, weight_of
from federation.schema.limits import Limits, Weight, _Scales, weigh
from federation.schema.scalars import schema_config
from tests.schema import probe

LIMITS = Limits()


async def refusal(document, schema=probe.schema):
    result = await schema.execute(document)
    assert result.data is None
    (error,) = result.errors
    return error.extensions["code"], error.message


def nested_fragments(levels, spreads):
    last = f"fragment F{levels} on Node {{ name }}"
    chain = [f"fragment F{i} on Node {{ {f'...F{i + 1} ' * spreads}}}" for i in range(levels)]
    return "\n".join(["{ node { ...F0 } }", *chain, last])


@pytest.mark.parametrize("spreads", [1, 2, 4])
async def test_a_bomb_of_sixty_nested_fragments_is_refused_at_once(spreads):
    code, message = await refusal(nested_fragments(60, spreads))

    assert code == "TOO_DEEP"
    assert message == "The document is nested more than 24 levels deep."


async def test_a_bomb_within_the_nesting_is_refused_by_what_it_amounts_to():
    code, message = await refusal(nested_fragments(11, 3))

    assert code == "TOO_MANY_FIELDS"
    assert message == (
        "The document has 177148 fields with its fragments written out; 300 are allowed."
    )


async def test_nine_hundred_aliases_are_refused_at_once():
    document = "{ " + " ".join(f"a{i}: __typename" for i in range(900)) + " }"
    code, message = await refusal(document)

    assert code == "TOO_MANY_TOKENS"
    assert message == ("Syntax Error: Document contains more than 1000 tokens. Parsing aborted.")


async def test_comments_are_bounded_like_tokens():
    code, _ = await refusal("#\n" * 5_000 + "{ __typename }")

    assert code == "TOO_MANY_TOKENS"


async def test_sixteen_aliases_are_one_too_many():
    aliases = [f"a{i}: __typename" for i in range(16)]

    assert (await probe.schema.execute(f"{{ {' '.join(aliases[:15])} }}")).errors is None
    assert await refusal(f"{{ {' '.join(aliases)} }}") == (
        "TOO_MANY_ALIASES",
        "The document has 16 aliases; 15 are allowed.",
    )


async def test_aliases_in_a_fragment_count_wherever_it_is_spread():
    document = """
        { node { ...F child { ...F } } }
        fragment F on Node { a: name b: name c: name d: name e: name f: name g: name h: name }
    """

    assert (await refusal(document))[0] == "TOO_MANY_ALIASES"


async def test_a_document_thirteen_levels_deep_is_one_too_deep():
    def nested(levels):
        return "{ node " + "{ child " * (levels - 2) + "{ name }" + " }" * (levels - 1)

    assert (await probe.schema.execute(nested(12))).errors is None
    assert await refusal(nested(13)) == (
        "TOO_DEEP",
        "The document has 13 levels of fields; 12 are allowed.",
    )


@pytest.mark.parametrize(
    "document",
    [
        "{ node " * 300 + " }" * 300,
        "{ a(x: " + "[" * 400 + "]" * 400 + ") }",
        "{ " + "... { " * 100 + "__typename" + " }" * 101,
    ],
)
async def test_nesting_of_any_kind_ends_in_a_refusal(document):
    assert (await refusal(document))[0] == "TOO_DEEP"


async def test_directives_and_root_fields_are_counted():
    directives = " @include(if: true)" * 51
    fields = " ".join(["__typename"] * 21)

    assert (await refusal(f"{{ __typename{directives} }}"))[0] == "TOO_MANY_DIRECTIVES"
    assert (await refusal(f"{{ {fields} }}"))[0] == "TOO_MANY_ROOT_FIELDS"


@pytest.mark.parametrize(
    "document",
    [
        "{ node { ...A } } fragment A on Node { ...B } fragment B on Node { ...A }",
        "{ node { ...Nowhere } }",
    ],
)
async def test_a_fragment_that_never_ends_or_begins_is_left_to_validation(document):
    assert (await refusal(document))[0] == "INVALID_DOCUMENT"


async def test_the_introspection_of_the_usual_tools_is_answered():
    result = await probe.schema.execute(get_introspection_query())

    assert result.errors is None


async def test_introspection_in_circles_is_refused():
    lists = "{ __schema { types " + "{ fields { type " * 4 + "{ name }" + " } }" * 4 + " } }"

    assert (await refusal(lists))[0] == "INVALID_DOCUMENT"


@pytest.mark.parametrize("field", ["__schema { queryType", '__type(name: "Query") { fields'])
async def test_a_document_asks_for_the_schema_twice_at_most(field):
    def asking(times):
        return "".join(f"a{number}: {field} {{ name }} }} " for number in range(times))

    twice = await probe.schema.execute(f"{{ {asking(2)} }}")
    in_fragments = f"{{ ...F {asking(2)} }} fragment F on Query {{ a9: {field} {{ name }} }} }}"
    errors = [
        (await probe.schema.execute(document)).errors
        for document in (f"{{ {asking(3)} }}", in_fragments)
    ]

    assert set(twice.data) == {"a0", "a1"}
    assert [error.message for (error,) in errors] == [
        "The document has 3 fields __schema, __type or _service; 2 are allowed."
    ] * 2
    assert [error.extensions for (error,) in errors] == [{"code": "TOO_MANY_FIELDS"}] * 2


async def test_a_schema_may_have_limits_of_its_own():
    schema = strawberry.Schema(
        query=probe.Query, extensions=extensions(Limits(tokens=5)), config=schema_config()
    )

    assert (await refusal("{ node { child { name } } }", schema))[0] == "TOO_MANY_TOKENS"


async def test_what_was_refused_once_is_refused_again_from_the_cache():
    document = f"{{ {' '.join(f'b{i}: __typename' for i in range(16))} }}"

    assert await refusal(document) == await refusal(document)


@pytest.mark.parametrize(("levels", "spreads"), [(60, 2), (100, 9)])
def test_weighing_looks_at_every_part_of_the_document_once(levels, spreads, monkeypatch):
    seen, look = [], _Scales._selection
    monkeypatch.setattr(
        _Scales, "_selection", lambda self, *part: (seen.append(part), look(self, *part))[1]
    )
    limits = Limits(tokens=10**6, depth=10**3, nesting=10**3, fields=10**400)

    weigh(parse(nested_fragments(levels, spreads)), limits)

    assert len(seen) == 1 + 1 + levels * spreads + 1  # a field, a spread, the fragments, a name


async def test_a_defect_is_masked_and_found_again_by_its_id(capsys):
    result = await probe.schema.execute("{ defect }")

    (error,) = result.errors
    said, error_id = error.message.rstrip(".").rsplit(" ", 1)
    logged = capsys.readouterr().err
    assert said == "Unexpected error"
    assert error.extensions == {"code": "UNEXPECTED"}
    assert error.path == ["defect"]
    assert error_id in logged
    assert "swordfish" in logged


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("query ($all: [Int!]!) { total(numbers: $all) }", {"all": [None]}),
        ("query ($all: [Int!]!) { total(numbers: $all) }", {"all": None}),
        ("query ($all: [Int!]!) { total(numbers: $all) }", {}),
        ("query ($all: [Int!]!) { total(numbers: $all) }", {"all": ["one"]}),
        ("query ($at: DateTime!) { instant(at: $at) }", {"at": "yesterday"}),
        ("{ counter }", None),
        ("{ nothing }", None),
        ("{", None),
    ],
)
async def test_a_mistake_of_who_asks_is_answered_and_logged_nowhere(
    document, variables, caplog, capsys
):
    result = await probe.schema.execute(document, variable_values=variables)

    assert len(result.errors) == 1
    assert result.errors[0].extensions.get("code") != "UNEXPECTED"
    assert caplog.records == []
    assert capsys.readouterr() == ("", "")


async def test_a_missing_value_is_a_defect_too(capsys):
    (error,) = (await probe.schema.execute("{ missing }")).errors

    assert error.message.startswith("Unexpected error ")
    assert "Cannot return null" in capsys.readouterr().err


async def test_a_refusal_is_shown_with_its_code():
    (error,) = (await probe.schema.execute("{ counter }")).errors

    assert error.message == "The counter is closed. (until Monday)"
    assert error.extensions == {"code": "CLOSED"}


@pytest.mark.parametrize(
    ("document", "variables", "message"),
    [
        ("{ node }", None, "Field 'node' of type 'Node!' must have a selection of subfields."),
        ("{ echo(number: 1.5) }", None, "BigInt is an integer"),
        ("query($n: BigInt!) { echo(number: $n) }", {"n": "1e3"}, "BigInt is an integer"),
        ("mutation { add(number: 9999999999) }", None, "Int cannot represent"),
        ("mutation { add(number: " + "9" * 5000 + ") }", None, "Expected value of type 'Int'"),
    ],
)
async def test_what_graphql_itself_says_is_not_masked(document, variables, message):
    (error,) = (await probe.schema.execute(document, variables)).errors

    assert message in error.message
    assert "Unexpected error" not in error.message


@pytest.mark.parametrize("number", ["0", "-1", "123456789012345678901234567890"])
async def test_a_large_number_travels_as_text(number):
    by_literal = await probe.schema.execute(f"{{ echo(number: {number}) }}")
    by_text = await probe.schema.execute(f'{{ echo(number: "{number}") }}')
    by_variable = await probe.schema.execute(
        "query($n: BigInt!) { echo(number: $n) }", {"n": int(number)}
    )

    assert by_literal.data == by_text.data == by_variable.data == {"echo": number}


@pytest.mark.parametrize(
    "number", ["", "+1", " 1", "1_0", "\uff11", "1\n", "0x1", "9" * 77, 10**76, True, 1.0]
)
async def test_what_is_no_decimal_integer_is_refused(number):
    result = await probe.schema.execute("query($n: BigInt!) { echo(number: $n) }", {"n": number})

    (error,) = result.errors
    assert "BigInt is an integer of at most 76 digits, as a string." in error.message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-09-30T09:00:00Z", "2026-09-30T09:00:00+00:00"),
        ("2026-09-30T09:00:00+02:00", "2026-09-30T07:00:00+00:00"),
    ],
)
async def test_an_instant_is_read_with_its_offset(written, read):
    asked = "query($at: DateTime!) { instant(at: $at) }"
    by_variable = await probe.schema.execute(asked, {"at": written})
    by_literal = await probe.schema.execute(f'{{ instant(at: "{written}") }}')

    assert by_variable.data == by_literal.data == {"instant": read}


@pytest.mark.parametrize(
    "written",
    [
        "2026-09-30T09:00:00",
        "2026-09-30",
        "",
        "now",
        1_790_000_000,
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
async def test_an_instant_without_its_offset_or_beyond_the_calendar_is_refused(written):
    asked = "query($at: DateTime!) { instant(at: $at) }"
    (error,) = (await probe.schema.execute(asked, {"at": written})).errors

    assert "DateTime is a time with its offset, as 2026-09-01T12:00:00Z." in error.message


async def test_money_is_minor_units_as_text_and_a_currency():
    result = await probe.schema.execute("{ price { minor currency } }")

    assert result.data == {"price": {"minor": "123456", "currency": "EUR"}}


def a_document(number, length=10):
    query = f"{{ a{number}: __typename }} # {'x' * length}"
    return query, parse(query)


def test_documents_are_kept_by_their_bytes_and_the_one_used_longest_ago_gives_way():
    weight = weight_of(*a_document(1))
    documents = Documents(bytes_max=3 * weight)
    kept = [a_document(number) for number in range(4)]
    for query, document in kept[:3]:
        documents.keep(query, LIMITS, Good(document, Weight()))
    assert documents.find(kept[0][0], LIMITS).document is kept[0][1]

    documents.keep(kept[3][0], LIMITS, Good(kept[3][1], Weight()))

    found = [documents.find(query, LIMITS) is not None for query, _ in kept]
    assert found == [True, False, True, True]
    assert documents.size == 3 * weight


def test_a_large_document_is_not_kept():
    documents = Documents()
    query, document = a_document(1, length=520_000)
    documents.keep(query, LIMITS, Good(document, Weight()))

    assert (documents.find(query, LIMITS), documents.size) == (None, 0)


async def test_a_document_with_too_many_characters_is_not_parsed():
    assert await refusal("{ __typename } #" + "x" * 16_384) == (
        "DOCUMENT_TOO_LARGE",
        "The document has 16400 characters; 16384 are allowed.",
    )


async def test_of_several_operations_one_is_named_or_none_runs():
    document = "query A { __typename } query B { b: __typename }"

    code, message = await refusal(document)
    named = await probe.schema.execute(document, operation_name="B")

    assert (code, message) == (
        "OPERATION_NAME",
        "The document has several operations: name one as operationName.",
    )
    assert named.data == {"b": "Query"}
