"""When shares of several collectives at one place are more than the whole, and by how much."""

from datetime import UTC, datetime

import pytest

from federation.addresses.urls import ClaimKey, normalise_url
from federation.claimindex.index import ClaimIndex, IndexedShare
from federation.claimindex.messages import Over
from federation.claimindex.shares import Share, excess, over
from federation.registry.conflicts import Days, of_shares
from federation.values.right import Right

PLACE = ClaimKey("a.example", "/p$", wildcard=False)


def day(number, hour=0):
    return datetime(2026, 9, number, hour, tzinfo=UTC)


def a_share(node, bps, *, use="*", right="ALL", territories=(), source="w", starts=1, ends=None):
    end = None if ends is None else day(ends)
    return Share(node, source, use, Right(right), tuple(territories), bps, day(starts), end)


def found(*shares):
    return [(one.use, one.right, one.territory, one.total) for one in over(shares)]


def test_the_whole_is_no_conflict_and_one_part_more_is():
    assert found(a_share("DE", 6_000), a_share("FR", 4_000)) == []
    assert over([a_share("DE", 6_000), a_share("FR", 4_001)]) == [
        Over("*", Right.ALL, "", day(1), None, {"DE": 6_000, "FR": 4_001})
    ]
    assert found(a_share("DE", 10_000)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"use": "TRAIN"}, {"use": "SEARCH"}),
        ({"right": "REPRODUCTION"}, {"right": "ADAPTATION"}),
        ({"territories": ["DE"]}, {"territories": ["FR", "AT"]}),
        ({"ends": 10}, {"starts": 10}),
    ],
)
def test_what_does_not_meet_is_no_conflict(one, other):
    assert found(a_share("DE", 7_000, **one), a_share("FR", 7_000, **other)) == []


def test_a_conflict_lasts_as_long_as_both_are_said():
    [one] = over([a_share("DE", 7_000, ends=11), a_share("FR", 6_000, starts=10)])
    assert (one.starts_at, one.ends_at) == (day(10), day(11))
    conflict = of_shares(1, PLACE, day(1), [one])
    assert conflict.days == (Days(day(10).date(), day(11).date()),)
    assert conflict.parties == ["DE", "FR"]


def test_an_end_within_a_day_leaves_that_day_contested():
    one = Over("*", Right.ALL, "", day(10, 8), day(10, 9), {"DE": 6_000, "FR": 6_000})
    assert of_shares(1, PLACE, day(1), [one]).days == (Days(day(10).date(), day(11).date()),)


def test_what_follows_from_a_wider_case_is_not_said_again():
    wide = [a_share("DE", 7_000), a_share("FR", 6_000)]
    assert found(*wide, a_share("DE", 100, use="TRAIN", territories=["DE"])) == [
        ("*", Right.ALL, "", 13_000),
        ("TRAIN", Right.ALL, "DE", 13_100),
    ]


def test_one_collective_has_what_it_has_most_of_and_never_more_than_the_whole():
    works = [a_share("DE", 9_000), a_share("DE", 3_000, source="other"), a_share("DE", 500)]
    [one] = over([*works, a_share("FR", 1_000)])
    assert one.parts == {"DE": 9_500, "FR": 1_000}
    [one] = over([a_share("DE", 9_000), a_share("DE", 9_000), a_share("FR", 1)])
    assert one.parts == {"DE": 10_000, "FR": 1}


def test_what_is_held_of_a_line_is_what_is_beyond_the_whole():
    shares = [a_share("DE", 7_000, use="TRAIN"), a_share("FR", 6_000), a_share("GB", 500)]
    assert excess(shares, "TRAIN", day(3)) == 3_500
    assert excess(shares, "SEARCH", day(3)) == 0
    assert excess(shares[:1], "TRAIN", day(3)) is None
    assert excess(shares, "TRAIN", datetime(2026, 8, 31, tzinfo=UTC)) is None
    rights = [a_share("DE", 7_000, right="REPRODUCTION"), a_share("FR", 6_000, right="ADAPTATION")]
    assert excess([*rights, a_share("GB", 4_000)], "TRAIN", day(3)) == 1_000
    every = [a_share(node, 10_000) for node in ("DE", "FR", "GB")]
    assert excess(every, "TRAIN", day(3)) == 10_000


def test_what_is_contested_in_some_territories_only_holds_nothing():
    shares = [a_share("DE", 7_000, territories=["DE"]), a_share("FR", 7_000, territories=["DE"])]
    assert found(*shares) == [("*", Right.ALL, "DE", 14_000)]
    assert excess(shares, "TRAIN", day(3)) is None


def test_of_places_above_one_another_the_most_specific_that_several_share_counts():
    below = ClaimKey("a.example", "/", wildcard=False)
    shares = [
        IndexedShare(below, a_share("DE", 9_000)),
        IndexedShare(below, a_share("FR", 9_000)),
        IndexedShare(PLACE, a_share("DE", 5_000)),
    ]
    page, other = (normalise_url(f"https://a.example/{name}") for name in ("p", "q"))
    index = ClaimIndex([], [], shares)
    assert [index.excess(key, "TRAIN", day(3)) for key in (page, other)] == [8_000, 8_000]
    agreed = ClaimIndex([], [], [*shares, IndexedShare(PLACE, a_share("FR", 5_000))])
    assert [agreed.excess(key, "TRAIN", day(3)) for key in (page, other)] == [0, 8_000]
    assert agreed.without_rulings().excess(other, "TRAIN", day(3)) == 8_000
    assert ClaimIndex([], []).excess(page, "TRAIN", day(3)) == 0
