"""To whom what was held for an address goes, and what an outcome has to say."""

from datetime import date

import pytest

from federation.addresses.matching import lies_within
from federation.addresses.urls import ClaimKey
from federation.disputes.outcomes import (
    Escrow,
    Expired,
    ProRata,
    Reduced,
    Withdrawn,
    decode,
    encode,
    matches,
    must_consent,
    require_fitting,
    require_for_one,
    shares_for,
    told_to,
)
from federation.disputes.rules import BadOutcomeError, NoSideError

DAY = date(2026, 10, 1)
TWINS = ClaimKey("twins.example", "/", wildcard=False)
REDUCED = Reduced("b", "a", "twins.example", "/b/", wildcard=False, on=DAY)
EVERY = [
    Withdrawn("a", DAY),
    Expired("a", DAY),
    REDUCED,
    ProRata({"a": 3_333, "b": 3_333}),
    Escrow("LG Hamburg 308 O 1/26"),
]


@pytest.mark.parametrize("terms", EVERY)
def test_terms_are_kept_as_they_were_proposed(terms):
    assert decode(encode(terms).decode()) == terms
    require_fitting(terms, TWINS, {"a", "b"})


@pytest.mark.parametrize(
    ("terms", "url_key", "shares"),
    [
        (EVERY[0], "twins.example/x", {"a": 10_000}),
        (EVERY[1], "twins.example/x", {"a": 10_000}),
        (REDUCED, "twins.example/x", {"b": 10_000}),
        (REDUCED, "twins.example/b/x", {"a": 10_000}),
        (REDUCED, "twins.example/b", {"b": 10_000}),
        (EVERY[3], "twins.example/x", {"a": 3_333, "b": 3_333, "~DISPUTED": 3_334}),
        (ProRata({"a": 1, "b": 9_999}), "twins.example/x", {"a": 1, "b": 9_999}),
        (EVERY[4], "twins.example/x", {}),
    ],
)
def test_an_outcome_says_whose_the_money_for_an_address_is(terms, url_key, shares):
    assert shares_for(terms, url_key) == shares


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        (Withdrawn("c", DAY), NoSideError),
        (Expired("", DAY), NoSideError),
        (Reduced("b", "c", "twins.example", "/b/", wildcard=False, on=DAY), NoSideError),
        (Reduced("b", "b", "twins.example", "/b/", wildcard=False, on=DAY), BadOutcomeError),
        (Reduced("b", "a", "twins.example", "/", wildcard=False, on=DAY), BadOutcomeError),
        (Reduced("b", "a", "other.example", "/b", wildcard=False, on=DAY), BadOutcomeError),
        (Reduced("b", "a", "twins.example", "/b", wildcard=True, on=DAY), BadOutcomeError),
        (ProRata({"a": 10_000}), BadOutcomeError),
        (ProRata({"a": 10_000, "b": 0}), BadOutcomeError),
        (ProRata({"a": 10_001, "b": -1}), BadOutcomeError),
        (ProRata({"a": 5_000, "b": 5_001}), BadOutcomeError),
        (ProRata({"a": 5_000, "b": 4_000, "c": 1}), NoSideError),
        (Escrow(" "), BadOutcomeError),
        (Escrow("x" * 501), BadOutcomeError),
    ],
)
def test_terms_that_are_not_of_the_dispute_are_refused(terms, error):
    with pytest.raises(error):
        require_fitting(terms, TWINS, {"a", "b"})


def test_of_three_sides_none_reduces_its_claim_alone():
    with pytest.raises(BadOutcomeError):
        require_fitting(REDUCED, TWINS, {"a", "b", "c"})


def test_who_gives_something_up_has_to_agree():
    sides = {"a", "b"}
    assert [must_consent(terms, sides) for terms in EVERY] == [{"b"}, set(), sides, sides, set()]


def test_between_collectives_money_goes_to_one_claim():
    for terms in EVERY:
        if isinstance(terms, ProRata):
            with pytest.raises(BadOutcomeError):
                require_for_one(terms)
        else:
            require_for_one(terms)


@pytest.mark.parametrize(
    ("claim", "url_key", "is_matched"),
    [
        (ClaimKey("h.example", "/", wildcard=False), "h.example/x", True),
        (ClaimKey("h.example", "/", wildcard=False), "a.h.example/x", False),
        (ClaimKey("h.example", "/", wildcard=True), "a.h.example/x", True),
        (ClaimKey("h.example", "/x", wildcard=False), "h.example/x/y", True),
        (ClaimKey("h.example", "/x", wildcard=False), "h.example/xy", False),
        (ClaimKey("h.example", "/x/", wildcard=False), "h.example/x", False),
    ],
)
def test_a_claim_matches_as_the_settlement_rules_say(claim, url_key, is_matched):
    assert matches(claim, url_key) is is_matched


@pytest.mark.parametrize(
    ("claim", "outer", "is_within"),
    [
        ("h.example/x", "h.example/", True),
        ("h.example/", "h.example/x", False),
        ("a.h.example/", "*.h.example/", True),
        ("*.a.h.example/", "*.h.example/", True),
        ("*.h.example/", "h.example/", False),
        ("h.example/xy", "h.example/x", False),
    ],
)
def test_a_claim_lies_within_another(claim, outer, is_within):
    assert lies_within(_key(claim), _key(outer)) is is_within


def _key(text):
    host, slash, path = text.removeprefix("*.").partition("/")
    return ClaimKey(host, slash + path, text.startswith("*."))


@pytest.mark.parametrize("terms", EVERY)
def test_a_side_is_not_told_who_the_others_are(terms):
    told = told_to(encode(terms).decode(), "a")

    assert '"b"' not in told
    assert isinstance(decode(told), type(terms))


def test_a_side_is_told_its_own_part():
    told = decode(told_to(encode(ProRata({"a": 1, "b": 2, "c": 3})).decode(), "b"))

    assert told == ProRata({"~another side 1": 1, "b": 2, "~another side 2": 3})
