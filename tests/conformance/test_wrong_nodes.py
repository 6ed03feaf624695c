"""A node that breaks one law fails the rules of that law, by name, and keeps all others."""

from types import SimpleNamespace

import pytest
import pytest_asyncio

from federation.conformance import deliveries, filters, optouts
from federation.conformance.hub import TrialHub
from federation.conformance.judging import RULES, judged, trial_with
from federation.conformance.papers import Papers
from federation.conformance.verdicts import Outcome
from tests.conformance import wrong_answers, wrong_lists, wrong_messages
from tests.conformance.node import on_trial
from tests.conformance.standing_in import Wrong, standing_in
from tests.federation.harness import reserved_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOT_QUICK = "limits.slow"  # ten seconds of each node
SPEAKS_AS_THE_HUB = (wrong_messages.believes_any_key, wrong_messages.believes_any_audience)
WRONG = (
    *SPEAKS_AS_THE_HUB,
    wrong_lists.loses,
    wrong_lists.doubles,
    wrong_lists.reorders,
    wrong_lists.counts_rows,
    wrong_lists.takes_any_first,
    wrong_lists.begins_anew,
    wrong_lists.caches_rights,
    wrong_lists.caches_tokens,
    wrong_lists.caches_policies,
    wrong_messages.takes_others_under_a_number,
    wrong_messages.takes_twice,
    wrong_messages.takes_what_it_knows,
    wrong_lists.takes_any_number_of_urls,
    wrong_answers.tells_of_itself,
    wrong_answers.shows_partners_things,
    wrong_answers.forgets_documents,
    wrong_answers.takes_other_batches,
    wrong_answers.has_another_schema,
    wrong_answers.signs_with_another_key,
    wrong_answers.never_ends,
    wrong_answers.answers_in_another_type,
    wrong_answers.runs_the_first_operation,
    wrong_answers.counts_answers,
    wrong_messages.tells_no_registry,
    wrong_messages.leaves_gaps,
    wrong_messages.registers_anything,
)
FILTERS = (wrong_messages.has_an_empty_filter, wrong_messages.has_a_filter_of_another_digest)
CODES = {
    "UNKNOWN_USE": {"refusals.use"},
    "NOT_AUTHENTICATED": {"refusals.strangers"},
    "NOT_ALLOWED": {"refusals.labs", "questions.behalf"},
    "BAD_IDENTIFIER": {"refusals.identifier"},
    "MALFORMED": {"refusals.urls"},
    "DOCUMENT_NOT_KNOWN": {"documents.unknown"},
    "DEADLINE_OVER": {"questions.deadline"},
    "OUT_OF_ORDER": {"messages.order"},
    "BAD_IDEMPOTENCY_KEY": {"idempotency.key"},
    "BAD_PAGE": {"paging.first"},
}
STATUSES = [
    (413, 200, b"query", {"limits.body"}),
    (405, 200, b"mutation", {"http.get"}),
    (415, 400, b"typename", {"http.bodies"}),
    (400, 200, b"noSuchField", {"http.errors"}),
    (404, 200, b"documentId", {"documents.unknown", "documents.id"}),
    (400, 200, b"...F60", {"limits.fragments"}),
    (400, 200, b"... { __typename ... { __typename", {"limits.depth"}),
    (400, 200, b"a199:", {"limits.aliases"}),
    (400, 200, b"}, {", {"limits.batches"}),
]
PATHS = {
    "/.well-known/openid-federation": {"signed.configuration"},
    "/.well-known/jwks.json": {"signed.keys"},
    "/sites/conformance-member/policy": {"signed.policy"},
}
NOT_BROKEN = {"admission.joins", "registry.takes", "registry.works", NOT_QUICK}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def joined(sqlite, tmp_path_factory):
    """A node that has joined the trial's hub, which goes on listening."""
    folder = tmp_path_factory.mktemp("wrong")
    async with on_trial(sqlite, folder) as node, TrialHub(Papers(node.folder)) as hub:
        async with trial_with(node.url, hub) as trial:
            await trial.joined()
        yield node, hub


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """What never comes is not waited for a minute."""
    monkeypatch.setattr(optouts, "POLICY_SECONDS", 1.0)
    monkeypatch.setattr(optouts, "TOLD_SECONDS", 5.0)
    monkeypatch.setattr(deliveries, "HEARD_SECONDS", 10.0)
    monkeypatch.setattr(filters, "SECONDS", 5.0)


