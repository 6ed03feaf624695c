"""Our own node keeps every rule, on both databases."""

from federation.conformance.hub import TrialHub
from federation.conformance.judging import RULES, judged, trial_with
from federation.conformance.papers import Papers
from federation.conformance.verdicts import Outcome
from tests.conformance.node import on_trial


async def test_our_node_keeps_every_rule(backend, tmp_path):
    async with (
        on_trial(backend, tmp_path) as node,
        TrialHub(Papers(node.folder)) as hub,
        trial_with(node.url, hub) as trial,
    ):
        found = [verdict async for verdict in judged(trial)]

    assert [one.as_json() for one in found if one.outcome is not Outcome.PASSED] == []
    assert len(found) == len(RULES)
