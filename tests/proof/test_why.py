from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.proof import why
from federation.proof.why import Earned, NothingToExplainError, Step, WhyError
from federation.settlement.run import compute
from tests.documents.sheets import a_licence
from tests.settlement.runs import a_document
from tests.settlement.runs import a_licence as licence_terms

PARTIES = ("DE", "GB", "JP", "~UNMATCHED", "~DISPUTED")
WEIGHTS = st.dictionaries(st.sampled_from(PARTIES), st.integers(1, 10**30), min_size=1)


def leaves_of(step):
    return sum(leaf.amount for leaf in step.leaves())


@given(WEIGHTS, st.integers(1, 10**12), st.integers(0, 10**9), st.sampled_from(["HUB", "GB"]))
def test_the_leaves_of_every_share_add_up_to_it(weights, fee, forward, licensor):
    key = f"{licensor}-000001"
    terms = msgspec.structs.replace(
        licence_terms(licensor, fee=fee),
        brought_forward={key: str(forward)},
        weights_from={key: "period"},
    )
    rows = [(key, party, str(weight)) for party, weight in sorted(weights.items())]
    document = a_document({key: terms}, rows)
    result = compute(document)
    shares = result.licences[key].shares
    found = {party: why.share(document, result, "r" * 64, key, party) for party in shares}
    assert {party: step.amount for party, step in found.items()} == shares
    assert {party: leaves_of(step) for party, step in found.items()} == shares
    gross = sum(leaf.amount for step in found.values() for leaf in step.leaves() if leaf.amount > 0)
    assert gross == fee + forward  # what was received and brought forward, to the last unit


def test_a_share_says_what_it_was_computed_from():
    key = "HUB-000001"
    terms = msgspec.structs.replace(licence_terms(fee=30_000), weights_from={key: "period"})
    document = a_document({key: terms}, [(key, "DE", "3"), (key, "GB", "1")])
    step = why.share(document, compute(document), "run", key, "DE")
    assert (step.amount, step.refs["weight"], step.refs["weights_total"]) == (21_825, "3", "4")
    assert step.refs["usage_report"] == "0" * 64
    [recognised, fee] = step.steps
    assert (recognised.amount, fee.amount) == (22_500, -675)
    assert recognised.refs["days"] == "30 of 30"
    assert fee.refs["bps"] == "300"


def test_there_is_nothing_to_explain_where_there_is_no_share():
    document = a_document()
    with pytest.raises(NothingToExplainError):
        why.share(document, compute(document), "run", "HUB-000001", "DE")


def test_an_invoice_is_explained_by_component_and_month():
    step = why.invoice(a_licence(ends_on=date(2026, 10, 10), fee_ends_on=date(2027, 8, 31)))
    assert leaves_of(step) == step.amount
    assert [leaf.label for leaf in step.leaves()] == ["2026-09", "2026-10"] * 2
    assert [leaf.refs["days"] for leaf in step.leaves()] == ["30", "10"] * 2


AMOUNTS = st.dictionaries(
    st.sampled_from(["a.example/", "b.example/", "~"]), st.integers(1, 10**20)
)
DAYS = st.dictionaries(st.sampled_from(["2026-09-01", "2026-09-30"]), st.integers(1, 10**9))


@given(AMOUNTS, DAYS, st.integers(0, 10**9), st.integers(0, 10**6))
def test_a_members_month_adds_up_to_the_day(weights, days, amount, base):
    earned = Earned(
        licence="HUB-000001",
        use="TRAIN",
        amount=amount,
        weights=weights,
        days={"a.example/": days},
        refs={},
    )
    step = why.member(
        node="DE",
        member_id="m",
        period="2026-09",
        currency="EUR",
        earned=[earned],
        heads={"base of what is received": base},
        refs={},
    )
    assert step.amount == leaves_of(step) == amount + base


def test_steps_that_do_not_add_up_are_no_reason():
    leaf = Step("a", 1, "EUR", "")
    with pytest.raises(WhyError):
        Step("root", 2, "EUR", "", {}, (leaf,))
    with pytest.raises(WhyError):
        Step("root", 1, "GBP", "", {}, (leaf,))
