"""A member's gate with one credential at a real node: policy, visit, report, rotation, end."""

import asyncio

import msgspec
import pytest
import pytest_asyncio

from federation.access.bearers import ClientCredential, NoTokenError
from federation.signing.keys import SigningKey
from federation.site.policy_source import PolicyNotServedError
from tests.federation.harness import DAY, resumed, soon, tell
from tests.federation.site_clients import ISSUE, gate_of, visit

ADD = """mutation($id: ID!) { addClientCredential(client: $id) {
  ... on GivenCredential { secret credential { id } } } }"""
REVOKE = """mutation($id: ID!) { revokeClientCredential(credential: $id) {
  ... on Client { state } } }"""
SEEN = """{ visits(member: "gb-b", fromDay: "2026-09-20", toDay: "2026-09-20") {
    edges { node { agent outcome count } } }
  memberSites(member: "gb-b") { site waitingLines credential }
  visitDifferences(member: "gb-b", fromDay: "2026-09-20", toDay: "2026-09-20") { day } }"""


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


@pytest.mark.parametrize("by", ["secret", "key"])
async def test_one_credential_is_all_a_gate_needs(small, tmp_path, by):
    key = SigningKey.generate() if by == "key" else None
    jwk = msgspec.json.encode(key.public_jwk()).decode() if key else None
    made = await small.at("GB", "registry").ask(ISSUE, party="gb-b", publicKey=jwk)
    issuer = small.running["GB"].config.entity_id if key else None
    client = ClientCredential(
        client_id=made["client"]["id"], secret=made["secret"], key=key, issuer=issuer
    )
    gate = gate_of(small, tmp_path, client)
    background = gate.background

    await asyncio.to_thread(background.rounds["policy"].act)
    assert await visit(small, gate) == 200
    await soon(lambda: reported(gate), what="a report that the node took")

    async def seen():
        await asyncio.to_thread(background.rounds["visits"].act)
        found = (await tell(small, "GB", small.at("GB", "registry"), SEEN)).body["data"]
        seen_once = {"agent": "unnamed", "outcome": "SERVED", "count": "1"}
        return found == {
            "visits": {"edges": [{"node": seen_once}]},
            "memberSites": [{"site": client.client_id, "waitingLines": "0", "credential": "LIVE"}],
            "visitDifferences": [],
        }

    await soon(seen, what="a visit that the node heard of")
    await asyncio.to_thread(background.stop)


async def reported(gate):
    """Report, as the background does as well, until the node has taken all there is."""
    await asyncio.to_thread(gate.background.rounds["usage"].act)
    return gate.gate.config.spool.batches() == []


async def test_a_rotated_credential_is_taken_and_the_revoked_one_refused(small, tmp_path):
    registry = small.at("GB", "registry")
    made = await registry.ask(ISSUE, party="gb-b")
    client_id = made["client"]["id"]
    old = gate_of(small, tmp_path, ClientCredential(client_id=client_id, secret=made["secret"]))
    await asyncio.to_thread(old.background.rounds["policy"].act)
    second = await registry.ask(ADD, id=client_id)
    new = gate_of(small, tmp_path, ClientCredential(client_id=client_id, secret=second["secret"]))
    await asyncio.to_thread(new.background.rounds["policy"].act)

    await registry.ask(REVOKE, id=made["credential"]["id"])

    with pytest.raises(PolicyNotServedError, match="HTTP 401 NOT_AUTHENTICATED"):
        # its token ended with the credential
        await asyncio.to_thread(old.background.rounds["policy"].act)
    with pytest.raises(NoTokenError, match="HTTP 401 invalid_client"):
        await asyncio.to_thread(old.background.rounds["policy"].act)
    await asyncio.to_thread(new.background.rounds["policy"].act)
    for gate in (old, new):
        await asyncio.to_thread(gate.background.stop)
