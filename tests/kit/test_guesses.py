"""The JavaScript gate waits while it checks: tokens that come at once are counted all the same."""

from collections import Counter

import pytest

from tests.gate.negative_corpus import CORPUS, SITE
from tests.kit.javascript import bridge, in_node, needs_node
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


FROM_MANY = """
import { Guesses } from "SRC/site/guesses.js";
let now = 0;
const guesses = new Guesses({ burst: 3, perMinute: 6 }, () => now);
async function wrong(number) {
  try {
    const turn = await guesses.requireTurn(`198.51.100.${number}`, `wrong ${number}`);
    guesses.isWrong(turn);
    guesses.end(turn);
    return "looked at";
  } catch (error) {
    return error.seconds;
  }
}
const found = await Promise.all(Array.from({ length: 62 }, (_, number) => wrong(number)));
now += 1;
console.log(JSON.stringify([...found, await wrong(63)]));
"""


def test_who_names_another_address_each_time_is_slowed_down_all_the_same():
    *at_once, later = in_node(FROM_MANY)

    assert Counter(at_once) == {"looked at": 60, 1: 2}  # whoever is looked at first
    assert later == "looked at"


@pytest.mark.parametrize("made", [right, rightly_signed])
def test_of_right_ones_at_once_none_is_refused_however_many(made):
    with bridge() as gate:
        assert found(gate, [made(number) for number in range(200)]) == {"serve": 200}
