"""A reading that an application may make of an address refuses, and opens nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from federation.addresses.urls import UrlKey, normalise_subject
from federation.consent.deciding import Ruling
from federation.consent.states import State
from federation.gate.withheld import WithheldPages, of_opt_outs
from federation.signing.policy import SiteOptOut
from federation.signing.site_rulings import SiteClaim, SiteRulings, pack, unpack

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NO, YES = Ruling(State.WITHHELD, "*", NOW - timedelta(days=1)), Ruling(State.OPTED_IN, "*", NOW)
NO_OF_PARTY, YES_OF_PARTY = (one._replace(source="party-a") for one in (NO, YES))
DISALLOW, ALLOW = (
    Ruling(state, "*", NOW, None, "robots", 3)
    for state in (State.PUBLISHED_DISALLOW, State.PUBLISHED_ALLOW)
)


def why(said, path, claims=()):
    places = {
        normalise_subject(f"a.example{subject}"): rulings for subject, rulings in said.items()
    }
    held = [(SiteClaim(f"a.example{path}", 0, **more), rules) for path, rules, more in claims]
    return WithheldPages(SiteRulings(places, held)).why([UrlKey("a.example", path)], "TRAIN", NOW)


@pytest.mark.parametrize(
    ("said", "path", "expected"),
    [
        ({"/a/": [NO], "/a/b$": [YES]}, "/a/b", None),
        ({"/a/": [NO], "/a/b$": [YES]}, "/A/b", "WITHHELD"),
        ({"/a/": [NO], "/A/b$": [YES]}, "/A/b", "WITHHELD"),  # two pages to some, one to others
        (
            {"/a/": [NO], "/a/b;v=1$": [YES]},
            "/a/b;v=1",
            "WITHHELD",
        ),  # read without parameters: /a/b
        ({"/a/": [NO], "/a/b;v=1$": [YES], "/a/b$": [YES]}, "/a/b;v=1", "WITHHELD"),
        ({"/a/": [NO], "/A/b$": [YES]}, "/x%5C..%5Ca/b", "WITHHELD"),
        ({"/a$": [NO], "/A$": [YES]}, "/A", "WITHHELD"),
        ({"/a%2Fb$": [NO], "/a/b$": [YES]}, "/a/b", "WITHHELD"),
        ({"/News/": [NO], "/News/A$": [YES]}, "/News/A", None),
        ({"/a/": [DISALLOW], "/A/": [ALLOW]}, "/A/x", "PUBLISHED"),
        ({"/a/": [Ruling(State.MANDATED, "GROUND", NOW)]}, "/A/x", "NOT_MANDATED"),
        (
            {"/a/": [NO, YES]},
            "/A/x",
            None,
        ),  # of one subject the latest decides, however it is found
        ({"/*/b": [NO], "/a/*": [YES]}, "/a/b", None),  # of patterns none is the more specific
        ({"/*/b": [YES], "/a/*": [Ruling(State.WITHHELD, "*", NOW)]}, "/a/b", "WITHHELD"),
    ],
)
def test_a_yes_is_gained_by_no_other_spelling(said, path, expected):
    assert why(said, path) == expected


OTHER = ("/other/", [NO], {})
MINE = [("/", [], {}), OTHER, ("/other/mine/", [], {})]


@pytest.mark.parametrize(
    ("claims", "path", "expected"),
    [
        (MINE, "/other/x", "WITHHELD"),
        (MINE, "/Other/x", "WITHHELD"),
        (MINE, "/other/mine/x", None),
        (MINE, "/other/mine/..;/x", "WITHHELD"),
        (MINE, "/x", None),
        (
            [("/", [], {}), ("/copy/", [], {"canonical": "a.example/other/x"}), OTHER],
            "/copy/",
            "WITHHELD",
        ),
        (
            [("/", [], {}), ("/copy/", [], {"canonical": "a.example/other/x"}), OTHER],
            "/COPY/",
            "WITHHELD",
        ),
        ([("/", [NO], {}), ("/mine/", [], {}), ("/mine/", [NO], {})], "/mine/x", "WITHHELD"),
    ],
)
def test_whose_a_page_is_follows_from_the_most_specific_claim(claims, path, expected):
    assert why({}, path, claims) == expected
    if expected is not None:
        assert why({f"{path}$": [YES]}, path, claims) == (None if path in CLEARED else expected)


CLEARED = {"/other/x", "/mine/x"}
"""Where a yes to the very page is the most specific: of its original, or of what an application may
serve in its place, it says nothing."""


def test_opt_outs_of_one_subject_in_two_spellings_are_all_kept():
    said = [SiteOptOut("a.example/%61", "TRAIN", NOW), SiteOptOut("A.example/a", "GROUND", NOW)]
    pages = WithheldPages(of_opt_outs(said))

    found = [pages.why([UrlKey("a.example", "/a")], use, NOW) for use in ("TRAIN", "GROUND", "X")]

    assert found == ["OPTED_OUT", "OPTED_OUT", None]


@pytest.mark.parametrize(
    ("of_page", "of_host", "of_member", "expected"),
    [
        ([NO_OF_PARTY], [], [], "WITHHELD"),
        ([NO_OF_PARTY], [YES], [], None),
        ([NO_OF_PARTY, YES], [], [], None),
        ([YES_OF_PARTY], [NO], [], "WITHHELD"),
        ([NO_OF_PARTY], [], [YES], "WITHHELD"),
        ([YES_OF_PARTY], [], [NO], "WITHHELD"),
        ([NO_OF_PARTY, YES_OF_PARTY._replace(source="party-b")], [], [], "WITHHELD"),
        ([NO_OF_PARTY, YES_OF_PARTY], [], [], None),  # one party's later word
    ],
)
def test_what_a_party_says_of_a_page_comes_last_as_a_policy_tells_it(
    of_page, of_host, of_member, expected
):
    places = {"a.example/a$": of_page, "a.example/": of_host}
    said = {normalise_subject(subject): rulings for subject, rulings in places.items() if rulings}
    packed = pack(SiteRulings(said, [(SiteClaim("a.example/", 0), of_member)]), NOW)

    assert WithheldPages(unpack(packed)).why([UrlKey("a.example", "/a")], "TRAIN", NOW) == expected
