from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses.urls import ClaimKey, normalise_claim, normalise_url
from federation.claimindex.index import ClaimIndex, IndexedShare
from federation.claimindex.shares import Share
from federation.licensing.facts import Component
from federation.metering import verdicts
from federation.metering.verdicts import Placement, Portion, place, term_class
from federation.values.held import DISPUTED, UNMATCHED, is_held
from federation.values.right import Right
from tests.metering.judged import TERMS, a_claim, a_licence
from tests.opt_outs import an_opt_out

AT = datetime(2026, 9, 10, 12, tzinfo=UTC)
UNIT = 1000 * 1000 * 10_000  # one standard TRAIN unit


def placed(
    claims,
    *,
    url="https://x.example/a",
    units=1,
    unclaimed="exclude",
    bps=0,
    optouts=(),
    shares=(),
):
    index = ClaimIndex(claims, optouts, shares)
    return place(
        index.look_up(normalise_url(url), AT),
        "TRAIN",
        units,
        unclaimed=unclaimed,
        index=index,
        owner_bps=lambda _: bps,
        terms=TERMS,
    )


def over_by(excess, url):
    """Return shares of two other collectives that come to that much beyond the whole at a page."""
    key = normalise_url(url)
    place_ = ClaimKey(key.host, f"{key.path}$", wildcard=False)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        IndexedShare(place_, Share(node, "w", "*", Right.ALL, (), part, since, None))
        for node, part in (("A", 10_000), ("B", excess))
    ]


def ended(claims, *, unclaimed="exclude", optouts=()):
    placement = placed(claims, unclaimed=unclaimed, optouts=optouts)
    return placement.cls, placement.owner


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 8, 31, 23, 59, 59, 999999, UTC), verdicts.OUTSIDE_TERM),
        (datetime(2026, 9, 1, tzinfo=UTC), None),
        (datetime(2026, 9, 30, 23, 59, 59, 999999, UTC), None),
        (datetime(2026, 10, 1, tzinfo=UTC), verdicts.OUTSIDE_TERM),
        (datetime(2026, 10, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), None),
    ],
)
def test_a_term_includes_both_its_days_in_utc(at, expected):
    assert term_class(a_licence(), "TRAIN", at, "site") == expected


def test_a_revoked_licence_covers_nothing_after_that_instant():
    licence = a_licence(revoked_at=AT)
    next_one = AT + timedelta(microseconds=1)

    assert term_class(licence, "TRAIN", AT, "site") is None
    assert term_class(licence, "TRAIN", next_one, "site") == verdicts.OUTSIDE_TERM


def test_the_other_source_comes_before_the_term_and_the_term_before_the_scope():
    early = AT.replace(year=2025)

    assert term_class(a_licence(), "INDEX", early, "lab") == verdicts.OTHER_SOURCE
    assert term_class(a_licence(), "INDEX", early, "site") == verdicts.OUTSIDE_TERM
    assert term_class(a_licence(), "INDEX", AT, "site") == verdicts.OUT_OF_SCOPE


def test_a_component_is_found_by_use_and_named_with_the_licence():
    train, index = (
        Component(name, frozenset({use}), "TOKEN", 1)
        for name, use in [("a", "TRAIN"), ("b", "INDEX")]
    )
    licence = a_licence(components=(train, index))

    assert licence.component_for("INDEX") is index
    assert licence.component_for("SEARCH") is None
    assert licence.key(index) == "HUB-000001/b"
    assert a_licence().key(a_licence().components[0]) == "HUB-000001"


def test_a_line_matches_the_one_claimant():
    assert placed([a_claim(tier="premium")], units=7) == Placement(
        verdicts.MATCHED, "DE", (Portion("DE", "m1", "DE/m1", 7 * 3 * UNIT),)
    )


def test_an_unclaimed_line_is_held_or_dilutes_nobody():
    held = Placement(UNMATCHED, None, (Portion("~UNMATCHED", None, None, UNIT),))

    assert placed([], unclaimed="hold") == held
    assert placed([]) == Placement(verdicts.NOT_REPRESENTED, None, ())


@pytest.mark.parametrize(("tiers", "factor"), [(("premium", "premium"), 3), (("premium", "x"), 1)])
def test_a_line_two_nodes_claim_is_disputed_with_the_tier_they_agree_on(tiers, factor):
    claims = [a_claim(tier=tiers[0]), a_claim(node="FR", holder="f", tier=tiers[1])]

    assert placed(claims) == Placement(
        DISPUTED, None, (Portion("~DISPUTED", None, None, factor * UNIT),)
    )


def test_a_line_two_members_of_a_node_claim_is_matched_and_held_there_whole():
    copies = [a_claim(holder=h, canonical="https://o.example/") for h in ("m1", "m2")]

    assert placed(copies, bps=9000) == Placement(
        verdicts.MATCHED, "DE", (Portion("DE", "~DISPUTED", None, UNIT),)
    )


def test_a_withheld_line_earns_nothing():
    optout = an_opt_out("DE", "*", AT, None, "m1")

    assert placed([a_claim()], optouts=[optout]) == Placement(verdicts.RESERVED, None, ())