async def verdicts_on(wrong: Wrong, joined, rules):
    """Judge a wrong node; return {rule: verdict} of those that it did not pass."""
    node, hub = joined
    with reserved_port() as holder:
        port = holder.getsockname()[1]
        async with (
            standing_in(wrong, node.url, hub, port) as url,
            trial_with(url, hub) as trial,
        ):
            found = [one async for one in judged(trial, rules)]
    return {one.rule.name: one for one in found if one.outcome is not Outcome.PASSED}


def made(make, joined) -> Wrong:
    return make(joined[1]) if make in SPEAKS_AS_THE_HUB else make()


def failed(found):
    return {name for name, verdict in found.items() if verdict.outcome is Outcome.FAILED}


def rules_of(groups):
    """Return the quick rules of some groups."""
    quick = [rule for rule in RULES if rule.name != NOT_QUICK]
    return [rule for rule in quick if rule.name.partition(".")[0] in groups]


@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
async def test_a_wrong_node_fails_the_rules_of_what_it_breaks(make, joined):
    assert await only_fails(made(make, joined), joined) == set()


async def only_fails(wrong, joined):
    """Judge a wrong node by the groups that it breaks; what it fails is what it breaks."""
    groups = {name.partition(".")[0] for name in wrong.breaks}
    found = await verdicts_on(wrong, joined, rules_of(groups))
    assert failed(found) == wrong.breaks, {name: one.as_json() for name, one in found.items()}
    return found.keys() - wrong.breaks


@pytest.mark.parametrize("code", CODES)
async def test_a_refusal_by_another_code_is_found_out(code, joined):
    wrong = wrong_answers.answers_by_another_code(code, *CODES[code])

    assert await only_fails(wrong, joined) == set()


@pytest.mark.parametrize(("status", "other", "mark", "rules"), STATUSES)
async def test_another_status_is_found_out(status, other, mark, rules, joined):
    wrong = wrong_answers.answers_by_another_status(status, other, mark, *rules)

    assert await only_fails(wrong, joined) == set()


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_not_served_is_found_out(path, joined):
    not_tried = {"signed.statuses"} if "jwks" in path else set()

    assert await only_fails(wrong_answers.has_no(path, *PATHS[path]), joined) == not_tried


async def test_a_policy_for_everybody_is_found_out(joined):
    token = joined[1].papers.settings.bearers.site

    assert await only_fails(wrong_answers.shows_policies_to_everybody(token), joined) == set()


async def test_every_rule_but_those_of_the_ground_is_broken_by_some_node():
    hub = SimpleNamespace(key=None)
    nodes = [make(hub) if make in SPEAKS_AS_THE_HUB else make() for make in (*WRONG, *FILTERS)]
    broken = {name for node in nodes for name in node.breaks} | {"signed.others"}
    for rules in (*CODES.values(), *(row[-1] for row in STATUSES), *PATHS.values()):
        broken |= rules

    assert broken == {rule.name for rule in RULES} - NOT_BROKEN


@pytest.mark.slow
@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
async def test_a_wrong_node_keeps_all_other_rules(make, joined):
    """The quick test tries the groups that are broken; this one every rule but one."""
    wrong = made(make, joined)

    found = await verdicts_on(
        wrong, joined, rules_of({rule.name.partition(".")[0] for rule in RULES})
    )

    assert failed(found) == found.keys() == wrong.breaks


@pytest.mark.parametrize(
    ("make", "not_tried"), [(FILTERS[0], set()), (FILTERS[1], {"holdings.held", "holdings.signed"})]
)
async def test_a_wrong_filter_is_found_out(make, not_tried, sqlite, tmp_path):
    wrong = make()
    async with on_trial(sqlite, tmp_path) as node, TrialHub(Papers(node.folder)) as hub:
        found = await verdicts_on(wrong, (node, hub), rules_of({"admission", "holdings"}))

    assert failed(found) == wrong.breaks
    assert found.keys() - failed(found) == not_tried
