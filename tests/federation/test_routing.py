"""A hub asks for a work, and for rights, only those nodes that can have them."""

from datetime import datetime, timedelta

import msgspec
import pytest
import pytest_asyncio

from federation.federated import lines
from federation.federated.asking import Asker
from federation.holdings import store
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.scenario.client import ApiError
from federation.values.party import HUB
from tests.federation.asked_about import DE_OWN, FR_OWN, GB_OWN, NOBODYS, counted, down
from tests.federation.harness import DAY, resumed
from tests.federation.telling import until_told

pytestmark = pytest.mark.asyncio(loop_scope="session")

NODES = ["DE", "FR", "GB"]
SHARED, ONE, NONE = "978-3-16-148410-0", "978-0-306-40615-7", "978-1-4028-9462-6"
REGISTER = """mutation($id: String!, $title: String!, $identifiers: [String!]!) {
  registerWork(id: $id, reason: "ours", startsAt: "2026-01-01T00:00:00Z",
    work: { title: $title, contentType: BOOK, identifiers: $identifiers }) {
    __typename ... on Refused { code message } } }"""
END = """mutation { endWork(id: "W-2", reason: "sold") {
  __typename ... on Refused { code message } } }"""
WORK = """query($id: ID, $identifier: String, $at: DateTime, $require: Require) {
  work(id: $id, identifier: $identifier, at: $at, require: $require, deadlineMs: 10000) {
    works { ...named } again: works { __typename title }
    nodes { node state code } skippedByIndex complete
    notRepresented { asOf ageSeconds node epoch filters { node epoch asOf ageSeconds } } } }
fragment named on Work { id title identifiers { scheme value } }"""


@pytest_asyncio.fixture(loop_scope="session")
async def shops(any_backend, opened_past):
    """A hub and three nodes with works, of which each has told the hub."""
    async with resumed(any_backend, opened_past) as small:
        small.set_clock(DAY)
        for code in NODES:
            await register(small, code, "W-1", "Shared", SHARED)
        await register(small, "FR", "W-2", "One", ONE)
        await until_told(small, *NODES)
        yield small


async def register(small, code, name, title, *numbers):
    done = await small.at(code, "registry").ask(
        REGISTER, id=name, title=title, identifiers=[f"ISBN:{one}" for one in numbers]
    )
    assert done == {"__typename": "Work"}


async def ask(small, **asked):
    return await small.lab("lab-one").ask(WORK, **asked)


def states(found):
    return [(one["node"], one["state"]) for one in found["nodes"]]


async def test_only_nodes_that_can_have_a_work_are_asked(shops, monkeypatch):
    with counted(monkeypatch) as sent:
        found = await ask(shops, identifier=f"isbn:{ONE}")
        nobody = await ask(shops, identifier=f"ISBN:{NONE}")
        everybody = await ask(shops, identifier=f"ISBN:{SHARED}")
        by_id = await ask(shops, id="FR:W-2")

    number = {"scheme": "ISBN", "value": ONE.replace("-", "")}
    assert found == {
        "works": [{"id": "FR:W-2", "title": "One", "identifiers": [number]}],
        "again": [{"__typename": "Work", "title": "One"}],
        "nodes": [{"node": "FR", "state": "OK", "code": None}],
        "skippedByIndex": 2,
        "complete": True,
        "notRepresented": None,
    }
    assert by_id == found | {"skippedByIndex": 0}
    assert [one["id"] for one in everybody["works"]] == [f"{code}:W-1" for code in NODES]
    assert (states(everybody), everybody["skippedByIndex"]) == ([(c, "OK") for c in NODES], 0)
    assert (nobody["works"], nobody["nodes"], nobody["skippedByIndex"]) == ([], [], 3)
    assert sorted(sent) == ["DE", "FR", "FR", "FR", "GB"]


async def test_that_nobody_has_a_work_is_said_as_of_the_oldest_filter(shops):
    shops.set_clock(DAY + timedelta(seconds=100))
    await register(shops, "DE", "W-3", "Third", NONE)
    await until_told(shops, "DE")
    async with shops.databases[HUB].read() as session:
        held = await store.whole_filters(session)
    oldest = min(held.values(), key=lambda one: (one.as_of, one.node))
    found = await ask(shops, identifier="DOI:10.1000/182")

    said = found["notRepresented"]
    assert datetime.fromisoformat(said["asOf"]) == oldest.as_of == DAY
    assert (said["node"], said["epoch"], said["ageSeconds"]) == ("FR", 1, 100)
    assert [(one["node"], one["epoch"], one["ageSeconds"]) for one in said["filters"]] == [
        ("DE", 1, 0),
        ("FR", 1, 100),
        ("GB", 1, 100),
    ]
    assert [datetime.fromisoformat(one["asOf"]) for one in said["filters"]] == [
        held[code].as_of for code in NODES
    ]
    assert [held[code].is_signed for code in NODES] == [True] * 3
    assert held["DE"].as_of == DAY + timedelta(seconds=100)
    assert [one["id"] for one in (await ask(shops, identifier=f"ISBN:{NONE}"))["works"]] == [
        "DE:W-3"
    ]


