"""The JavaScript gate waits while it checks: tokens that come at once are counted all the same."""

from collections import Counter

import pytest

from tests.gate.negative_corpus import CORPUS, SITE
from tests.kit.javascript import bridge, needs_node
from tests.signing.corpus.forge import STRANGER, claims, forged, request, signed, token

pytestmark = needs_node


def wrong(number):
    made = forged(str(claims(jti=f"wrong-{number}")).encode(), STRANGER)
    return request(("authorization", f"License {made}"))


def right(_):
    return request(("authorization", f"License {token()}"))


def wrongly_signed(number):
    """Another's request to another page, under a token that is genuine."""
    return signed(nonce=f'"{number:032x}"') | {"target": "/news/elsewhere"}


def rightly_signed(number):
    return signed(nonce=f'"{number:032x}"')


def found(gate, requests):
    asked = {"site": SITE, "now": CORPUS["now"], "policy": CORPUS["policies"]["good"]}
    answers = gate.ask("gate", requests=requests, isAtOnce=True, **asked)
    return Counter(each.get("status", each["act"]) for each in answers)


@pytest.mark.parametrize("made", [wrong, wrongly_signed])
def test_of_wrong_ones_at_once_as_many_are_looked_at_as_one_after_the_other(made):
    with bridge() as gate:
        assert found(gate, [made(number) for number in range(200)]) == {401: 60, 429: 140}


@pytest.mark.parametrize("made", [right, rightly_signed])
def test_of_right_ones_at_once_none_is_refused_however_many(made):
    with bridge() as gate:
        assert found(gate, [made(number) for number in range(200)]) == {"serve": 200}
