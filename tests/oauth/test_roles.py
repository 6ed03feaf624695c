"""A client asks in the role it was made with, for its own party, and does nothing to clients."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from federation.clients.secret import PepperLostError
from federation.edge.client_upkeep import prepare_pepper, write_down_last_uses
from federation.scenario.client import nodes_of
from federation.signing.client_tokens import mint_access_token
from tests.databases import opened
from tests.oauth.conftest import ISSUE, NOW

LIST = """{ clients { edges { node {
  id kind party state lastUsedAt credentials { id kind revokedAt } } } } }"""


async def test_a_site_reads_its_policy_and_no_other_members(node):
    site = await node.issue("rosa", "SITE", "m-1")
    headers = {"Authorization": f"Bearer {await node.token(site)}"}

    for member, status, code in (("m-2", 403, "NOT_ALLOWED"), ("m-1", 409, "NOT_ADMITTED")):
        where = f"{node.url}/sites/{member}/policy"
        async with node.http.get(where, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (status, code)


async def test_a_member_makes_and_revokes_its_own_sites_client(node):
    site = await node.issue("member@m-1", "SITE", "m-1")
    other = await node.issue("member@m-2", "SITE", "m-2")

    [shown] = nodes_of(await node.act("member@m-1", LIST))

    assert shown == {
        "id": site.client_id,
        "kind": "SITE",
        "party": "m-1",
        "state": "LIVE",
        "lastUsedAt": None,
        "credentials": [{"id": site.credential, "kind": "SECRET", "revokedAt": None}],
    }
    assert [row["id"] for row in nodes_of(await node.act("member@m-2", LIST))] == [other.client_id]


async def test_a_tool_reads_what_an_auditor_does_and_changes_nothing(hub):
    tool = await hub.issue("olga", "TOOL", None)
    token = await hub.token(tool)

    assert await hub.graphql(token, "{ runs { edges { node { runId } } } }") == {"edges": []}
    found = await hub.graphql(
        token, 'mutation { cutOff(period: "2026-08") { __typename ... on Refused { code } } }'
    )
    assert found == {"__typename": "Refused", "code": "NOT_ALLOWED"}


async def test_a_client_makes_no_client_even_of_its_own_party(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    token = await place.token(lab)
    before = await place.rows()

    found = await place.graphql(
        token, ISSUE, kind="LAB", party="lab-one", publicKey=None, days=1, key="k"
    )

    assert found["code"] == "NOT_ALLOWED"
    assert await place.rows() == before


@pytest.mark.parametrize(
    ("subject", "kind", "party", "code"),
    [
        ("liam", "LAB", "lab-0", "UNKNOWN_LICENSEE"),
        ("rosa", "SITE", "m-0", "UNKNOWN_MEMBER"),
    ],
)
async def test_a_client_stands_for_somebody_registered_here(node, subject, kind, party, code):
    before = await node.rows()

    found = await node.act(subject, ISSUE, kind=kind, party=party, publicKey=None, days=1, key="k")

    assert found["code"] == code
    assert await node.rows() == before


async def test_another_role_than_the_clients_is_not_believed(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    forged = mint_access_token(  # as a server that gave it out in another role would have
        place.key,
        server=place.url,
        client_id=lab.client_id,
        credential=lab.credential,
        scope="auditor",
        now=NOW,
    )

    assert await place.graphql(forged, "{ licences { edges { cursor } } }") == "NOT_AUTHENTICATED"


async def test_when_a_client_was_heard_of_is_written_down_off_the_hot_path(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    server = place.service.server
    before = await place.rows()
    token = await place.token(lab)
    place.later(seconds=30)
    await place.graphql(token, "{ licences { edges { node { number } } } }")
    assert await place.rows() == before  # neither a token nor a question writes

    assert await write_down_last_uses(server) == 1

    [shown] = nodes_of(await place.act("liam", LIST))
    assert shown["lastUsedAt"] == "2026-09-20T12:00:30+00:00"
    assert await write_down_last_uses(server) == 0


async def test_what_could_not_be_written_down_is_kept_unless_newer_is_heard(place):
    server = place.service.server
    lab = await place.issue("liam", "LAB", "lab-one")
    other = await place.issue("liam", "LAB", "lab-two")
    await place.token(lab)
    await place.token(other)
    heard = server.last_use.take()
    place.later(seconds=5)
    await place.token(lab)

    server.last_use.put_back(heard)

    assert server.last_use.take() == {
        lab.client_id: NOW + timedelta(seconds=5),
        other.client_id: NOW,
    }


async def test_a_write_that_fails_forgets_nothing(place, empty_url):
    server = place.service.server
    lab = await place.issue("liam", "LAB", "lab-one")
    await place.token(lab)

    async with opened(empty_url) as without_tables:
        with pytest.raises(DBAPIError):
            await write_down_last_uses(dataclasses.replace(server, db=without_tables))

    assert await write_down_last_uses(server) == 1


async def test_a_server_whose_clients_have_secrets_does_not_start_without_its_pepper(place):
    service = place.service
    await prepare_pepper(service.server)  # no secrets yet: it is made
    await place.issue("liam", "LAB", "lab-one")
    kept = service.server.pepper.path.read_bytes()
    service.server.pepper.path.unlink()

    with pytest.raises(PepperLostError):
        await prepare_pepper(service.server)

    assert not service.server.pepper.path.exists()
    service.server.pepper.path.write_bytes(kept)
    service.server.pepper.path.chmod(0o600)
    await prepare_pepper(service.server)
