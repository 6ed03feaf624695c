"""Which licence of a buyer a token by RSL is under: one that can be had, however many cannot."""

from federation.licensing.objects import ComponentTerms, Grant, Licensor
from federation.tokens.olp import _choice, _rank
from tests.licensing.licences import a_licence


def one(number, *uses, licensor="HUB"):
    grant = Grant([ComponentTerms(uses=list(uses), fee="1000")])
    return a_licence(number=number, grant=grant, licensor=Licensor(licensor))


def test_the_first_usage_of_the_terms_that_any_licence_grants_is_meant():
    trains, grounds = one("HUB-000001", "TRAIN", "RAG"), one("HUB-000002", "GROUND", "RAG")

    assert _choice(["ai-input", "ai-train"], [trains, grounds]) == ("ai-input", "GROUND", grounds)
    assert _choice(["ai-input", "ai-train"], [trains]) == ("ai-input", "RAG", trains)
    assert _choice(["ai-train", "ai-input"], [grounds, trains]) == ("ai-train", "TRAIN", trains)
    assert _choice(["ai-train"], [grounds]) is None
    assert _choice([], [grounds]) is None


def test_however_many_licences_grant_something_else_the_one_that_grants_it_is_found():
    others = [one(f"HUB-{n:06}", "SEARCH") for n in range(199)]
    last = one("HUB-000900", "TRAIN")

    assert _choice(["ai-input", "ai-train"], [*others, last]) == ("ai-train", "TRAIN", last)


def test_this_servers_own_licences_are_taken_before_others():
    own, other = one("GB-000001", "TRAIN", licensor="GB"), one("HUB-000001", "TRAIN")

    assert sorted([other, own], key=lambda each: _rank(each, "GB")) == [own, other]
    assert sorted([own, other], key=lambda each: _rank(each, "HUB")) == [other, own]