async def test_a_work_that_ended_is_found_as_it_was(shops):
    assert await shops.at("FR", "registry").ask(END) == {"__typename": "Ended"}
    await until_told(shops, "FR")
    now = await ask(shops, identifier=f"ISBN:{ONE}", at=(DAY + timedelta(days=1)).isoformat())
    then = await ask(shops, identifier=f"ISBN:{ONE}", at="2026-02-01T00:00:00Z")

    assert ([one["id"] for one in then["works"]], now["works"]) == (["FR:W-2"], [])
    assert states(now) == states(then) == [("FR", "OK")]
    assert now["notRepresented"]["node"] == "DE"


async def test_a_node_without_a_filter_or_with_an_old_one_is_asked_anyway(shops):
    async with shops.databases[HUB].write("test") as session:
        for held in await store.filters_of(session, "GB"):
            await store.drop(session, held)
    without = await ask(shops, identifier=f"ISBN:{NONE}")
    async with shops.databases[HUB].write("test") as session:
        for held in await store.filters_of(session, "FR"):
            held.as_of -= timedelta(hours=2)
    old = await ask(shops, identifier=f"ISBN:{ONE}")

    assert (states(without), without["skippedByIndex"]) == ([("GB", "OK")], 2)
    assert (states(old), old["skippedByIndex"]) == ([("FR", "OK"), ("GB", "OK")], 1)
    assert [one["id"] for one in old["works"]] == ["FR:W-2"]


async def test_a_filter_that_finds_too_much_costs_a_question_only(shops):
    async with shops.databases[HUB].write("test") as session:
        [held] = await store.filters_of(session, "GB")
        held.epoch += 1
        await session.flush()
        await store.add_part(session, held, 1, b"\xff" * 8)
    found = await ask(shops, identifier=f"ISBN:{ONE}")

    assert [one["id"] for one in found["works"]] == ["FR:W-2"]
    assert (states(found), found["skippedByIndex"]) == ([("FR", "OK"), ("GB", "OK")], 1)


async def test_where_a_node_is_down_nobody_is_said_to_have_nothing(shops):
    async with down(shops, "FR"):
        found = await ask(shops, identifier=f"ISBN:{ONE}")
        by_id = await ask(shops, id="FR:W-2")

    assert found["nodes"] == [{"node": "FR", "state": "ERROR", "code": "NO_ANSWER"}]
    for answer in (found, by_id):
        assert (answer["works"], answer["complete"], answer["notRepresented"]) == ([], False, None)


async def test_who_insists_on_the_nodes_that_are_asked_is_refused_where_they_are_missing(shops):
    async with down(shops, "FR"):
        for asked, require in (
            ({"identifier": f"ISBN:{SHARED}"}, "ALL"),
            ({"identifier": f"ISBN:{ONE}"}, "QUORUM"),
            ({"id": "FR:W-2"}, "ANY"),
        ):
            with pytest.raises(ApiError, match=r"NODES_MISSING.*no answer of FR \(NO_ANSWER\)"):
                await ask(shops, **asked, require=require)
        most = await ask(shops, identifier=f"ISBN:{SHARED}", require="QUORUM")
        nobodys = await ask(shops, identifier=f"ISBN:{NONE}", require="ALL")

    assert [one["id"] for one in most["works"]] == ["DE:W-1", "GB:W-1"]
    assert (nobodys["nodes"], nobodys["complete"]) == ([], True)


async def test_the_answer_may_be_asked_for_without_a_work(shops):
    document = '{ work(id: "FR:W-2") { complete notRepresented { asOf } } }'
    assert await shops.lab("lab-one").ask(document) == {"complete": True, "notRepresented": None}
    document = '{ work(id: "FR:W-99") { complete notRepresented { epoch ageSeconds } } }'
    assert await shops.lab("lab-one").ask(document) == {
        "complete": True,
        "notRepresented": {"epoch": None, "ageSeconds": 0},
    }


async def test_what_cannot_be_looked_up_is_refused(shops):
    for asked, code in (
        ({}, "ONE_OF_TWO"),
        ({"id": "FR:W-2", "identifier": f"ISBN:{ONE}"}, "ONE_OF_TWO"),
        ({"id": "W-2"}, "BAD_ID"),
        ({"id": "FR:"}, "BAD_ID"),
        ({"id": "XX:W-2"}, "UNKNOWN_NODE"),
        ({"identifier": "ISBN:1"}, "BAD_IDENTIFIER"),
    ):
        with pytest.raises(ApiError, match=code):
            await ask(shops, **asked)


