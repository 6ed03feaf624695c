"""What people do at real servers stands in their audit logs; what is refused does not."""

import pytest
import pytest_asyncio

from federation.values.party import HUB
from tests.federation.harness import nothing_changes, resumed, tell

LOG = """query($first: Int!, $after: String, $subject: String, $act: String) {
  auditLog(first: $first, after: $after, subject: $subject, act: $act) {
    edges { node { number actor act subject detail { name value } } }
    pageInfo { hasNextPage endCursor } } }"""
SUSPEND = """mutation($number: String!, $reason: String!) {
  suspendLicence(number: $number, reason: $reason) {
    __typename ... on Refused { code message } } }"""
PROPOSE_LIMIT = """mutation { proposeOfficerLimit(kind: BANK_CHARGE, currency: "EUR",
  amount: "5000", since: "2027-01-01T00:00:00Z", reason: "less") {
    __typename ... on OfficerLimit { id } ... on Refused { code message } } }"""
CONFIRM_LIMIT = """mutation($id: ID!) { confirmOfficerLimit(id: $id) {
  __typename ... on Refused { code message } } }"""

in_one_loop = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        yield small


async def log_of(small, code, **wanted):
    found = await small.at(code, "auditor").walk(LOG, first=100, **wanted)
    return [(row["actor"], row["act"], row["subject"]) for row in reversed(found)]


def details(act):
    return {each["name"]: each["value"] for each in act["detail"]}


async def test_joining_and_selling_stand_in_the_log_of_whoever_did_it(small):
    at_hub, at_de = await log_of(small, HUB), await log_of(small, "DE")

    joining = [(actor, act) for actor, act, _ in at_hub if act.startswith("admission.")]
    assert sorted(joining) == sorted(
        3
        * [
            ("operator", "admission.invite"),
            ("operator", "admission.recommend"),
            ("second-operator", "admission.approve"),
        ]
    )
    assert [row for row in at_de if row[1].startswith("admission.")] == [
        ("node-operator", "admission.apply", small.running[HUB].config.entity_id)
    ]
    assert [row for row in at_hub if row[1] == "licence.issue"] == [
        ("buyer@lab-one", "licence.issue", "HUB-000001"),
        ("buyer@lab-two", "licence.issue", "HUB-000002"),
    ]
    assert [row for row in at_de if row[1] == "licence.issue"] == [
        ("buyer@lab-one", "licence.issue", "DE-000001")
    ]


async def test_a_status_and_a_limit_stand_with_their_reasons_and_a_refusal_does_not(small):
    licensing = small.at(HUB, "licensing")
    await licensing.ask(SUSPEND, number="HUB-000001", reason="unpaid")
    limit = await small.at(HUB, "settlement").ask(PROPOSE_LIMIT)
    await small.silence()  # the nodes know that it is suspended
    async with nothing_changes(small, HUB):
        again = await tell(small, HUB, licensing, SUSPEND, number="HUB-000001", reason="again")
    await small.at(HUB, "approver").ask(CONFIRM_LIMIT, id=limit["id"])
    async with nothing_changes(small, HUB):  # confirmed already: no act
        await small.at(HUB, "approver").ask(CONFIRM_LIMIT, id=limit["id"])

    found = await small.at(HUB, "operator").rows(LOG, first=3)
    assert again.code == "LICENCE_STATUS"
    assert [(row["actor"], row["act"], row["subject"]) for row in found] == [
        ("approver", "limit.confirm", f"limit {limit['id']}"),
        ("settlement", "limit.propose", f"limit {limit['id']}"),
        ("licensing", "licence.suspend", "HUB-000001"),
    ]
    assert details(found[1]) == {
        "kind": "BANK_CHARGE",
        "currency": "EUR",
        "amount": "5000",
        "since": "2027-01-01T00:00:00+00:00",
        "reason": "less",
    }
    assert details(found[2]) == {"version": "2", "reason": "unpaid"}
    assert await log_of(small, HUB, subject="HUB-000001") == [
        ("buyer@lab-one", "licence.issue", "HUB-000001"),
        ("licensing", "licence.suspend", "HUB-000001"),
    ]


@in_one_loop
async def test_a_month_stands_in_the_log_and_is_read_page_by_page(settled):
    runs = await settled.at(HUB, "auditor").rows("{ runs { edges { node { runId } } } }")

    assert await log_of(settled, HUB, act="run.approve") == [
        ("approver", "run.approve", runs[0]["runId"])
    ]
    whole = await log_of(settled, HUB)
    pages = await settled.at(HUB, "auditor").walk(LOG, first=7)
    assert [(row["actor"], row["act"], row["subject"]) for row in pages] == whole[::-1]


@in_one_loop
async def test_what_is_no_cursor_and_no_word_is_refused(settled):
    auditor = settled.at(HUB, "auditor")

    assert (await tell(settled, HUB, auditor, LOG, first=1, after="x")).code == "BAD_CURSOR"
    assert (await tell(settled, HUB, auditor, LOG, first=1, act="x")).code == "UNKNOWN_CHOICE"
    assert await log_of(settled, HUB, subject="unheard of") == []
