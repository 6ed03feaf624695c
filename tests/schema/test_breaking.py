"""No client of the last release is broken without a decision record that says so."""

import tomllib
from pathlib import Path

import pytest
from graphql import build_schema, find_breaking_changes

from federation.cli.sdl import sdl

HERE = Path(__file__).parent
DECISIONS = HERE.parents[1] / "docs" / "decisions"
LISTED = tomllib.loads((HERE / "breaking.toml").read_text(encoding="utf-8"))


def broken(before, after):
    """Return what of one schema is not so in another any more, in words."""
    old, new = (build_schema(text, assume_valid_sdl=True) for text in (before, after))
    return [change.description for change in find_breaking_changes(old, new)]


def released(role):
    return (HERE / "released" / f"{role}.graphql").read_text(encoding="utf-8")


def decision(number):
    [found] = DECISIONS.glob(f"{number:04}-*.md")
    return found.read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ["hub", "node"])
def test_what_breaks_clients_of_the_last_release_stands_in_a_decision_record(role):
    assert broken(released(role), sdl(role)) == list(LISTED[role])
    for change, number in LISTED[role].items():
        assert change in decision(number), f"decision {number} does not say: {change}"


@pytest.mark.parametrize("role", ["hub", "node"])
@pytest.mark.parametrize(
    ("place", "before", "after", "change"),
    [
        (
            "type Work",
            '  """Its title."""\n  title: String!\n',
            "",
            "Field Work.title was removed.",
        ),
        (
            "type Work",
            "wordCount: Int\n",
            "wordCount: String\n",
            "Field Work.wordCount changed type from Int to String.",
        ),
        (
            "type Work",
            "  title: String!\n",
            "  title: String\n",
            "Field Work.title changed type from String! to String.",
        ),
        ("type Query", "licence(", "oneLicence(", "Field Query.licence was removed."),
        (
            "  licence(",
            "number: String!\n",
            "number: ID!\n",
            "Argument Query.licence(number:) has changed type from String! to ID!.",
        ),
        (
            "  licence(",
            "number: String!\n",
            "number: String!\n    at: DateTime!\n",
            "A required argument Query.licence(at:) was added.",
        ),
        (
            "  licences(",
            "after: String = null\n",
            "after: String!\n",
            "Argument Query.licences(after:) has changed type from String to String!.",
        ),
    ],
)
def test_what_is_removed_or_made_required_or_of_another_type_is_found(
    role, place, before, after, change
):
    text = released(role)
    start = text.index(before, text.index(f"\n{place}"))

    assert broken(text, text[:start] + after + text[start + len(before) :]) == [change]


def test_what_only_comes_breaks_nobody():
    before, after = "type Query { works: Int }", "type Query { works(text: String): Int more: Int }"

    assert broken(before, after) == []
