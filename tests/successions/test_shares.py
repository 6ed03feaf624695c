"""Who gets what by a chain of successions: exact parts, whatever the chain."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.payments.successors import still_due
from federation.successions.succession import (
    BadSuccessionError,
    LongChainError,
    Subject,
    SubjectKind,
    SuccessionCircleError,
    final_shares,
    read_succession,
    require_chain,
)
from federation.values.papers import Paper
from tests.successions.drafts import WILL, draft


def faults(*shares, **fields):
    with pytest.raises(BadSuccessionError) as refusal:
        read_succession(draft(*shares, **fields))
    return [str(fault) for fault in refusal.value.faults]


def test_a_succession_is_read_whole():
    found = read_succession(draft(("bea", 6_000), ("cal", 4_000), ground="  a   will "))

    assert found == (
        Subject(SubjectKind.MEMBER, "ann"),
        date(2026, 9, 10),
        {"bea": 6_000, "cal": 4_000},
        "a will",
        "B. Ling",
        "executor",
        (WILL,),
    )


def test_shares_that_are_not_the_whole_are_refused_with_their_place():
    assert faults(("bea", 6_000), ("cal", 4_001)) == [
        "successors: the shares are 10001 together, not 10000"
    ]
    assert faults(("bea", 9_999)) == ["successors: the shares are 9999 together, not 10000"]
    assert faults(("bea", 10_001), ("cal", -1)) == [
        "successors[1].share_bps: 10001 is not between 1 and 10000",
        "successors[2].share_bps: -1 is not between 1 and 10000",
    ]
    assert faults(("bea", 5_000), ("bea", 5_000)) == ["successors[2].member: 'bea' is named twice"]
    assert faults() == ["successors: 0 in the place of 1 to 50"]
    assert faults(*((f"m-{number}", 200) for number in range(51))) == [
        "successors: 51 in the place of 1 to 50"
    ]


def test_everything_else_that_is_wrong_is_named_at_once():
    paper = Paper("", "x", "0" * 63 + "A")
    found = faults(("bea", 10_000), subject="ann", ground="\x00", capacity=" ", papers=[paper])

    assert [fault.partition(":")[0] for fault in found] == [
        "subject",
        "ground",
        "capacity",
        "papers[1].kind",
        "papers[1].sha256",
    ]
    assert faults(("bea", 10_000), papers=[]) == ["papers: 0 in the place of 1 to 20"]
    assert faults(("bea", 10_000), papers=[WILL] * 2) == ["papers: a paper is named twice"]


def test_chains_are_followed_to_their_ends():
    links = {"a": {"b": 6_000, "c": 4_000}, "b": {"c": 5_000, "d": 5_000}}

    assert final_shares(links, "a") == {"c": Fraction(7, 10), "d": Fraction(3, 10)}
    assert final_shares(links, "b") == {"c": Fraction(1, 2), "d": Fraction(1, 2)}
    assert final_shares(links, "e") == {"e": Fraction(1)}


@pytest.mark.parametrize("new", ["a", "b", "c"])
def test_a_chain_that_closes_a_circle_is_refused(new):
    circle = {"a": {"b": 10_000}, "b": {"c": 5_000, "x": 5_000}, "c": {"a": 1, "y": 9_999}}

    with pytest.raises(SuccessionCircleError):
        require_chain(circle, new)


def test_ten_successions_follow_one_another_and_no_more():
    chain = {str(place): {str(place + 1): 10_000} for place in range(10)}
    longer = chain | {"10": {"11": 10_000}}

    for new in ("0", "4", "9"):
        require_chain(chain, new)
    for new in ("0", "4", "10"):
        with pytest.raises(LongChainError):
            require_chain(longer, new)
    assert final_shares(chain, "0") == {"10": Fraction(1)}


@st.composite
def trees(draw):
    """Successions of which each leads to later members only, at most ten in a row."""
    links = {}
    for place in range(draw(st.integers(1, 8))):
        names = draw(st.lists(st.integers(place + 1, 10), min_size=1, max_size=4, unique=True))
        cuts = sorted(
            draw(
                st.lists(
                    st.integers(1, 9_999),
                    min_size=len(names) - 1,
                    max_size=len(names) - 1,
                    unique=True,
                )
            )
        )
        parts = [end - start for start, end in zip([0, *cuts], [*cuts, 10_000], strict=True)]
        links[f"m{place}"] = {f"m{name}": bps for name, bps in zip(names, parts, strict=True)}
    return links


@given(trees(), st.integers(0, 10**12))
def test_parts_are_the_whole_and_money_is_conserved(links, amount):
    parts = final_shares(links, "m0")
    due = still_due(amount, {}, parts, scope="2026-09/GB/succession/m0")

    assert sum(parts.values()) == 1
    assert links.keys().isdisjoint(parts)
    assert sum(due.values()) == amount
    assert all(abs(due.get(one, 0) - amount * part) < 1 for one, part in parts.items())


@given(
    trees(),
    st.integers(1, 10**6),
    st.dictionaries(st.sampled_from(["m0", "m9", "m10", "x"]), st.integers(1, 10**5)),
)
def test_what_left_before_is_never_paid_twice(links, amount, gone):
    due = still_due(amount, gone, final_shares(links, "m0"), scope="2026-09/GB/succession/m0")

    assert sum(due.values()) == max(0, amount - sum(gone.values()))


def test_of_a_rest_each_gets_what_it_lacks():
    parts = {"s": Fraction(3, 5), "t": Fraction(2, 5)}

    assert still_due(101, {}, parts, scope="2026-09/GB/succession/p") == {"s": 61, "t": 40}
    assert still_due(101, {"t": 40}, parts, scope="2026-09/GB/succession/p") == {"s": 61}
    assert still_due(100, {"p": 100}, parts, scope="2026-09/GB/succession/p") == {}
    # One has more than its part of today: what the others lack is cut, not paid beside it.
    assert still_due(100, {"t": 70}, parts, scope="2026-09/GB/succession/p") == {"s": 30}