RIGHTS = """query($urls: [String!]!) { rights(urls: $urls, use: "GROUND") {
  complete items { url status reason }
  nodes { node state registryVersion indexVersion indexAsOf message } } }"""
OPT_OUT = """mutation { recordOptOut(subject: "news.example/fr", use: "GROUND", reason: "no") {
  __typename ... on Refused { code message } } }"""


def statuses(found):
    return [one["status"] for one in found["items"]]


async def test_an_owner_is_asked_once_about_all_its_urls_and_nobody_about_others(
    shops, monkeypatch
):
    urls = [FR_OWN, NOBODYS, *(f"https://news.example/fr/{n}" for n in range(50)), GB_OWN, FR_OWN]
    with counted(monkeypatch) as sent:
        found = await shops.lab("lab-one").ask(RIGHTS, urls=urls)
        nobody = await shops.lab("lab-one").ask(RIGHTS, urls=[NOBODYS, "ftp://x.example/"])

    assert sorted(sent) == ["FR", "GB"]
    assert statuses(found) == ["LICENSABLE", "NOT_REPRESENTED"] + ["LICENSABLE"] * 52
    assert (statuses(nobody), nobody["nodes"]) == (["NOT_REPRESENTED", "MALFORMED"], [])


async def test_an_opt_out_is_in_the_next_answer_though_the_index_has_not_heard_of_it(
    shops, monkeypatch
):
    before = await shops.lab("lab-one").ask(RIGHTS, urls=[FR_OWN, DE_OWN])
    post = PeerClient.post

    async def not_delivered(self, entity_id, url, *rest, **more):
        if url.endswith("/federation/inbox"):
            raise PeerAnswerError("not now")
        return await post(self, entity_id, url, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(PeerClient, "post", not_delivered)
        done = await shops.at("FR", "registry").ask(OPT_OUT)
        found = await shops.lab("lab-one").ask(RIGHTS, urls=[FR_OWN, DE_OWN])
        at_a_node = await shops.at("GB", "auditor").ask(RIGHTS, urls=[FR_OWN, DE_OWN])

    assert done["__typename"] != "Refused"
    assert statuses(before) == ["LICENSABLE"] * 2
    assert [(one["status"], one["reason"]) for one in found["items"]] == [
        ("RESERVED", "OPTED_OUT"),
        ("LICENSABLE", None),
    ]
    was, now = before["nodes"][1], found["nodes"][1]
    assert was["registryVersion"] == was["indexVersion"] == now["indexVersion"]
    assert now["registryVersion"] == now["indexVersion"] + 1
    assert now["indexAsOf"] == was["indexAsOf"] is not None
    assert at_a_node == found


async def test_of_a_dead_owner_nothing_is_licensable_and_it_is_said(shops):
    async with down(shops, "FR"):
        found = await shops.lab("lab-one").ask(RIGHTS, urls=[FR_OWN, GB_OWN])
        shops.keepers[HUB].service.server.asker._lines["FR"].failures.extend(
            [0.0] * lines.FAILURES_MAX
        )
        shops.keepers[HUB].service.server.asker._lines["FR"].closed_until = float("inf")
        left_alone = await shops.lab("lab-one").ask(RIGHTS, urls=[FR_OWN, GB_OWN])

    for answer, state in ((found, "ERROR"), (left_alone, "BREAKER_OPEN")):
        assert statuses(answer) == ["UNKNOWN", "LICENSABLE"]
        assert states(answer) == [("FR", state), ("GB", "OK")]
        assert (answer["complete"], answer["nodes"][0]["registryVersion"]) == (False, 0)
        assert answer["nodes"][0]["indexVersion"] > 0


async def test_a_version_that_is_none_costs_an_owner_its_own_items(shops, monkeypatch):
    versions = [-1, 2**31, "1", None]

    async def wrong(self, node, question, *, deadline, bytes_max):
        del self, deadline, bytes_max
        assert not question.is_shared  # else an answer from before an opt-out could be this one's
        item = {"url": FR_OWN, "status": "LICENSABLE", "contentTier": "standard"}
        answer = {"items": [item], "nodes": [{"registryVersion": versions.pop()}]}
        assert node.code == "FR"
        return msgspec.json.encode({"data": {"rights": answer}})

    with monkeypatch.context() as patched:
        patched.setattr(Asker, "ask", wrong)
        while versions:
            found = await shops.lab("lab-one").ask(RIGHTS, urls=[FR_OWN])
            assert (statuses(found), states(found)) == (["UNKNOWN"], [("FR", "ERROR")])
