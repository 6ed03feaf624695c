from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.settlement.plans import (
    MemberFacts,
    MemberLine,
    NodeInputs,
    NodeTerms,
    allocate,
    distribute,
    licence_lines,
    tier_of,
)
from federation.settlement.rates import MissingRateError, Rates
from federation.values.plan import Tier

RATES = Rates("EUR", {"GBP": ("2026-09-30", "0.8"), "JPY": ("2026-09-30", "180")})
TIERS = {"gold": Tier(10, 6000), "bronze": Tier(1, 4000)}


def a_node(plan="per_usage", **changes):
    return NodeTerms("DE", "EUR", changes.pop("admin_fee_bps", 1000), plan, **changes)


def distributed(node=None, *, received=(), domestic=(), weights=None, members=(), rates=RATES):
    return distribute(
        NodeInputs(
            node=node or a_node(),
            period="2026-09",
            received=received,
            domestic=domestic,
            member_weights=weights or {},
            members=members,
            rates=rates,
        )
    )


def test_the_admin_fee_is_taken_on_what_others_collected():
    given_out = distributed(
        received=[("HUB-000001", "EUR", 1009)],
        domestic=[("DE-000001", "EUR", 100)],
        weights={"HUB-000001": {"m1": 1}, "DE-000001": {"m2": 5}},
    )

    assert (given_out.received, given_out.domestic, given_out.admin_fee) == (1009, 100, 100)
    assert given_out.attributed == {"m1": 909, "m2": 100}
    assert given_out.lines == (
        MemberLine("m1", "HUB-000001", "received", "received", 909),
        MemberLine("m2", "DE-000001", "domestic", "domestic", 100),
    )


def test_shares_are_converted_once_per_currency():
    shares = [("HUB-000001", "JPY", 1), ("FR-000001", "JPY", 1), ("HUB-000002", "GBP", 80)]

    assert distributed(received=shares).received == 101  # 2 yen are 1.11 cents, not 2 times 0.56


def test_per_usage_goes_by_exact_value_and_then_by_weight():
    given_out = distributed(
        a_node(admin_fee_bps=0),
        received=[("HUB-000001", "EUR", 300), ("HUB-000002", "GBP", 80)],
        weights={"HUB-000001": {"m1": 1, "m2": 2}, "HUB-000002": {"m2": 1}},
    )

    assert given_out.attributed == {"m1": 100, "m2": 300}


def test_what_a_nodes_own_members_contest_stays_outstanding():
    given_out = distributed(
        received=[("HUB-000001", "EUR", 100)],
        weights={"HUB-000001": {"~DISPUTED": 1, "m1": 2}},
    )

    assert given_out.attributed == {"m1": 60}
    assert given_out.outstanding == {"DISPUTED": 30}
    assert {line.member for line in given_out.lines} == {"m1"}


def test_a_licence_whose_members_weigh_nothing_has_no_recipient():
    given_out = distributed(received=[("HUB-000001", "EUR", 100)], weights={"HUB-000001": {}})

    assert given_out.outstanding == {"NO_RECIPIENT": 90}


MEMBERS = [
    MemberFacts("m1", entitled=True, works=12),
    MemberFacts("m2", entitled=True, works=9),
    MemberFacts("m3", entitled=False, works=99),
    MemberFacts("m4", entitled=True, works=0),
]


def test_a_hybrid_plan_shares_a_base_per_head_and_the_rest_per_usage():
    given_out = distributed(
        a_node("hybrid", base_bps=4000, admin_fee_bps=0),
        received=[("HUB-000001", "EUR", 1000)],
        weights={"HUB-000001": {"m3": 1}},
        members=MEMBERS,
    )

    assert given_out.attributed["m3"] == 600
    assert sorted(given_out.attributed[m] for m in ("m1", "m2", "m4")) == [133, 133, 134]
    assert {line.source for line in given_out.lines} == {"base", "received"}


def test_a_base_nobody_is_entitled_to_has_no_recipient():
    given_out = distributed(
        a_node("hybrid", base_bps=4000, admin_fee_bps=0),
        domestic=[("DE-000001", "EUR", 1000)],
        weights={"DE-000001": {"m3": 1}},
        members=[MEMBERS[2]],
    )

    assert given_out.attributed == {"m3": 600}
    assert given_out.outstanding == {"NO_RECIPIENT": 400}


def test_a_tiered_plan_shares_between_tiers_and_then_per_head():
    given_out = distributed(
        a_node("tiered", tiers=TIERS, admin_fee_bps=0),
        received=[("HUB-000001", "EUR", 1000)],
        weights={"HUB-000001": {"m3": 1, "~DISPUTED": 1}},
        members=MEMBERS,
    )

    assert given_out.attributed == {"m1": 600, "m2": 400}
    assert given_out.outstanding == {}
    assert {line.licence for line in given_out.lines} == {None}


