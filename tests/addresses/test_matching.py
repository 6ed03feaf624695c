import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses.matching import (
    Filed,
    candidate_hosts,
    candidate_paths,
    pattern_matches,
    rule_length,
)
from federation.addresses.urls import MAX_URL_LENGTH, ClaimKey, UrlKey

labels = st.sampled_from(["a", "b", "ab"])
hosts = st.builds(
    lambda names, port: ".".join(names) + port,
    st.lists(labels, min_size=1, max_size=4),
    st.sampled_from(["", "", ":8443"]),
)
paths = st.lists(st.sampled_from(["", "n", "nn", "m"]), max_size=4).map(lambda s: "/" + "/".join(s))
keys = st.builds(UrlKey, hosts, paths)
claims = st.builds(ClaimKey, hosts, paths, st.booleans())


def matches(claim: ClaimKey, key: UrlKey) -> bool:
    """The rule as SETTLEMENT §3.14 words it."""
    p, q = claim.path, key.path
    on_path = p == q or (p.endswith("/") and q.startswith(p)) or q.startswith(p + "/")
    below = claim.wildcard and key.host.endswith("." + claim.host)
    return on_path and (claim.host == key.host or below)


def filed(*claims: ClaimKey) -> Filed[ClaimKey]:
    found = Filed[ClaimKey]()
    for claim in claims:
        found.add(claim, claim)
    return found


@given(st.lists(claims, max_size=12), keys)
def test_exactly_what_matches_is_found_the_most_specific_first(claims, key):
    groups = filed(*claims).matching(key)
    found = [claim for group in groups for claim in group]
    order = [(group[0].wildcard, -len(group[0].host), -len(group[0].path)) for group in groups]

    assert sorted(map(repr, found)) == sorted(repr(c) for c in claims if matches(c, key))
    assert order == sorted(set(order))


def test_an_exact_host_comes_before_a_wildcard_then_the_longer_one_then_the_longer_path():
    texts = ["a.b.example/", "*.a.b.example/n", "*.a.b.example/", "*.b.example/n/x", "*.example/n"]
    keys = [
        ClaimKey(host.removeprefix("*."), "/" + path, host.startswith("*."))
        for host, _, path in (text.partition("/") for text in texts)
    ]

    groups = filed(*reversed(keys)).matching(UrlKey("a.b.example", "/n/x"))

    assert [claim.text for group in groups for claim in group] == texts


def test_an_address_has_no_subdomains():
    assert candidate_hosts("[2001:db8::1]") == [("[2001:db8::1]", False), ("[2001:db8::1]", True)]


def test_a_pattern_is_found_on_its_host_and_on_no_other():
    pattern = ClaimKey("x.example", "/*.pdf$", wildcard=False)
    below = ClaimKey("x.example", "/*.pdf$", wildcard=True)
    found = Filed[ClaimKey]()
    for key in (pattern, below):
        found.add_subject(key, key)

    assert found.matching(UrlKey("x.example", "/a/b.pdf")) == ((pattern,), (below,))
    assert found.matching(UrlKey("www.x.example", "/a.pdf")) == ((below,),)
    assert found.matching(UrlKey("x.example", "/a.pdf/")) == ()
    assert found.matching(UrlKey("y.example", "/a.pdf")) == ()


@pytest.mark.parametrize(
    ("pattern", "path", "is_matched"),
    [
        ("/*", "/", True),
        ("/star/*", "/star/", True),
        ("/star/*", "/star", False),
        ("/a*b*c", "/a-b-c-d", True),
        ("/a*b*c$", "/a-b-c-d", False),
        ("/a*b*c$", "/abcbc", True),
        ("/a*bc$", "/abc", True),
        ("/ab*bc$", "/abc", False),  # no character stands for two
        ("/dollar$", "/dollar", True),
        ("/dollar$", "/dollar/more", False),
        ("/dollar$", "/doll", False),
        ("/**$", "/anything", True),
        ("/*$", "/", True),
        ("/A*", "/a", False),
    ],
)
def test_a_star_is_any_characters_and_a_dollar_the_end(pattern, path, is_matched):
    assert pattern_matches(pattern, path) is is_matched


pieces = st.text(alphabet="ab/", max_size=3)
patterns = st.builds(
    lambda first, others, end: "*".join(["/" + first, *others]) + end,
    pieces,
    st.lists(pieces, max_size=4),
    st.sampled_from(["", "$"]),
)


@given(patterns, st.text(alphabet="ab/", max_size=12).map("/".__add__))
def test_a_pattern_says_what_the_regular_expression_says(pattern, path):
    """The slow way, which backtracks: right, but not for what a stranger sends."""
    body = ".*".join(re.escape(piece) for piece in pattern.removesuffix("$").split("*"))
    slowly = re.match(body + (r"\Z" if pattern.endswith("$") else ""), path)

    assert pattern_matches(pattern, path) == (slowly is not None)


def test_a_pattern_that_would_backtrack_for_years_is_answered():
    path = "/" + "a" * (MAX_URL_LENGTH - 1)

    assert not pattern_matches("/" + "*a" * 16 + "*b", path)
    assert not pattern_matches("/" + "*a" * 15 + "*b$", path)
    assert pattern_matches("/" + "*a" * 16 + "$", path)


def test_every_host_above_is_a_candidate_down_to_the_last_label():
    assert candidate_hosts("a.b.cd.e") == [
        ("a.b.cd.e", False),
        ("a.b.cd.e", True),
        ("b.cd.e", True),
        ("cd.e", True),
        ("e", True),
    ]
    assert candidate_hosts("e") == [("e", False), ("e", True)]
    assert candidate_hosts("[::ffff:1.2.3.4]") == [
        ("[::ffff:1.2.3.4]", False),
        ("[::ffff:1.2.3.4]", True),
    ]


def test_every_path_that_ends_a_segment_is_a_candidate():
    assert candidate_paths("/") == ["/"]
    assert candidate_paths("/a") == ["/", "/a"]
    assert candidate_paths("/a//b/") == ["/", "/a", "/a/", "/a//", "/a//b", "/a//b/"]
    assert candidate_paths("/a/bc", {5, 1, 4, 3, 9}) == ["/", "/a/", "/a/bc"]
    assert candidate_paths("/a", ()) == []


def test_a_star_at_the_end_makes_no_rule_longer():
    assert [rule_length(path) for path in ("/", "/a", "/a*", "/a**", "/a$", "/*/a")] == [
        1,
        2,
        2,
        3,
        3,
        4,
    ]
