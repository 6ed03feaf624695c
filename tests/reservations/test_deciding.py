"""What sources say as rulings is decided by `consent` as by the lists that were read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.addresses.matching import rule_length
from federation.consent import deciding
from federation.consent.states import Reason, State
from federation.published.agents import AI_USES, SEARCHING
from federation.published.robots import read_robots
from federation.published.rules import RuleList, rule_matches
from federation.reservations.comparing import digest_of, packed_rules
from federation.reservations.rulings import rulings
from federation.reservations.tables import KeptList, Source
from tests.published.reserving import reserving

SEEN = datetime(2026, 9, 7, 6, tzinfo=UTC)
PATHS = ["/", "/a", "/a/", "/a/b", "/ab", "/a/b.html", "/index.html", "/b"]
_lines = st.one_of(
    st.sampled_from(["*", "GPTBot", "CCBot", "OAI-SearchBot"]).map("User-agent: {}".format),
    st.tuples(
        st.sampled_from(["Allow", "Disallow"]),
        st.sampled_from(["/", "/a", "/a/", "/a$", "/*.html", "/a/b", "*b", "/a*", "/a**", "/*$"]),
    ).map(": ".join),
    st.sampled_from(["Content-Signal: ai-train=no", "Content-Usage: /a train-ai=y, search=n"]),
)


def kept(each: RuleList) -> KeptList:
    return KeptList(
        digest=digest_of(each),
        name=each.name,
        uses=" ".join(each.uses),
        rules=packed_rules(each.rules),
        effective_at=SEEN,
        ends_at=None,
    )


def decided(said, path, use):
    """Ask the one function, as an index does: what matches, each with the length of its rule."""
    groups = [
        [
            deciding.Ruling(
                State.PUBLISHED_ALLOW if one.allow else State.PUBLISHED_DISALLOW,
                one.use,
                one.effective_at,
                one.ends_at,
                one.source,
                rule_length(one.path),
            )
        ]
        for one in said
        if rule_matches(one.path, path)
    ]
    return deciding.why_reserved(groups, use, SEEN)


@given(st.lists(_lines, max_size=14).map("\n".join))
@settings(max_examples=100, deadline=None)
def test_rulings_reserve_what_the_lists_reserve(text):
    reading = read_robots(text.encode(), "site.example")

    said = rulings(Source(source_id=1, host="site.example"), [kept(one) for one in reading.lists])

    for path in PATHS:
        for use in (*AI_USES, *SEARCHING, "NEW"):
            reason = Reason.PUBLISHED if reserving(reading, path, use) else None
            assert decided(said, path, use) == reason, (path, use)


@pytest.mark.parametrize(
    ("lines", "path", "is_reserved"),
    [
        (["Disallow: /a/", "Allow: /a"], "/a/b", True),  # the longer, though it is written longer
        (["Disallow: /a$", "Allow: /a"], "/a", True),
        (["Disallow: /a*", "Allow: /a"], "/a", True),
        (["Disallow: /a", "Allow: /a"], "/a", False),
    ],
)
def test_a_rule_is_as_long_as_its_file_writes_it(lines, path, is_reserved):
    reading = read_robots("\n".join(["User-agent: *", *lines]).encode(), "site.example")
    said = rulings(Source(source_id=1, host="site.example"), [kept(one) for one in reading.lists])

    assert (decided(said, path, "TRAIN") is not None) is is_reserved
