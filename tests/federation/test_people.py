"""A person joins, changes and leaves while a server runs: rights end with the next request."""

import msgspec
import pytest

from federation.config import StaffMember
from federation.people import directory
from federation.people.known import SECONDS, Known
from federation.scenario.client import Person
from federation.signing.tokens import mint_staff_token
from federation.trust.principals import Principal
from federation.values.party import HUB
from federation.values.roles import Role
from tests.databases import opened
from tests.federation.harness import nothing_changes, small_federation, tell, write_scenario
from tests.tampering import found_after

PROPOSE = """mutation($subject: String!, $name: String!, $roles: [Role!]!, $reason: String!) {
  proposePerson(subject: $subject, name: $name, roles: $roles, reason: $reason) {
    __typename ... on Person { id state } ... on Refused { code message } } }"""
CONFIRM = """mutation($id: ID!) { confirmPerson(id: $id) {
  __typename ... on Person { id state roles } ... on Refused { code message } } }"""
WITHDRAW = """mutation($id: ID!, $reason: String!) { withdrawPerson(id: $id, reason: $reason) {
  __typename ... on Person { state } ... on Refused { code message } } }"""
PEOPLE = """query($first: Int!, $after: String, $subject: String, $state: PersonState) {
  people(first: $first, after: $after, subject: $subject, state: $state) {
    edges { node { subject version roles state confirmedBy } }
    pageInfo { hasNextPage endCursor } } }"""
LOG = """query($subject: String!) { auditLog(first: 100, subject: $subject) {
  edges { node { actor act } } } }"""
WORK = "{ workList { kind subject why turn } }"
RUNS = "{ runs { edges { node { runId } } } }"
APPLICATIONS = "{ applications { edges { node { code } } } }"


@pytest.fixture
async def small(backend, tmp_path):
    """A hub; no collective is started."""
    scenario = write_scenario(tmp_path / "files")
    federation = small_federation(backend, scenario, tmp_path, leave_out=scenario.codes)
    async with federation as small:
        yield small


def somebody(small, subject, role):
    """Return a person with a good token of the hub in a role, whether it holds it or not."""
    token = mint_staff_token(
        small.token_key(HUB),
        server=small.running[HUB].config.entity_id,
        subject=subject,
        role=role,
        now=small.clock(),
    )
    return Person(small.http, small.running[HUB].url, lambda: token)


async def proposed(small, roles, subject="cara"):
    row = await small.at(HUB, "operator").ask(
        PROPOSE, subject=subject, name="Cara", roles=roles, reason="as agreed"
    )
    return row["id"]


async def changed(small, roles, subject="cara"):
    number = await proposed(small, roles, subject)
    await small.at(HUB, "second-operator").ask(CONFIRM, id=number)


async def heard(small, person, question):
    return (await tell(small, HUB, person, question)).code


async def test_a_person_joins_changes_role_and_leaves_while_the_server_runs(small):
    officer, auditor = (
        somebody(small, "cara", role) for role in (Role.SETTLEMENT_OFFICER, "auditor")
    )
    before = await heard(small, officer, RUNS)
    number = await proposed(small, ["settlement_officer"])
    waiting = await heard(small, officer, RUNS)
    await small.at(HUB, "second-operator").ask(CONFIRM, id=number)
    joined = [await heard(small, who, RUNS) for who in (officer, auditor)]
    await changed(small, ["auditor"])
    moved = [await heard(small, who, RUNS) for who in (officer, auditor)]
    await changed(small, [])
    left = [await heard(small, who, RUNS) for who in (officer, auditor)]

    stranger = "NOT_AUTHENTICATED"
    assert (before, waiting) == (stranger, stranger)
    assert joined == [None, stranger]
    assert moved == [stranger, None]
    assert left == [stranger, stranger]
    shown = await small.at(HUB, "auditor").rows(PEOPLE, first=10, subject="cara")
    assert [(row["version"], row["roles"], row["state"]) for row in shown] == [
        (1, ["settlement_officer"], "ENDED"),
        (2, ["auditor"], "ENDED"),
        (3, [], "IN_FORCE"),
    ]
    log = await small.at(HUB, "operator").rows(LOG, subject="cara")
    assert [(act["actor"], act["act"]) for act in log] == 3 * [
        ("second-operator", "person.confirm"),
        ("operator", "person.propose"),
    ]
    database = small.databases[HUB]
    assert await found_after(database, HUB) == {}
    altered = "UPDATE people_act SET actor = 'somebody' WHERE subject = 'cara' AND number % 2 = 0"
    wrong = (await found_after(database, HUB, altered))["audit_log_chained"]
    assert len(wrong) == 3
    assert {text.partition(": ")[2] for text in wrong} == {"its content is not what was recorded"}


