"""The table of tests/signing/corpus at the JavaScript gate: each answer as the table has it."""

import json
import re

import pytest

from tests.kit.javascript import bridge, needs_node
from tests.signing.corpus import make
from tests.site.test_negative_corpus import BUY_AT, OPAQUE

CORPUS = json.loads(make.FILE.read_text("ascii"))
NOW, SITE = CORPUS["now"], CORPUS["site"]
CASES = {case["name"]: case for case in CORPUS["cases"]}
OFFERED = {offer["policy"]: offer for offer in CORPUS["offered"]}
LINK = '<https://pub.example/license.xml>; rel="license"; type="application/rsl+xml"'
pytestmark = needs_node


@pytest.fixture(scope="module")
def gate():
    with bridge() as asked:
        yield asked


@pytest.mark.parametrize("name", CASES)
def test_each_request_is_answered_as_the_table_says(gate, name):
    case, name = CASES[name], CASES[name].get("policy", "good")
    requests = [*case.get("before", []), case["request"]]
    policy = None if name is None else CORPUS["policies"][name]

    *before, answer = gate.ask("gate", site=SITE, now=NOW, policy=policy, requests=requests)

    expect = case["expect"]
    assert [one["act"] for one in before] == ["serve"] * len(before)
    if expect["status"] == 200:
        assert (answer["act"], answer["link"], answer["log"]) == ("serve", LINK, [])
        return
    headers, said = dict(answer["headers"]), json.loads(answer["body"])
    challenge = headers["www-authenticate"].partition(",")[0]
    assert (answer["status"], challenge) == (
        expect["status"],
        f'License error="{expect["error"]}"',
    )
    assert list(said) == ["error", "code", "detail", "buy_at"]
    assert (said["error"], said["code"]) == (expect["error"], expect["code"])
    assert said["detail"] == OPAQUE.get(expect["code"], said["detail"])
    assert said["buy_at"] == (None if policy is None else BUY_AT)
    assert headers.get("link") == (LINK if expect["status"] in {401, 402, 403} else None)
    assert headers.get("retry-after") == ("60" if expect["status"] == 503 else None)
    assert why_in(answer["log"], expect["code"]).startswith(expect["why"])


def why_in(lines, code):
    [line] = lines
    found = re.fullmatch(rf"refused: {code}: (?:The signed token is not valid\. \()?(.*)", line)
    assert found, line
    return found[1]


@pytest.mark.parametrize("name", OFFERED)
def test_a_bad_policy_is_refused_and_the_one_held_stays(gate, name):
    good = CORPUS["policies"]["good"]
    offered = [good, CORPUS["policies"][name]]

    answer = gate.ask("offer", site=SITE, now=NOW, policies=offered)

    assert answer == {"found": [None, OFFERED[name]["expect"]], "kept": good}
