from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses.urls import normalise_canonical, normalise_claim, normalise_url
from federation.claimindex.entitlement import HeldClaim, Membership, entitled, works_on
from federation.claimindex.index import ClaimIndex, IndexedClaim
from tests.opt_outs import an_opt_out

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)


def a_claim(claim="x.example/", *, node="DE", holder="m1", canonical=None, **changes):
    values = {"counts_from": date(2025, 1, 1), "counts_to": None, "content_tier": "standard"}
    values.update(changes)
    return IndexedClaim(
        node=node,
        claim_id=f"{node}-{holder}-{claim}",
        holder_id=holder,
        key=normalise_claim(claim),
        canonical=normalise_canonical(canonical) if canonical else None,
        **values,
    )


def an_optout(subject=None, *, node="DE", use="*", holder=None, at=NOON):
    key = normalise_claim(subject) if subject else None
    return an_opt_out(node=node, use=use, effective_at=at, subject=key, holder_id=holder)


def holders(index, url, at=NOON):
    return [claim.holder_id for claim in index.claimants(normalise_url(url), at)]


def is_reserved(claims, optouts, url="https://x.example/a", use="TRAIN", at=NOON):
    return ClaimIndex(claims, optouts).is_reserved(normalise_url(url), use, at)


def test_the_exact_host_wins_over_a_wildcard_with_a_longer_path():
    index = ClaimIndex([a_claim("*.x.example/a/b", holder="w"), a_claim("x.example/")], [])

    assert holders(index, "https://x.example/a/b") == ["m1"]


def test_the_longer_wildcard_wins_and_then_the_longer_path():
    claims = [
        a_claim("*.example/a/b", holder="short"),
        a_claim("*.x.example/a", holder="a"),
        a_claim("*.x.example/", holder="root"),
    ]
    index = ClaimIndex(claims, [])

    assert holders(index, "https://www.x.example/a/b") == ["a"]
    assert holders(index, "https://www.x.example/b") == ["root"]
    assert holders(index, "https://y.example/a/b") == ["short"]
    assert holders(index, "https://y.example/") == []


def test_a_claim_counts_from_its_first_day_to_before_its_last_in_utc():
    days = {"counts_from": date(2026, 9, 10), "counts_to": date(2026, 9, 11)}
    index = ClaimIndex([a_claim(**days)], [])
    url = "https://x.example/"

    assert holders(index, url, datetime(2026, 9, 9, 23, 59, 59, 999999, UTC)) == []
    assert holders(index, url, datetime(2026, 9, 10, tzinfo=UTC)) == ["m1"]
    assert holders(index, url, datetime(2026, 9, 11, tzinfo=UTC)) == []
    east = timezone(timedelta(hours=2))
    assert holders(index, url, datetime(2026, 9, 11, 1, 30, tzinfo=east)) == ["m1"]


def test_when_the_most_specific_claim_does_not_count_the_next_may():
    ended = a_claim("x.example/a", holder="ended", counts_to=date(2026, 9, 1))
    index = ClaimIndex([ended, a_claim("x.example/", holder="next")], [])

    assert holders(index, "https://x.example/a/b") == ["next"]


def test_claimants_do_not_depend_on_the_order_of_claims():
    claims = [a_claim(node=node, holder=holder) for node in ("DE", "FR") for holder in "abc"]
    key = normalise_url("https://x.example/")

    forwards, backwards = ClaimIndex(claims, []), ClaimIndex(reversed(claims), [])

    assert forwards.claimants(key, NOON) == backwards.claimants(key, NOON)


def test_an_optout_that_names_the_claimant_withholds_its_work():
    assert is_reserved([a_claim()], [an_optout(holder="m1")])
    assert not is_reserved([a_claim()], [an_optout(holder="m2")])


def test_a_member_of_another_collective_with_the_same_id_withholds_nothing():
    assert not is_reserved([a_claim()], [an_optout(holder="m1", node="FR")])


def test_another_collectives_optout_does_not_touch_a_claimed_url():
    assert is_reserved([a_claim()], [an_optout("x.example/a")])
    assert not is_reserved([a_claim()], [an_optout("x.example/a", node="FR")])


def test_any_collectives_optout_withholds_an_unclaimed_url():
    assert is_reserved([], [an_optout("x.example/a", node="FR")])
    assert is_reserved([], [an_optout("*.example", node="FR")])
    assert not is_reserved([], [an_optout("x.example/b", node="FR")])


def test_a_contested_url_is_withheld_by_the_optout_of_either_side():
    contested = [a_claim(), a_claim(node="FR", holder="f1")]

    assert is_reserved(contested, [an_optout(holder="f1", node="FR")])
    assert is_reserved(contested, [an_optout("x.example/", node="FR")])
    assert not is_reserved(contested, [an_optout("x.example/", node="GB")])


