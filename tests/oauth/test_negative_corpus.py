"""The table of tests/signing/corpus where a node is asked about a token: it takes none of them."""

import json
from datetime import UTC, datetime

import pytest

from federation.errors import RefusalError
from federation.nodes.validating import Validate, opens
from federation.signing.keys import key_set
from federation.signing.policy import open_site_policy
from tests.signing.corpus import make

CORPUS = json.loads(make.FILE.read_text("ascii"))
SITE = CORPUS["site"]
PINNED = key_set(SITE["node_jwks"]), key_set(SITE["hub_jwks"])


def token_of(case):
    """Return the token of a request that shows one clearly, and nothing beside it."""
    shown = [value for name, value in case["request"]["headers"] if name == "authorization"]
    names = {name for name, _ in case["request"]["headers"]}
    if names != {"host", "user-agent", "authorization"} or len(shown) != 1:
        return None
    return shown[0].removeprefix("License ")


ALONE = [
    (case, token)
    for case in CORPUS["cases"]
    if case["expect"].get("code", "INVALID_TOKEN") == "INVALID_TOKEN" and (token := token_of(case))
]


async def test_a_node_that_is_asked_refuses_each_token_for_the_reason_in_the_table(node):
    """A good one fails where it should: nobody here claims the page."""
    node.clock.instant = datetime.fromtimestamp(CORPUS["now"], UTC)
    found, expected = {}, {}
    for case, token in ALONE:
        policy = open_site_policy(CORPUS["policies"][case.get("policy", "good")], *PINNED)
        asked = Validate(token, "m-1", "https://pub.example/news/a", "ai-input")
        with pytest.raises(RefusalError) as refusal:
            await opens(node.service.server, asked, policy.trust, policy.statuses)
        name, expect = case["name"], case["expect"]
        found[name] = (refusal.value.code, getattr(refusal.value, "reason", ""))
        expected[name] = (expect.get("code", "INSUFFICIENT_SCOPE"), expect.get("why", ""))

    assert found == expected
    assert len(found) > 90


async def test_introspection_calls_none_of_them_active(node):
    node.clock.instant = datetime.fromtimestamp(CORPUS["now"], UTC)
    tool = await node.issue("nora", "TOOL", None)
    texts = {text for case in CORPUS["cases"] if (text := token_of(case))}

    answers = [await node.post("introspect", {"token": text}, tool.basic()) for text in texts]

    assert {(status, str(said)) for status, said, _ in answers} == {(200, "{'active': False}")}
    assert len(answers) > 90