def test_a_tier_without_members_leaves_its_part_to_the_others():
    given_out = distributed(
        a_node("tiered", tiers=TIERS, admin_fee_bps=0),
        received=[("HUB-000001", "EUR", 1000)],
        members=MEMBERS[1:],
    )

    assert given_out.attributed == {"m2": 1000}


@pytest.mark.parametrize("members", [[], MEMBERS[2:]])
def test_tiers_nobody_reaches_have_no_recipient(members):
    given_out = distributed(
        a_node("tiered", tiers=TIERS, admin_fee_bps=0),
        received=[("HUB-000001", "EUR", 7)],
        domestic=[("DE-000001", "EUR", 5)],
        members=members,
    )

    assert given_out.outstanding == {"NO_RECIPIENT": 12}


def test_the_highest_tier_reached_counts():
    assert [tier_of(works, TIERS) for works in (0, 1, 9, 10, 99)] == [
        *(None, "bronze", "bronze", "gold", "gold"),
    ]


def test_a_higher_tier_that_pays_less_per_head_is_a_warning():
    crowd = [MemberFacts(f"g{n}", entitled=True, works=10) for n in range(2)]
    node = a_node("tiered", tiers=TIERS)

    assert distributed(node, members=[*crowd, MEMBERS[1]]).warnings == (
        "DE: tier gold pays less per head than bronze",
    )
    assert distributed(node, members=MEMBERS).warnings == ()


def test_a_missing_rate_stops_a_distribution():
    with pytest.raises(MissingRateError, match="KRW"):
        distributed(received=[("HUB-000001", "KRW", 1)])


licences = st.sampled_from([f"HUB-{n:06d}" for n in range(4)])

shares = st.dictionaries(
    licences, st.tuples(st.sampled_from(["EUR", "GBP", "JPY"]), st.integers(0, 10**9)), max_size=4
).map(lambda found: [(key, currency, amount) for key, (currency, amount) in found.items()])

names = st.sampled_from(["m1", "m2", "m3", "~DISPUTED"])

member_weights = st.dictionaries(
    licences, st.dictionaries(names, st.integers(0, 10**12), max_size=4), max_size=4
)

members = st.lists(
    st.builds(MemberFacts, st.sampled_from(["m1", "m2", "m3"]), st.booleans(), st.integers(0, 20)),
    unique_by=lambda member: member.member_id,
)

nodes = st.one_of(
    st.builds(a_node, admin_fee_bps=st.integers(0, 10_000)),
    st.builds(a_node, st.just("hybrid"), base_bps=st.integers(0, 10_000)),
    st.builds(a_node, st.just("tiered"), tiers=st.just(TIERS)),
)


@given(nodes, shares, shares, member_weights, members)
def test_every_unit_is_a_fee_a_members_or_outstanding(node, received, domestic, weights, people):
    given_out = distributed(
        node, received=received, domestic=domestic, weights=weights, members=people
    )
    attributed, outstanding = given_out.attributed, given_out.outstanding

    money = given_out.received + given_out.domestic
    out = given_out.admin_fee + sum(attributed.values()) + sum(outstanding.values())
    assert money == out
    assert all(amount > 0 for amount in (*attributed.values(), *outstanding.values()))
    assert sum(line.amount for line in given_out.lines) == sum(attributed.values())
    assert {name for name, (_, wrong) in given_out.checks.items() if wrong} == set()


@given(nodes, shares, member_weights, members)
def test_a_distribution_does_not_depend_on_the_order_of_its_inputs(node, owed, weights, people):
    forwards = distributed(node, received=owed, weights=weights, members=people)
    backwards = distributed(
        node,
        received=owed[::-1],
        weights=dict(reversed(weights.items())),
        members=people[::-1],
    )

    assert backwards.attributed == forwards.attributed
    assert backwards.outstanding == forwards.outstanding
    assert sorted(map(str, backwards.lines)) == sorted(map(str, forwards.lines))


def test_a_share_of_nothing_needs_no_rate():
    given_out = distributed(
        received=[("HUB-000001", "EUR", 100), ("HUB-000002", "KRW", 0)],
        weights={"HUB-000001": {"m1": 1}},
    )

    assert given_out.attributed == {"m1": 90}


PEOPLE = [f"m{n}" for n in range(9)]
CROWD = [MemberFacts(name, entitled=True, works=n % 2 * 10 + 1) for n, name in enumerate(PEOPLE)]


