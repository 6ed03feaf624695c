"""May a work be put to a use: SETTLEMENT §3, Consent records and published reservations."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.consent.deciding import Ruling, can_decide, decide, why_reserved
from federation.consent.states import Reason, State
from tests.consent.oracle import is_open

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def says(state, use="TRAIN", since=0, to=None, **more):
    """A ruling from so many hours after noon to before so many."""
    ends_at = None if to is None else NOON + to * HOUR
    return Ruling(state, use, NOON + since * HOUR, ends_at, **more)


def why(*groups, use="TRAIN", after=0):
    return why_reserved(groups, use, NOON + after * HOUR)


def test_no_record_means_yes():
    assert why() is None
    assert why([]) is None


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.OPT_OUT, Reason.OPTED_OUT),
        (State.RESERVED_EX_ANTE, Reason.RESERVED_EX_ANTE),
        (State.WITHHELD, Reason.WITHHELD),
        (State.WITHDRAWN, Reason.WITHDRAWN),
        (State.PUBLISHED_DISALLOW, Reason.PUBLISHED),
        (State.OPTED_IN, None),
        (State.MANDATED, None),
        (State.EXTENDED, None),
        (State.PUBLISHED_ALLOW, None),
    ],
)
def test_what_each_state_means_for_its_use(state, reason):
    assert why([says(state)]) == reason
    assert why([says(state, "*")]) == reason


def test_a_party_that_is_told_page_by_page_speaks_after_every_place_and_with_the_holder():
    page = says(State.WITHHELD, source="party-1")
    yes = says(State.OPTED_IN, source="work")

    assert why([page], [], []) == Reason.WITHHELD
    assert why([page, yes], []) is None
    assert why([page], [yes], []) is None
    assert why([page], [], [yes]) == Reason.WITHHELD
    assert why([says(State.EXTENDED, source="party-1")], [says(State.WITHHELD)]) == Reason.WITHHELD
    narrow = says(State.MANDATED, "SEARCH", source="party-2")
    assert why([says(State.EXTENDED, source="party-1"), narrow], []) == Reason.NOT_MANDATED
    assert why([page, says(State.OPTED_IN, since=-1, source="party-1")], []) == Reason.WITHHELD
    assert why([page._replace(state=State.RESERVED_EX_ANTE), yes], []) == Reason.RESERVED_EX_ANTE


@pytest.mark.parametrize("state", [state for state in State if state != State.MANDATED])
def test_of_another_use_nothing_is_said(state):
    assert why([says(state, "SEARCH")]) is None


def test_a_mandate_narrows_its_subject_to_the_uses_it_names():
    assert why([says(State.MANDATED, "SEARCH")]) == Reason.NOT_MANDATED
    assert why([says(State.MANDATED, "SEARCH"), says(State.MANDATED, since=-2)]) is None
    assert why([says(State.MANDATED, "SEARCH"), says(State.OPTED_IN, since=-2)]) is None


def test_nothing_acts_before_it_takes_effect_nor_after_its_end():
    record = says(State.WITHDRAWN, since=1, to=2)

    assert [why([record], after=after) for after in (0.999, 1, 1.999, 2)] == [
        None,
        Reason.WITHDRAWN,
        Reason.WITHDRAWN,
        None,
    ]


def test_the_most_specific_subject_has_the_word():
    yes, no = [says(State.OPTED_IN)], [says(State.WITHHELD)]

    assert why(yes, no) is None
    assert why(no, yes) == Reason.WITHHELD
    assert why([], no) == Reason.WITHHELD
    assert why([says(State.OPTED_IN, "SEARCH")], no) == Reason.WITHHELD
    assert why([says(State.MANDATED, "SEARCH")], [says(State.MANDATED)]) == Reason.NOT_MANDATED


def test_of_one_subject_the_latest_and_of_one_instant_the_refusal():
    assert why([says(State.WITHHELD, since=-2), says(State.OPTED_IN, since=-1)]) is None
    assert why([says(State.WITHHELD, since=-1), says(State.OPTED_IN, since=-2)]) == Reason.WITHHELD
    assert why([says(State.OPTED_IN), says(State.WITHHELD)]) == Reason.WITHHELD
    assert why([says(State.WITHHELD), says(State.WITHDRAWN)]) == Reason.WITHDRAWN


@pytest.mark.parametrize("state", [State.OPT_OUT, State.RESERVED_EX_ANTE, State.PUBLISHED_DISALLOW])
def test_no_record_overrules_what_is_enough_by_itself(state):
    assert why([says(State.OPTED_IN)], [says(state)]) is not None


def test_of_a_source_the_longest_rule_wins_and_sources_are_independent():
    short = says(State.PUBLISHED_DISALLOW, source="a", length=1)
    long = says(State.PUBLISHED_ALLOW, source="a", length=5)
    other = says(State.PUBLISHED_DISALLOW, source="b", length=1)
    alike = says(State.PUBLISHED_ALLOW, source="a", length=1)

    assert why([long], [short]) is None
    assert why([short, alike]) is None
    assert why([alike, short]) is None
    assert why([long], [short, other]) == Reason.PUBLISHED


def test_of_two_subjects_at_one_place_a_refusal_of_one_is_enough():
    no, yes = says(State.WITHHELD, since=-2, source="w1"), says(State.OPTED_IN, source="w2")

    assert why([no, yes]) == why([yes, no]) == Reason.WITHHELD
    assert why([yes, says(State.MANDATED, "SEARCH", source="w1")]) == Reason.NOT_MANDATED
    assert why([yes], [no]) is None


def test_the_latest_is_told_by_when_it_was_said_first_not_by_when_it_came_to_a_page():
    no, yes = says(State.WITHHELD, source="w1"), says(State.OPTED_IN, source="w1")
    earlier, later = NOON - 9 * HOUR, NOON - 8 * HOUR

    assert why([no._replace(since=earlier), yes._replace(since=later)]) is None
    assert why([no._replace(since=later), yes._replace(since=earlier)]) == Reason.WITHHELD
    assert why([no, yes._replace(since=later)]) == Reason.WITHHELD


def test_the_ruling_that_decides_is_named():
    no, yes = says(State.WITHHELD, row=1), says(State.OPTED_IN, row=2)
    published = says(State.PUBLISHED_DISALLOW, source="a", row=3)

    assert decide([[no], [yes]], "TRAIN", NOON) == (Reason.WITHHELD, no)
    assert decide([[yes], [no]], "TRAIN", NOON) == (None, yes)
    assert decide([[yes], [published]], "TRAIN", NOON) == (Reason.PUBLISHED, published)
    assert decide([[no]], "SEARCH", NOON) == (None, None)


def test_where_several_hold_the_first_of_the_order_is_named():
    everything = [says(state) for state in reversed(State)]

    assert why(everything) == Reason.OPTED_OUT
    assert why([one for one in everything if one.state != State.OPT_OUT]) == "RESERVED_EX_ANTE"


RULINGS = st.builds(
    Ruling,
    state=st.sampled_from(State),
    use=st.sampled_from(["*", "TRAIN", "SEARCH"]),
    effective_at=st.integers(-3, 3).map(lambda hours: NOON + hours * HOUR),
    ends_at=st.none() | st.integers(-2, 4).map(lambda hours: NOON + hours * HOUR),
    source=st.sampled_from(["a", "b"]),
    length=st.integers(1, 3),
    since=st.none() | st.integers(-5, -3).map(lambda hours: NOON + hours * HOUR),
    row=st.none(),
)
GROUPS = st.lists(st.lists(RULINGS, max_size=5), max_size=4)
REFUSALS = st.sampled_from(
    [
        State.OPT_OUT,
        State.RESERVED_EX_ANTE,
        State.WITHHELD,
        State.WITHDRAWN,
        State.PUBLISHED_DISALLOW,
    ]
)


@given(GROUPS, st.sampled_from(["TRAIN", "SEARCH", "GROUND"]), st.integers(-4, 4))
def test_an_oracle_written_from_the_rules_agrees(groups, use, after):
    at = NOON + after * HOUR

    assert (why_reserved(groups, use, at) is None) == is_open(groups, use, at)


@given(GROUPS, st.sampled_from(["TRAIN", "SEARCH", "GROUND"]), st.integers(-4, 4))
def test_what_cannot_decide_may_be_left_out(groups, use, after):
    at = NOON + after * HOUR
    left = [[one for one in group if can_decide(one, use, at)] for group in groups]

    assert decide(left, use, at) == decide(groups, use, at)
    assert decide([group for group in left if group], use, at) == decide(groups, use, at)


@given(GROUPS, RULINGS, REFUSALS, st.data())
def test_one_more_refusal_never_opens_anything(groups, ruling, state, data):
    before = why_reserved(groups, "TRAIN", NOON)
    more = [list(group) for group in groups] or [[]]
    data.draw(st.sampled_from(more)).append(ruling._replace(state=state))

    after = why_reserved(more, "TRAIN", NOON)

    assert before is None or after is not None


@given(st.lists(RULINGS, max_size=6), st.randoms(use_true_random=False))
def test_the_order_in_which_rulings_of_a_subject_came_does_not_matter(rulings, chance):
    turned = list(rulings)
    chance.shuffle(turned)

    assert why_reserved([turned], "TRAIN", NOON) == why_reserved([rulings], "TRAIN", NOON)
