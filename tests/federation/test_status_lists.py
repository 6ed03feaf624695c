"""What a licensor says against its licences is read at every site, and by nobody for another."""

import asyncio
import json
from datetime import timedelta
from random import Random

import pytest
import pytest_asyncio

from federation.edge.status_lists import OwnLists, SignedList, read_bundle
from federation.hub import statuses
from federation.hub.statuses import StatusHolder
from federation.messaging.peers import PeerAnswerError
from federation.nodes.routes import _all_lists
from federation.nodes.trust import TrustHolder
from federation.signing.keys import SigningKey
from federation.signing.policy import open_site_policy
from federation.signing.statuslist import (
    LICENCES_PER_LIST,
    StaleStatusError,
    Status,
    list_uri,
    read_status_list,
    sign_status_list,
)
from federation.values.party import HUB
from tests.federation.entities import entity, in_place_of
from tests.federation.harness import fetch, resumed

SUSPEND = """mutation($number: String!) {
  suspendLicence(number: $number, reason: "unpaid") {
    __typename ... on Refused { code message } } }"""
REVOKE = SUSPEND.replace("suspendLicence", "revokeLicence")
SOLD, NATIONAL = "HUB-000001", "DE-000001"


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        yield found


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A slow machine is no silent node."""
    monkeypatch.setattr(statuses, "WAIT_SECONDS", 60.0)


def issuers(small):
    return {
        server.config.entity_id: {small.token_key(code).kid: small.token_key(code).public}
        for code, server in small.running.items()
    }


async def policy(small, code="GB", member="gb-a"):
    answer = await fetch(small, code, f"/sites/{member}/policy", small.at(code, "registry"))
    pins = [{small.key(who).kid: small.key(who).public} for who in (code, HUB)]
    return open_site_policy(answer.body, *pins).statuses


async def get(small, code, path, **headers):
    url = small.running[code].url + path
    async with small.http.get(url, headers=headers) as response:
        return response.status, response.headers, await response.text()


async def test_a_list_is_public_and_says_at_once_what_its_licensor_does(small):
    status, headers, before = await get(small, "DE", "/statuslists/0")
    uri = list_uri(entity(small, "DE"), 0)

    assert (status, headers["content-type"]) == (200, "application/statuslist+jwt")
    assert headers["cache-control"] == "max-age=60"
    assert json.loads((await get(small, "DE", "/statuslists"))[2]) == {"status_lists": [uri]}
    again = await get(small, "DE", "/statuslists/0", **{"If-None-Match": headers["etag"]})
    assert (again[0], again[2]) == (304, "")
    for number in ("1", "64", "-1", "x", "9" * 30):
        assert (await get(small, "DE", f"/statuslists/{number}"))[0] == 404

    await small.at("DE", "licensing").ask(REVOKE, number=NATIONAL)
    _, _, after = await get(small, "DE", "/statuslists/0")
    said = [read_status_list(text, issuers(small)).status(1) for text in (before, after)]
    assert said == [Status.VALID, Status.INVALID]


async def test_every_site_is_told_what_each_licensor_says_of_its_own(small):
    await policy(small)
    await small.at(HUB, "licensing").ask(SUSPEND, number=SOLD)
    await small.at("DE", "licensing").ask(REVOKE, number=NATIONAL)
    small.set_clock(small.clock() + timedelta(hours=1))  # what is held is over: all is asked again

    found = await policy(small)
    assert sorted(found.held) == sorted(list_uri(entity(small, code), 0) for code in small.codes)
    now = small.clock()
    assert found.status(entity(small, HUB), SOLD, now) is Status.SUSPENDED
    assert found.status(entity(small, "DE"), NATIONAL, now) is Status.INVALID
    assert found.status(entity(small, "FR"), "FR-000001", now) is Status.VALID


async def test_a_nodes_own_word_is_in_its_sites_policies_at_once(small):
    await policy(small, "DE", "de-a")
    await small.at("DE", "licensing").ask(REVOKE, number=NATIONAL)

    found = await policy(small, "DE", "de-a")
    assert found.status(entity(small, "DE"), NATIONAL, small.clock()) is Status.INVALID


def holder(small, seconds):
    service = small.keepers[HUB].service
    own = OwnLists(service.server)
    return StatusHolder(service.server, service._peers, own, monotonic=lambda: seconds[0])


async def test_a_node_that_serves_nonsense_stops_no_others_and_takes_nothing_back(small):
    seconds, now = [0.0], small.clock()
    hub = holder(small, seconds)
    honest = {item.read.uri: item for item in await hub.all()}
    uri = list_uri(entity(small, "DE"), 0)

    def revoked(of, key, at=now):
        return sign_status_list(key, entity(small, of), 0, {1: Status.INVALID}, at)

    older = revoked("DE", small.token_key("DE"), now - timedelta(minutes=5))
    others = revoked("FR", small.token_key("DE"))
    strange = revoked("DE", SigningKey.generate())
    names = json.dumps({"status_lists": [uri]})

    for number, served in enumerate(
        [
            {},
            {"/statuslists": "nonsense"},
            {"/statuslists": json.dumps({"status_lists": [uri] * 100_000})},
            {"/statuslists": names},
            {"/statuslists": names, "/statuslists/0": "x" * 100_000},
            {"/statuslists": names, "/statuslists/0": older},
            {"/statuslists": names, "/statuslists/0": others},
            {"/statuslists": names, "/statuslists/0": strange},
        ]
    ):
        async with in_place_of(small, "DE", served):
            seconds[0] = 100.0 * (number + 1)
            found = {item.read.uri: item for item in await hub.all()}
        assert (number, found) == (number, honest)


async def test_a_node_that_never_answers_keeps_nobody_waiting_for_the_others(small, monkeypatch):
    monkeypatch.setattr(statuses, "WAIT_SECONDS", 1.5)
    hub, asked, hang_up = holder(small, [0.0]), asyncio.Event(), asyncio.Event()

    async def silent(_, writer):
        asked.set()
        await hang_up.wait()
        writer.close()

    await small.stop("DE")
    port = small.keepers["DE"].config.port
    server = await asyncio.start_server(silent, "127.0.0.1", port)
    try:
        found = [item.read.uri for item in await hub.all()]
        await asked.wait()
        is_still_asked = not hub._pulls["DE"]._flight.done()
    finally:
        hang_up.set()
        server.close()
        await server.wait_closed()
        await hub._pulls["DE"]._flight
        await small.start("DE")

    assert is_still_asked
    assert found == [list_uri(entity(small, code), 0) for code in (HUB, "FR", "GB")]


async def test_who_signs_more_than_there_is_room_for_is_left_out_and_nobody_else(
    small, monkeypatch
):
    said = dict(enumerate(Random(7).choices(list(Status), k=LICENCES_PER_LIST)))
    huge = sign_status_list(small.key("DE"), entity(small, "DE"), 0, said, small.clock())
    names = json.dumps({"status_lists": [list_uri(entity(small, "DE"), 0)]})
    monkeypatch.setattr(statuses, "ROOM_BYTES", len(huge))

    async with in_place_of(small, "DE", {"/statuslists": names, "/statuslists/0": huge}):
        found = [item.read.uri for item in await holder(small, [0.0]).all()]

    assert found == [list_uri(entity(small, code), 0) for code in (HUB, "FR", "GB")]


async def test_a_silent_nodes_list_is_passed_on_to_its_end_and_no_longer(small):
    seconds = [0.0]
    hub = holder(small, seconds)
    before = {item.read.uri for item in await hub.all()}
    gone = list_uri(entity(small, "DE"), 0)

    async with in_place_of(small, "DE", {}):
        small.set_clock(small.clock() + timedelta(minutes=59))
        seconds[0] = 100.0
        held = {item.read.uri for item in await hub.all()}
        small.set_clock(small.clock() + timedelta(minutes=1))
        seconds[0] = 200.0
        over = {item.read.uri for item in await hub.all()}

    assert (gone in before, held, over) == (True, before, before - {gone})


async def test_what_a_node_holds_goes_on_without_the_hub_and_is_never_replaced_by_older(small):
    service, seconds = small.keepers["GB"].service, [0.0]
    node = TrustHolder(service.server, service._peers, monotonic=lambda: seconds[0])
    held = await node.current()
    uri = list_uri(entity(small, "DE"), 0)
    older = sign_status_list(
        small.token_key("DE"), entity(small, "DE"), 0, {}, small.clock() - timedelta(seconds=1)
    )
    bundle = json.dumps({"status_lists": [older, "nonsense"]})

    await small.stop(HUB)
    seconds[0] = 100.0
    assert await node.current() == held
    await small.start(HUB)
    assert read_bundle(bundle, issuers(small), held.lists, small.clock()) == held.lists
    left = {key: value for key, value in issuers(small).items() if key != entity(small, "DE")}
    assert uri not in read_bundle(bundle, left, held.lists, small.clock())
    for wrong in ("", "[]", '{"status_lists": 3}', json.dumps({"status_lists": [""] * 1_001})):
        with pytest.raises(PeerAnswerError):
            read_bundle(wrong, issuers(small), {}, small.clock())


async def test_a_list_whose_key_is_trusted_no_more_is_held_no_more(small):
    """Else it would be in every site's policy, and a site refuses the whole of such a policy."""
    now, uri = small.clock(), list_uri(entity(small, "DE"), 0)
    nobody, other = json.dumps({"status_lists": []}), SigningKey.generate()
    lists = json.dumps(
        {
            "status_lists": [
                sign_status_list(small.key(code), entity(small, code), 0, {}, now)
                for code in ("DE", "FR")
            ]
        }
    )
    held = read_bundle(lists, issuers(small), {}, now)
    changed = issuers(small) | {entity(small, "DE"): {other.kid: other.public}}

    assert read_bundle(nobody, issuers(small), held, now) == held
    assert read_bundle(nobody, changed, held, now) == {
        address: item for address, item in held.items() if address != uri
    }
    assert read_bundle(lists, changed, held, now).keys() == held.keys() - {uri}


async def test_a_policy_holds_no_list_of_ours_whose_key_the_hub_does_not_name(small):
    service = small.keepers["GB"].service
    trust = await TrustHolder(service.server, service._peers).current()
    other = SigningKey.generate()
    strange = sign_status_list(other, entity(small, "GB"), 0, {}, small.clock())

    class Own:
        async def all(self):
            return [SignedList(strange, trust.lists[list_uri(entity(small, "GB"), 0)].read)]

    assert {item.text for item in await _all_lists(trust, Own())} == {
        item.text for item in trust.lists.values()
    }


async def test_a_licence_without_a_number_of_ours_has_no_standing(small):
    found = await policy(small)

    for number in ("HUB-1", "HUB", "DE-000001/x"):
        with pytest.raises(StaleStatusError):
            found.status(entity(small, HUB), number, small.clock())
