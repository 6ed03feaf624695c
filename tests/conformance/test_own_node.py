"""Our own node keeps every rule, on both databases, in whatever order they are tried."""

from collections import Counter

import pytest

from federation.conformance.hub import TrialHub
from federation.conformance.judging import RULES, chosen, judged, trial_with
from federation.conformance.papers import Papers
from federation.conformance.verdicts import Outcome
from tests.conformance.node import on_trial

SLOW = "limits.slow"  # ten seconds


async def verdicts(backend, folder, rules):
    async with (
        on_trial(backend, folder) as node,
        TrialHub(Papers(node.folder)) as hub,
        trial_with(node.url, hub) as trial,
    ):
        return [verdict async for verdict in judged(trial, rules)]


def not_passed(found):
    return [one.as_json() for one in found if one.outcome is not Outcome.PASSED]


async def test_our_node_keeps_every_rule(backend, tmp_path):
    found = await verdicts(backend, tmp_path, RULES)

    assert not_passed(found) == []
    assert len(found) == len(RULES)


async def test_no_rule_needs_another_to_be_tried_before(sqlite, tmp_path):
    backwards = [rule for rule in reversed(RULES) if rule.name != SLOW]

    assert not_passed(await verdicts(sqlite, tmp_path, backwards)) == []


async def test_a_node_can_be_judged_again_by_a_kit_that_starts_anew(sqlite, tmp_path):
    some = chosen(["signed.", "optouts.rights", "messages.once"])
    async with on_trial(sqlite, tmp_path) as node:
        for _ in range(2):
            async with (
                TrialHub(Papers(node.folder)) as hub,
                trial_with(node.url, hub) as trial,
            ):
                found = [verdict async for verdict in judged(trial, some)]
            assert not_passed(found) == []


def test_a_rule_has_a_name_of_its_own_a_sentence_and_a_source():
    names = Counter(rule.name for rule in RULES)

    assert max(names.values()) == 1
    assert [rule.name for rule in RULES if not rule.sentence.endswith(".")] == []
    assert [rule.name for rule in RULES if not rule.source or "." not in rule.name] == []


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["paging.order"], ["paging.order"]),
        (
            ["holdings.", "paging.f"],
            ["paging.first", "paging.foreign", "holdings.told", "holdings.signed", "holdings.held"],
        ),
        (["no such rule"], []),
    ],
)
def test_rules_are_chosen_by_how_their_names_begin(names, found):
    assert [rule.name for rule in chosen(names)] == found
