"""What a client selects is passed on as it wrote it, and no more than what is the nodes' to say."""

import pytest
from graphql import parse, print_ast, validate

from federation.federated.selections import Argument, Shown
from tests.federated.simulated import SCHEMA, selected

FIRST = {"first": Argument("Int!", 3)}
FRAME = """query({head}) {{
  works(first: $of_the_list_first) {{
    edges {{
      cursor
      {node}
    }}
    pageInfo {{
      hasNextPage
      endCursor
    }}
  }}
}}"""


def passed_on(document, **sent):
    """Return what a node is asked, laid out, and its variables without the list's own."""
    selection, _ = selected(document, **sent)
    text, variables = selection.document("works", FIRST)
    assert variables.pop("of_the_list_first") == 3
    return print_ast(parse(text)), variables


def frame(node, head="$of_the_list_first: Int!"):
    return print_ast(parse(FRAME.format(head=head, node=node)))


def test_the_selection_below_a_node_is_passed_on():
    text, variables = passed_on("{ works(first: 9, text: 1) { edges { node { id title } } } }")

    assert (text, variables) == (frame("node { id title }"), {})


def test_aliases_typenames_and_arguments_stay():
    below = "{ name: title __typename kind2: kind by { who: name __typename } }"
    text, _ = passed_on(f"{{ works(first: 1) {{ edges {{ node {below} }} }} }}")

    assert text == frame(f"node {below}")


def test_of_the_fragments_those_are_passed_on_that_are_used():
    text, _ = passed_on("""
      query($w: Boolean!) { works(first: 1) { ...Page } }
      fragment Page on WorkConnection { edges { ...Edge } }
      fragment Edge on WorkEdge { node { ...Node ... on Work { tags } } }
      fragment Node on Work { title by { ...Creator } }
      fragment Creator on Creator { name }
      fragment Unused on Work { words }
    """)

    fragments = (
        "fragment Creator on Creator { name }\nfragment Node on Work { title by { ...Creator } }"
    )
    assert text == print_ast(
        parse(f"{frame('node { ...Node ... on Work { tags } }')}\n{fragments}")
    )


def test_of_the_variables_those_are_passed_on_that_are_used_as_they_were_sent():
    document = """
      query($a: Int!, $b: Boolean! = true, $c: Boolean!, $d: String = "x", $e: Boolean!) {
        works(first: $a, text: $d) { edges { node { id @include(if: $c) ...N } } } }
      fragment N on Work { title @skip(if: $b) }
    """
    text, variables = passed_on(document, a=1, c=False, d="y", e=True)

    assert variables == {"c": False}
    head = "$of_the_list_first: Int!, $b: Boolean! = true, $c: Boolean!"
    asked = frame("node { id @include(if: $c) ...N }", head)
    assert text == print_ast(parse(f"{asked}\nfragment N on Work {{ title @skip(if: $b) }}"))


@pytest.mark.parametrize(
    ("directive", "is_there"),
    [
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@include(if: $yes)", True),
        ("@include(if: $no)", False),
        ("@skip(if: $yes)", False),
        ("@skip(if: $no) @include(if: $yes)", True),
    ],
)
def test_what_a_directive_leaves_out_of_the_list_is_not_asked_for(directive, is_there):
    document = f"""query($yes: Boolean!, $no: Boolean!) {{
      works(first: 1) {{ edges {directive} {{ node {{ id }} }} }} }}"""
    selection, _ = selected(document, yes=True, no=False)

    assert selection.below == (("{ id }",) if is_there else ())
    assert set(selection.edges) == ({"edges"} if is_there else set())
    assert selection.variables == ()


def test_edges_are_put_together_by_their_names_in_order():
    selection, _ = selected("""{ works(first: 1) {
      edges { at: cursor __typename node { id } a: node { title } cursor }
      again: edges { b: node { title } }
      late { id }
      after: late { words } } }""")

    assert selection.edges == {
        "edges": (
            Shown("at", "cursor", None),
            Shown("__typename", "__typename", None),
            Shown("node", "node", 0),
            Shown("a", "node", 1),
            Shown("cursor", "cursor", None),
        ),
        "again": (Shown("b", "node", 1),),
    }
    assert selection.things == {"late": 0, "after": 2}
    assert selection.names() == ["node", "node1", "node2"]
    text, _ = selection.document("works", FIRST)
    assert print_ast(parse(text)) == frame(
        "node { id } node1: node { title } node2: node { words }"
    )


def test_fields_of_one_name_are_asked_for_together():
    text, _ = passed_on("""{ works(first: 1) {
      edges { node { id } }
      edges { node { title } ... on WorkEdge { node { by { name } } } } } }""")

    assert text == frame("node { id title by { name } }")


def test_where_nothing_of_the_nodes_is_selected_only_the_order_is_asked_for():
    assert passed_on("{ works(first: 1) { edges { cursor } } }")[0] == frame("")


def test_variables_of_the_client_are_not_taken_for_those_of_the_list():
    document = """query($of_the_list_first: Boolean!) {
      works(first: 1) { edges { node { id @skip(if: $of_the_list_first) } } } }"""
    selection, _ = selected(document, of_the_list_first=False)
    text, variables = selection.document("works", FIRST)

    assert variables == {"of_the_list__first": 3, "of_the_list_first": False}
    assert "query($of_the_list__first: Int!, $of_the_list_first: Boolean!)" in text


def test_a_text_that_looks_like_a_document_stays_a_text():
    document = """{ works(first: 1) { edges { node { tags @include(if: true) title } } } }"""
    text, _ = passed_on(document)

    assert text == frame("node { tags @include(if: true) title }")


def test_a_node_is_asked_for_no_more_aliases_or_levels_than_the_client_asks_for():
    document = "{ works(first: 1) { edges { a: node { b: title } c: node { by { d: name } } } } }"
    text, _ = passed_on(document)

    assert text.count(": node") == document.count(": node") - 1
    assert validate(SCHEMA, parse(document)) == []