COPY = a_claim(canonical="https://o.example/x", tier="premium")
COPIER = Portion("DE", "m1", "DE/m1", 3 * UNIT * 3 // 4)


@pytest.mark.parametrize(
    ("owners", "unclaimed", "owner_part"),
    [
        ([a_claim("o.example", node="FR", holder="f")], "exclude", ("FR", "f", "FR/f")),
        ([a_claim("*.example", holder="m9")], "exclude", ("DE", "m9", "DE/m9")),
        ([], "hold", ("~UNMATCHED", None, None)),
        ([], "exclude", None),
        (
            [a_claim("o.example", node=node, holder="h") for node in ("FR", "GB")],
            "exclude",
            ("~DISPUTED", None, None),
        ),
        (
            [a_claim("o.example", node="FR", holder=holder) for holder in ("h", "i")],
            "hold",
            ("FR", "~DISPUTED", None),
        ),
    ],
)
def test_a_copy_shares_with_the_one_claimant_of_its_canonical_url(owners, unclaimed, owner_part):
    expected = (COPIER,)
    if owner_part is not None:
        at = normalise_url("https://o.example/x") if is_held(owner_part[0]) else None
        expected = (COPIER, Portion(*owner_part, 3 * UNIT // 4, at))

    assert placed([COPY, *owners], unclaimed=unclaimed, bps=2500) == Placement(
        verdicts.MATCHED, "DE", expected
    )


def test_a_part_of_nothing_is_not_listed():
    owner = a_claim("o.example", node="FR", holder="f")

    assert [p.party for p in placed([COPY, owner], bps=0).portions] == ["DE"]
    assert [p.party for p in placed([COPY, owner], bps=10_000).portions] == ["FR"]


def test_where_a_line_ends_follows_from_claims_opt_outs_and_the_licence():
    other = a_claim(node="FR", holder="f")
    optout = an_opt_out("FR", "TRAIN", AT, normalise_claim("x.example"), None)

    assert ended([]) == (verdicts.NOT_REPRESENTED, None)
    assert ended([], unclaimed="hold") == (UNMATCHED, None)
    assert ended([], optouts=[optout]) == (verdicts.RESERVED, None)
    assert ended([a_claim()]) == (verdicts.MATCHED, "DE")
    assert ended([other], optouts=[optout]) == (verdicts.RESERVED, None)
    assert ended([a_claim(), other]) == (DISPUTED, None)
    assert ended([a_claim(), other], optouts=[optout]) == (verdicts.RESERVED, None)


claim_lists = st.lists(
    st.builds(
        a_claim,
        st.sampled_from(["x.example", "x.example/a", "*.example", "o.example/x"]),
        node=st.sampled_from(["DE", "FR"]),
        holder=st.sampled_from(["m1", "m2"]),
        canonical=st.sampled_from([None, "https://o.example/x"]),
        tier=st.sampled_from(sorted(TERMS.tier_weight)),
    ),
    max_size=5,
    unique_by=lambda claim: (claim.node, claim.holder_id, claim.key),
)


@given(
    claim_lists,
    st.integers(1, 10**30),
    st.sampled_from(["hold", "exclude"]),
    st.integers(0, 10_000),
)
def test_a_held_licence_loses_no_weight(claims, units, unclaimed, bps):
    placement = placed(claims, units=units, unclaimed=unclaimed, bps=bps)
    weight = sum(portion.weight for portion in placement.portions)
    wholes = {units * tier * 1000 * 10_000 for tier in TERMS.tier_weight.values()}

    assert all(portion.weight > 0 for portion in placement.portions)
    assert unclaimed == "exclude" or weight in wholes
    assert (placement.owner is not None) == (placement.cls == verdicts.MATCHED)


@given(claim_lists, st.sampled_from(["hold", "exclude"]), st.integers(0, 10_000))
def test_the_order_of_claims_changes_no_verdict(claims, unclaimed, bps):
    placement = placed(claims, unclaimed=unclaimed, bps=bps)

    assert placed(list(reversed(claims)), unclaimed=unclaimed, bps=bps) == placement


X, ORIGINAL = "https://x.example/a", "https://o.example/a"


def parts_of(placement):
    """Return [(party, holder, weight in units of one line, address of what is held)]."""
    return [
        (one.party, one.member, Fraction(one.weight, UNIT), one.at and one.at.text)
        for one in placement.portions
    ]


def test_what_is_beyond_the_whole_is_held_of_a_line_that_stays_matched():
    claim = a_claim("x.example", node="FR", holder="h")
    found = placed([claim], units=10, shares=over_by(3_000, X))
    assert (found.cls, found.owner) == (verdicts.MATCHED, "FR")
    assert parts_of(found) == [("FR", "h", 7, None), ("~DISPUTED", None, 3, None)]
    assert parts_of(placed([claim], shares=over_by(10_000, X))) == [("~DISPUTED", None, 1, None)]
    assert parts_of(placed([claim], shares=over_by(3_000, ORIGINAL))) == [("FR", "h", 1, None)]


def test_of_a_copy_each_page_holds_its_own_part_and_the_address_it_is_of():
    copy = a_claim("x.example", node="FR", holder="h", canonical=ORIGINAL)
    original = a_claim("o.example", node="GB", holder="o")
    shares = [*over_by(5_000, X), *over_by(1_000, ORIGINAL)]
    assert parts_of(placed([copy, original], units=10, bps=4_000, shares=shares)) == [
        ("FR", "h", 3, None),
        ("~DISPUTED", None, 3, None),
        ("GB", "o", Fraction(36, 10), None),
        ("~DISPUTED", None, Fraction(4, 10), "o.example/a"),
    ]


def test_what_is_held_already_or_nobodys_is_not_held_twice():
    rivals = [a_claim("x.example", node=node, holder=node) for node in ("FR", "GB")]
    shares = over_by(5_000, X)
    assert parts_of(placed(rivals, shares=shares)) == [("~DISPUTED", None, 1, None)]
    assert parts_of(placed([], unclaimed="hold", shares=shares)) == [("~UNMATCHED", None, 1, None)]
    twins = [a_claim("x.example", node="FR", holder=holder) for holder in ("h", "i")]
    assert parts_of(placed(twins, units=2, shares=shares)) == [
        ("FR", "~DISPUTED", 1, None),
        ("~DISPUTED", None, 1, None),
    ]
