"""On which days several parties hold one claim."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from federation.registry.conflicts import Days, Standing, contested_days, sides

AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = date(2026, 1, 1)


def day(number):
    return FIRST + timedelta(days=number)


def standing(party, begins, ends=None, at=AT):
    name = f"{party}-{begins}-{ends}"
    return Standing(party, name, day(begins), None if ends is None else day(ends), at)


def test_days_are_contested_while_two_hold_the_claim():
    a, b = standing("a", 0, 10), standing("b", 5)

    assert contested_days([a, b]) == (Days(day(5), day(10)),)
    assert contested_days([a, standing("b", 10)]) == ()
    assert contested_days([a, standing("a", 3, 12)]) == ()  # one party is nobody's rival
    assert contested_days([a, standing("b", 2, 4), standing("b", 4, 6)]) == (Days(day(2), day(6)),)
    assert contested_days([standing("a", 0), b]) == (Days(day(5), None),)


def test_sides_are_those_who_hold_it_then_the_one_known_first_in_front():
    early, late = AT, AT + timedelta(hours=1)
    a, b = standing("b", 0, 10, early), standing("a", 5, None, late)
    gone = standing("c", 0, 5)

    found = sides([gone, b, a], contested_days([a, b]))

    assert found == (a, b)


claims = st.lists(
    st.builds(
        lambda party, begins, length: standing(
            party, begins, None if length is None else begins + length
        ),
        st.sampled_from("abc"),
        st.integers(0, 20),
        st.none() | st.integers(0, 12),
    ),
    max_size=6,
)


@given(claims)
def test_a_day_is_contested_if_and_only_if_two_parties_hold_it(claims):
    days = contested_days(claims)

    for number in range(40):
        holders = {claim.party for claim in claims if claim.counts_on(day(number))}
        is_listed = any(
            one.starts_on <= day(number) and (one.ends_on is None or day(number) < one.ends_on)
            for one in days
        )
        assert is_listed is (len(holders) > 1)
    for one, other in pairwise(days):
        assert one.ends_on is not None
        assert one.ends_on < other.starts_on