def test_an_optout_counts_from_its_instant_and_for_its_use():
    claims, optouts = [a_claim()], [an_optout("x.example", use="TRAIN")]

    assert is_reserved(claims, optouts)
    assert not is_reserved(claims, optouts, at=NOON - timedelta(microseconds=1))
    assert not is_reserved(claims, optouts, use="SEARCH")


def test_an_optout_of_a_claim_that_does_not_count_withholds_nothing():
    ended = a_claim("x.example/a", holder="ended", counts_to=date(2026, 9, 1))

    assert not is_reserved([ended, a_claim()], [an_optout(holder="ended")])


def test_a_withheld_canonical_url_withholds_its_copies():
    copy = a_claim("x.example/a", canonical="https://owner.example/o")
    owner = a_claim("owner.example/", node="FR", holder="f1")

    assert is_reserved([copy, owner], [an_optout(holder="f1", node="FR")])
    assert is_reserved([copy, owner], [an_optout("owner.example/o", node="FR")])
    assert not is_reserved([copy, owner], [an_optout("owner.example/o", node="DE")])
    assert is_reserved([copy], [an_optout("owner.example/o", node="GB")])


def test_the_canonical_url_of_a_canonical_url_is_not_followed():
    copy = a_claim("x.example/a", canonical="https://b.example/")
    second = a_claim("b.example/", holder="b", canonical="https://c.example/")

    assert not is_reserved([copy, second], [an_optout("c.example/")])


def test_a_canonical_url_counts_also_where_the_copy_is_contested():
    copy = a_claim("x.example/a", canonical="https://owner.example/o")

    assert is_reserved(
        [copy, a_claim("x.example/a", node="FR", holder="f1")],
        [an_optout("owner.example/o", node="GB")],
    )


@pytest.mark.parametrize("both", [{}, {"subject": "x.example", "holder": "m1"}])
def test_an_optout_names_either_a_url_or_a_member(both):
    with pytest.raises(ValueError, match="either"):
        an_optout(**both)


def test_many_urls_are_remembered_and_the_answers_stay_right(monkeypatch):
    monkeypatch.setattr("federation.claimindex.index.REMEMBERED_URLS", 3)
    index = ClaimIndex([a_claim("x.example/1", holder="one"), a_claim()], [])

    for number in [*range(10), 1]:
        expected = ["one"] if number == 1 else ["m1"]
        assert holders(index, f"https://x.example/{number}") == expected


def test_of_what_is_said_on_many_pages_only_so_much_is_remembered(monkeypatch):
    monkeypatch.setattr("federation.claimindex.index.REMEMBERED_THINGS", 25)
    rulings = [an_optout("x.example") for _ in range(10)]
    index = ClaimIndex([], rulings)
    remembered = index._subjects._remembered

    sizes = []
    for number in [*range(5), 4]:
        assert index.is_reserved(normalise_url(f"https://x.example/{number}"), "TRAIN", NOON)
        sizes.append(len(remembered))

    assert sizes == [1, 2, 1, 2, 1, 1]


LAST = date(2026, 9, 30)
CLAIM = HeldClaim(date(2026, 1, 1), None)


@pytest.mark.parametrize(
    ("member", "claims", "optouts", "expected"),
    [
        (Membership("m", LAST), [CLAIM], [], True),
        (Membership("m", date(2026, 10, 1)), [CLAIM], [], False),
        (Membership("m", LAST, left_on=LAST), [CLAIM], [], False),
        (Membership("m", LAST, left_on=date(2026, 10, 1)), [CLAIM], [], True),
        (Membership("m", LAST, suspended_on=LAST), [CLAIM], [], False),
        (Membership("m", LAST), [], [], False),
        (Membership("m", LAST), [HeldClaim(LAST, LAST)], [], False),
        (Membership("m", LAST), [CLAIM], [an_optout(holder="m")], False),
        (Membership("m", LAST), [CLAIM], [an_optout(holder="n")], True),
        (Membership("m", LAST), [CLAIM], [an_optout(holder="m", use="TRAIN")], True),
        (
            Membership("m", LAST),
            [CLAIM],
            [an_optout(holder="m", at=datetime(2026, 10, 1, tzinfo=UTC))],
            True,
        ),
        (Membership("m", LAST), [CLAIM], [an_optout("x.example")], True),
    ],
)
def test_who_is_entitled_on_the_last_day(member, claims, optouts, expected):
    assert entitled(member, claims, optouts, LAST) is expected


days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
held = st.builds(HeldClaim, days, st.none() | days, st.integers(0, 50))


@given(st.lists(held, max_size=6), days)
def test_works_are_those_of_the_claims_that_count(claims, day):
    by_hand = [c for c in claims if c.counts_from <= day and (not c.counts_to or day < c.counts_to)]

    assert works_on(claims, day) == sum(claim.works for claim in by_hand)
