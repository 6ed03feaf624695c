"""A dispute is decided by somebody who filed none of the claims on it."""

import pytest

from federation.releases.claiming import NotHeldError, UnknownHeldClaimError
from federation.releases.deciding import decide_dispute, receive_claim
from federation.releases.worklist import of_suspense
from federation.store.messages import BadMessageError
from federation.suspense.messages import HeldClaimed
from federation.trust.principals import Principal, SamePersonError
from federation.values.reason import ReasonError
from federation.values.work_item import WorkItem
from tests.databases import HUB_TERMS, refused
from tests.releases.claims import NOW, a_claim

URL = "https://both.example/x"


def deciding(who, *, node="FR", reason="both agreed"):
    person = Principal(who, frozenset({"settlement_approver"}))
    return lambda session: decide_dispute(
        session,
        URL,
        node=node,
        claim_id=f"claim-{node}",
        reason=reason,
        who=person,
        terms=HUB_TERMS,
        now=NOW,
    )


@pytest.fixture
async def disputed(database):
    """Two collectives filed a claim on an address; a third claimed another one."""
    async with database.write("filed") as session:
        session.add(a_claim("FR", "felix"))
        session.add(a_claim("GB", "grace"))
        session.add(a_claim("DE", "dora", url_key="else.example/x"))
    return database


@pytest.mark.parametrize("node", ["FR", "GB"])
@pytest.mark.parametrize("who", ["felix", "grace"])
async def test_who_filed_any_claim_on_it_does_not_decide_a_dispute(disputed, who, node):
    refusal = await refused(disputed, SamePersonError, deciding(who, node=node))

    assert refusal.detail == who


@pytest.mark.parametrize("who", ["dora", "approver"])
async def test_anybody_else_may_decide_and_then_it_depends_on_what_is_held(disputed, who):
    await refused(disputed, NotHeldError, deciding(who))


async def test_who_filed_a_claim_that_is_decided_already_may_decide(database):
    async with database.write("filed") as session:
        session.add(a_claim("FR", "felix"))
        session.add(a_claim("GB", "grace", state="REFUSED"))

    await refused(database, NotHeldError, deciding("grace"))
    await refused(database, UnknownHeldClaimError, deciding("approver", node="GB"))


async def test_the_work_list_names_a_hundred_claims_and_counts_the_others(database):
    async with database.write("filed") as session:
        for number in range(102):
            claim = a_claim("FR", "felix")
            claim.id = f"HC-FR-{number:06d}"
            session.add(claim)
        session.add(a_claim("GB", "grace", state="REFUSED"))

    async with database.read() as session:
        found = await of_suspense(session, "HUB")

    assert [item.subject for item in found[:100]] == [f"HC-FR-{n:06d}" for n in range(100)]
    assert found[100:] == [
        WorkItem("held claim", "HC-FR-000099", "2 claims more", "settlement_approver")
    ]


async def test_a_dispute_is_decided_for_a_reason_and_for_a_claim_that_was_filed(disputed):
    await refused(disputed, ReasonError, deciding("approver", reason=" "))
    refusal = await refused(disputed, UnknownHeldClaimError, deciding("approver", node="DE"))

    assert refusal.detail == "claim-DE of DE on both.example/x"


@pytest.mark.parametrize("number", ["HC-GB-X-000001", "HC-FR-000001", "HC-GB-000001"])
async def test_a_node_files_under_its_own_numbers_and_each_once(disputed, number):
    message = HeldClaimed(number, "both.example/x", "claim-GB", "contract", "grace")

    await refused(
        disputed, BadMessageError, lambda session: receive_claim(session, "GB", message, NOW)
    )
