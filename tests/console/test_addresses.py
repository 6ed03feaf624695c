"""What pages make out of what they are told: where a hit has its page, which instant is asked."""

import re
from dataclasses import replace
from datetime import date

import pytest

from federation.console.audit.books import BALANCE_PAGE, as_recorded
from federation.console.page import Asked
from federation.console.pages import pages_of
from federation.console.search.everything import KINDS, place_of
from federation.search.kinds import SearchKind

AT_HUB = Asked("/search", "HUB", "Hub", None, "en", date(2026, 10, 19))
AT_NODE = replace(AT_HUB, server="GB")
HIT = {"id": "a/b?c=&d", "title": "x&y=z", "period": "2026-09", "party": "lab-one"}


def has_page(role, address):
    path = address.partition("?")[0].partition("#")[0]
    known = [re.sub(r"\{[^}]*\}", "[^/]+", page.path) for page in pages_of(role)]
    return any(re.fullmatch(pattern, path) for pattern in known)


@pytest.mark.parametrize(("role", "asked"), [("hub", AT_HUB), ("node", AT_NODE)])
def test_whatever_is_found_leads_to_a_page_of_that_server_or_nowhere(role, asked):
    found = {kind: place_of(kind, HIT, asked) for kind in KINDS}
    assert found.keys() == {kind.value for kind in SearchKind}
    # What only a collective keeps is not looked for at the hub.
    of_nodes = {"MEMBER", "WORK", "RIGHTHOLDER", "CLAIM"} if role == "hub" else set()
    lost = {kind for kind, place in found.items() if place and not has_page(role, place)}
    assert lost <= of_nodes, found
    assert {kind for kind, place in found.items() if place is None} == {"LAB", "COLLECTIVE"} | (
        set() if role == "hub" else {"CLIENT"}
    )
    assert place_of("CLIENT", HIT | {"party": None}, asked) is None
    assert found["PERSON"] == "/people/a%2Fb%3Fc%3D%26d"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("2026-09-30", "2026-09-30T23:59:59.999999Z"),
        ("2026-09-30T12:00:00Z", "2026-09-30T12:00:00Z"),
        ("", None),
    ],
)
def test_a_day_of_the_books_is_asked_to_its_last_microsecond(written, asked):
    found = as_recorded(BALANCE_PAGE, replace(AT_HUB, query={"asOf": written}))
    assert found.get("asOf") == asked