def in_turn(scope, tied):
    return min(tied, key=lambda key: sha256(f"2026-09/DE/{scope}/{key}".encode()).hexdigest())


@pytest.mark.parametrize("side", ["received", "domestic"])
def test_licences_that_tie_take_turns_by_node_and_part(side):
    half_a_cent = Rates("EUR", {"GBP": ("2026-09-30", "2")})
    for number in range(6):
        keys = [f"HUB-{number:06d}", f"FR-{number:06d}/a"]
        given_out = distributed(
            a_node(admin_fee_bps=0),
            **{side: [(key, "GBP", 1) for key in keys]},
            weights={key: {key: 1} for key in keys},
            rates=half_a_cent,
        )

        assert given_out.attributed == {in_turn(side, keys): 1}


@pytest.mark.parametrize("side", ["received", "domestic"])
def test_members_that_tie_take_turns_by_licence(side):
    for key in ("HUB-000001", "HUB-000002/a"):
        given_out = distributed(
            a_node(admin_fee_bps=0),
            **{side: [(key, "EUR", 1)]},
            weights={key: dict.fromkeys(PEOPLE, 5)},
        )

        assert given_out.attributed == {in_turn(f"{side}/{key}", PEOPLE): 1}


@pytest.mark.parametrize("side", ["received", "domestic"])
def test_heads_that_tie_take_turns_in_a_base(side):
    node = a_node("hybrid", base_bps=10_000, admin_fee_bps=0)

    given_out = distributed(node, **{side: [("HUB-000001", "EUR", 1)]}, members=CROWD)

    assert given_out.attributed == {in_turn(f"{side}/base", PEOPLE): 1}


@pytest.mark.parametrize("side", ["received", "domestic"])
@pytest.mark.parametrize(("high", "low"), [("gold", "bronze"), ("a", "b"), ("b", "a"), ("x", "y")])
def test_tiers_that_tie_take_turns_and_so_do_their_members(side, high, low):
    node = a_node("tiered", tiers={high: Tier(10, 5000), low: Tier(1, 5000)}, admin_fee_bps=0)

    given_out = distributed(node, **{side: [("HUB-000001", "EUR", 1)]}, members=CROWD)

    tier = in_turn(f"{side}/tiers", [high, low])
    assert given_out.attributed == {
        in_turn(f"{side}/tier/{tier}", PEOPLE[1::2] if tier == high else PEOPLE[::2]): 1
    }


def test_tiers_that_pay_the_same_per_head_are_no_warning():
    even = a_node("tiered", tiers={"gold": Tier(10, 5000), "bronze": Tier(1, 5000)})

    assert distributed(even, members=MEMBERS).warnings == ()


def test_every_line_says_whose_it_is_of_what_and_in_which_part():
    """Both parts of a hybrid plan: 90.00 and 10.00 of use and base, and by tier the same heads."""
    owed = {"received": [("HUB-000001", "EUR", 1_000)], "domestic": [("DE-000001", "EUR", 200)]}
    weights = {"HUB-000001": {"m1": 1}, "DE-000001": {"m1": 1}}
    hybrid = distributed(
        a_node("hybrid", base_bps=1_000),
        **owed,
        weights=weights,
        members=[MemberFacts("m1", True, 1)],
    )
    tiered = distributed(
        a_node("tiered", tiers={"all": Tier(1, 10_000)}),
        **owed,
        weights=weights,
        members=[MemberFacts("m1", True, 1)],
    )

    assert sorted(hybrid.lines, key=str) == sorted(
        [
            MemberLine("m1", None, "base", "received", 90),
            MemberLine("m1", None, "base", "domestic", 20),
            MemberLine("m1", "HUB-000001", "received", "received", 810),
            MemberLine("m1", "DE-000001", "domestic", "domestic", 180),
        ],
        key=str,
    )
    assert sorted(tiered.lines, key=str) == [
        MemberLine("m1", None, "tier", "domestic", 200),
        MemberLine("m1", None, "tier", "received", 900),
    ]
    assert hybrid.checks == {"nothing_lost": (4, [])}
    assert tiered.checks == {"nothing_lost": (2, [])}


def test_a_licence_that_gives_nothing_in_a_part_has_no_lines_there():
    inputs = NodeInputs(
        node=a_node(),
        period="2026-09",
        received=[("HUB-000001", "EUR", 1_000)],
        domestic=[],
        member_weights={},
        members=(),
        rates=RATES,
    )

    assert licence_lines(inputs, allocate(inputs), "received", "HUB-000002", {"m1": 1}) == []
    assert licence_lines(inputs, allocate(inputs), "domestic", "HUB-000001", {"m1": 1}) == []