async def test_a_role_that_is_lost_through_another_process_ends_within_seconds(small):
    await changed(small, ["auditor"])
    seconds = [0.0]
    small.keepers[HUB].service.server.people = Known(lambda: seconds[0])
    cara = somebody(small, "cara", "auditor")
    held = await heard(small, cara, RUNS)
    number = await proposed(small, [])
    another = Principal("second-operator", frozenset({"federation_operator"}))
    async with (
        opened(small.running[HUB].config.database_url) as elsewhere,
        elsewhere.write("test") as session,
    ):
        await directory.confirm(session, int(number), HUB, who=another, at=small.clock())

    seconds[0] += SECONDS

    assert (held, await heard(small, cara, RUNS)) == (None, "NOT_AUTHENTICATED")


async def test_what_two_people_do_not_agree_on_changes_nothing(small):
    number = await proposed(small, ["auditor"])
    concerns = await proposed(small, ["federation_operator", "auditor"], "second-operator")
    refusals = [
        ("operator", CONFIRM, {"id": number}, "SAME_PERSON"),
        ("second-operator", CONFIRM, {"id": concerns}, "SAME_PERSON"),
        ("second-operator", CONFIRM, {"id": "999"}, "NO_PROPOSAL"),
        ("second-operator", CONFIRM, {"id": "x"}, "NO_PROPOSAL"),
        ("second-operator", WITHDRAW, {"id": "x", "reason": "r"}, "NO_PROPOSAL"),
        ("auditor", CONFIRM, {"id": number}, "NOT_ALLOWED"),
        ("node-operator", CONFIRM, {"id": number}, "NOT_ALLOWED"),  # this is no node
    ]
    async with nothing_changes(small, HUB):
        for subject, question, variables, code in refusals:
            answer = await tell(small, HUB, small.at(HUB, subject), question, **variables)
            assert answer.code == code, (subject, variables)

    await small.at(HUB, "second-operator").ask(WITHDRAW, id=number, reason="he stays where he is")
    async with nothing_changes(small, HUB):
        late = await tell(small, HUB, small.at(HUB, "second-operator"), CONFIRM, id=number)
    assert late.code == "NO_PROPOSAL"


async def test_a_proposal_waits_in_the_work_list_of_who_may_confirm_it(small):
    number = await proposed(small, ["auditor"])
    person = {
        "kind": "person",
        "subject": f"cara #{number}",
        "why": "operator proposes auditor: as agreed",
        "turn": "federation_operator",
    }

    for subject in ("second-operator", "auditor"):
        assert person in await small.at(HUB, subject).ask(WORK), subject
    for subject in ("settlement", "approver"):
        assert person not in await small.at(HUB, subject).ask(WORK), subject
    await small.at(HUB, "second-operator").ask(CONFIRM, id=number)
    assert await small.at(HUB, "operator").ask(WORK) == []


async def test_the_directory_is_read_page_by_page(small):
    auditor = small.at(HUB, "auditor")
    whole = await auditor.rows(PEOPLE, first=100, state="IN_FORCE")
    pages = await auditor.walk(PEOPLE, first=4, state="IN_FORCE")

    listed = small.running[HUB].config.principal
    assert pages == whole
    assert [row["subject"] for row in pages] == [person.subject for person in listed]
    assert (await tell(small, HUB, auditor, PEOPLE, first=1, after="x")).code == "BAD_CURSOR"
    assert (await tell(small, HUB, auditor, PEOPLE, first=1, state="x")).body["errors"]


async def test_the_configuration_fills_an_empty_directory_and_no_other(small, capsys):
    keeper = small.keepers[HUB]
    await changed(small, [], "licensing")
    await small.stop(HUB)
    added = StaffMember("dan", [Role.AUDITOR])
    keeper.config = msgspec.structs.replace(
        keeper.config, principal=[*keeper.config.principal, added]
    )

    capsys.readouterr()
    async with nothing_changes(small, HUB):
        await small.start(HUB)
        said = capsys.readouterr().err
        again = await heard(small, small.at(HUB, "operator"), APPLICATIONS)
        dan = await heard(small, somebody(small, "dan", "auditor"), RUNS)
        licensing = small.at(HUB, "licensing")
        gone = await heard(small, licensing, "{ offers { edges { cursor } } }")

    assert (again, dan, gone) == (None, "NOT_AUTHENTICATED", "NOT_AUTHENTICATED")
    assert "[[principal]] is ignored" in said
    assert "count=2" in said
    assert "subjects=['licensing', 'dan']" in said
    log = await small.at(HUB, "operator").rows(LOG, subject="operator")
    assert [(act["actor"], act["act"]) for act in log] == [("bootstrap", "person.take_in")]
