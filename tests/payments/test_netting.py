from hypothesis import given
from hypothesis import strategies as st

from federation.netting.positions import between, nets_without
from federation.settlement.clearing import Clearing, positions

PARTIES = ["HUB", "DE", "FR", "GB", "JP"]


@st.composite
def obligations(draw):
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(PARTIES), st.sampled_from(PARTIES), st.integers(0, 10**12)),
            max_size=30,
        )
    )
    return [Clearing(a, b, "EUR", amount, amount) for a, b, amount in pairs if a != b]


left_in_turn = st.permutations(PARTIES[1:]).flatmap(
    lambda order: st.integers(1, len(order)).map(lambda count: order[:count])
)


@given(obligations(), left_in_turn)
def test_what_lies_between_two_and_the_new_nets_are_the_old_nets(cleared, order):
    left = []
    for debtor in order:
        before = nets_without(cleared, PARTIES, set(left))
        after = nets_without(cleared, PARTIES, {*left, debtor})
        shares = between(cleared, debtor, set(left))

        assert sum(after.values()) == 0
        assert after[debtor] == 0
        assert before[debtor] == -sum(shares.values())
        for party in PARTIES:
            if party != debtor:
                assert before[party] == after[party] + shares.get(party, 0)
        left.append(debtor)


@given(obligations())
def test_while_nobody_leaves_the_nets_are_those_of_the_run(cleared):
    nets = {party: position.net for party, position in positions(cleared, PARTIES).items()}

    assert nets_without(cleared, PARTIES, set()) == nets


def test_a_month_whose_debtor_left_reads_like_this():
    cleared = [
        Clearing("GB", "FR", "EUR", 300, 300),
        Clearing("FR", "GB", "EUR", 100, 100),
        Clearing("GB", "HUB", "EUR", 10, 10),
        Clearing("HUB", "DE", "EUR", 50, 50),
        Clearing("DE", "FR", "EUR", 20, 20),
    ]

    assert nets_without(cleared, ["HUB", "DE", "FR", "GB"], set()) == {
        "HUB": -40,
        "DE": 30,
        "FR": 220,
        "GB": -210,
    }
    assert between(cleared, "GB", set()) == {"FR": 200, "HUB": 10}
    assert nets_without(cleared, ["HUB", "DE", "FR", "GB"], {"GB"}) == {
        "HUB": -50,
        "DE": 30,
        "FR": 20,
        "GB": 0,
    }
