"""The table of tests/signing/corpus at the JavaScript gate: each answer as the table has it."""

import json
import re

import pytest

from tests.gate.negative_corpus import BUY_AT, OPAQUE
from tests.kit.javascript import bridge, needs_node
from tests.signing.corpus import make

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


def test_each_request_is_answered_as_the_table_says(gate):
    found = {name: said_of(case, answers_to(gate, case)) for name, case in CASES.items()}

    assert found == {name: expected(case) for name, case in CASES.items()}


def answers_to(gate, case):
    name = case.get("policy", "good")
    policy = None if name is None else CORPUS["policies"][name]
    requests = [*case.get("before", []), case["request"]]
    return gate.ask("gate", site=SITE, now=NOW, policy=policy, requests=requests)


def expected(case):
    """What the table says, and what follows of it: headers, words, and one line of the log."""
    expect, served = case["expect"], ["serve"] * len(case.get("before", []))
    status, code = expect["status"], expect.get("code")
    if status == 200:
        return [*served, "serve"], LINK, []
    has_policy = case.get("policy", "good") is not None
    return (
        [*served, "answer"],
        {
            "status": status,
            "challenge": f'License error="{expect["error"]}"',
            "error": expect["error"],
            "code": code,
            "detail": OPAQUE.get(code, "said"),
            "buy_at": BUY_AT if has_policy else None,
            "link": LINK if status in {401, 402, 403} else None,
            "retry-after": "60" if status == 503 else None,
        },
        expect["why"],
    )


def said_of(case, answers):
    """What the gate says, in the words of `expected`."""
    acts, answer = [one["act"] for one in answers], answers[-1]
    if answer["act"] != "answer":
        return acts, answer["link"], answer["log"]
    headers, said = dict(answer["headers"]), json.loads(answer["body"])
    assert list(said) == ["error", "code", "detail", "buy_at"]
    why = case["expect"].get("why", "")
    detail = said["detail"] if said["code"] in OPAQUE else "said"
    told = {
        "status": answer["status"],
        "challenge": headers["www-authenticate"].partition(",")[0],
        **said,
        "detail": detail,
        "link": headers.get("link"),
        "retry-after": headers.get("retry-after"),
    }
    return acts, told, why_in(answer["log"], said["code"])[: len(why)]


def why_in(lines, code):
    [line] = lines
    said = rf"[ -~]+ at [!-~]* refused: {code}: (?:The signed token is not valid\. \()?(.*)"
    found = re.fullmatch(said, line)
    assert found, line
    return found[1]


@pytest.mark.parametrize("name", OFFERED)
def test_a_bad_policy_is_refused_and_the_one_held_stays(gate, name):
    good = CORPUS["policies"]["good"]
    offered = [good, CORPUS["policies"][name]]

    answer = gate.ask("offer", site=SITE, now=NOW, policies=offered)

    assert answer == {"found": [None, OFFERED[name]["expect"]], "kept": good}
