"""What may be done with an address: asked anywhere, whoever else answers or does not."""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime

import msgspec
import pytest

from federation.claimindex import delta_store
from federation.federated.wire import ON_BEHALF_OF_HEADER
from federation.schema import rights
from federation.values.party import HUB
from tests.federation.asked_about import (
    CONTESTED,
    COPY,
    DE_OWN,
    FR_OWN,
    GB_OWN,
    JOURNAL,
    LATE,
    MALFORMED,
    NOBODYS,
    TWINS,
    WILDCARD,
    WITHHELD,
    down,
)
from tests.federation.harness import nothing_changes, tell

pytestmark = pytest.mark.asyncio(loop_scope="session")

RIGHTS = """query($urls: [String!]!, $use: String!, $at: DateTime) {
  rights(urls: $urls, use: $use, at: $at) {
    complete
    items { url status collective contentTier price: per1000 { minor currency } }
    nodes { node state registryVersion } } }"""

OWN = """query($urls: [String!]!, $use: String!) {
  rights(urls: $urls, use: $use, ownOnly: true) {
    complete items { url status } nodes { node } } }"""

OWNERS = """query($urls: [String!]!, $at: DateTime) {
  owners(urls: $urls, at: $at) { url state collectives } }"""

PREMIUM = {"minor": "900", "currency": "EUR"}
STANDARD = {"minor": "300", "currency": "EUR"}

FOR_TRAINING = [
    (DE_OWN, "LICENSABLE", "DE", "premium", PREMIUM),
    (FR_OWN, "LICENSABLE", "FR", "standard", STANDARD),
    (GB_OWN, "LICENSABLE", "GB", "premium", PREMIUM),
    (WILDCARD, "LICENSABLE", "DE", "standard", STANDARD),
    (LATE, "LICENSABLE", "FR", "standard", STANDARD),
    (WITHHELD, "RESERVED", "DE", "premium", None),
    (JOURNAL, "RESERVED", "FR", "premium", None),  # its member opted out of training today
    (COPY, "RESERVED", "GB", "standard", None),  # a copy of it
    (CONTESTED, "DISPUTED", None, "standard", None),
    (TWINS, "DISPUTED", "DE", "standard", None),
    (NOBODYS, "NOT_REPRESENTED", None, None, None),
    (MALFORMED, "MALFORMED", None, None, None),
]

URLS = [row[0] for row in FOR_TRAINING]
VERSIONS = {"DE": 2, "FR": 2, "GB": 1}


def an_answer(rows, states=None):
    states = {"DE": "OK", "FR": "OK", "GB": "OK"} | (states or {})
    names = ["url", "status", "collective", "contentTier", "price"]
    return {
        "complete": set(states.values()) == {"OK"},
        "items": [dict(zip(names, row, strict=True)) for row in rows],
        "nodes": [
            {"node": node, "state": state, "registryVersion": VERSIONS[node] * (state == "OK")}
            for node, state in states.items()
        ],
    }


def unanswered(rows, node):
    """Return what is known without a collective: nothing of what it would have to say."""
    return [
        (url, "UNKNOWN", code, tier, None)
        if code == node and status != "RESERVED"
        else (url, status, code, tier, price)
        for url, status, code, tier, price in rows
    ]


@pytest.mark.parametrize("code", [HUB, "DE", "GB"])
async def test_every_server_says_the_same_of_anybodys_addresses(shop, code):
    async with nothing_changes(shop):
        found = await shop.at(code, "auditor").ask(RIGHTS, urls=URLS, use="TRAIN")

    assert found == an_answer(FOR_TRAINING)


async def test_a_right_is_for_a_use_and_an_instant(shop):
    lab = shop.lab("lab-one")
    grounding = await lab.ask(RIGHTS, urls=[JOURNAL, FR_OWN, WITHHELD], use="GROUND")
    before = await lab.ask(
        RIGHTS, urls=[JOURNAL, COPY, LATE], use="TRAIN", at="2026-09-14T23:59:59+00:00"
    )

    assert [(item["status"], item["price"]) for item in grounding["items"]] == [
        ("LICENSABLE", None),  # the tariff has no such price
        ("LICENSABLE", {"minor": "450", "currency": "EUR"}),
        ("RESERVED", None),
    ]
    assert [item["status"] for item in before["items"]] == [
        "LICENSABLE",
        "LICENSABLE",
        "NOT_REPRESENTED",
    ]


async def test_a_node_knows_its_own_registry_alone(shop):
    found = await shop.at("GB", "auditor").ask(OWN, urls=[GB_OWN, DE_OWN, CONTESTED], use="TRAIN")

    assert found == {
        "complete": True,
        "items": [
            {"url": GB_OWN, "status": "LICENSABLE"},
            {"url": DE_OWN, "status": "NOT_REPRESENTED"},
            {"url": CONTESTED, "status": "LICENSABLE"},
        ],
        "nodes": [{"node": "GB"}],
    }


@pytest.mark.parametrize("asked", [HUB, "DE"])
async def test_a_node_that_is_down_costs_its_own_items_only(shop, asked):
    async with nothing_changes(shop), down(shop, "FR"):
        found = await shop.at(asked, "auditor").ask(RIGHTS, urls=URLS, use="TRAIN")

    assert found == an_answer(unanswered(FOR_TRAINING, "FR"), {"FR": "ERROR"})


async def test_a_node_that_never_answers_costs_its_own_items_only(shop, monkeypatch):
    monkeypatch.setattr(rights, "OWNERS_SECONDS", 0.3)
    over = asyncio.Event()

    async def listen_only(_, writer):
        await over.wait()
        writer.close()

    port = shop.running["FR"].config.port
    async with down(shop, "FR"), AsyncExitStack() as stack:
        deaf = await asyncio.start_server(listen_only, "127.0.0.1", port, reuse_address=True)
        await stack.enter_async_context(deaf)
        found = await shop.lab("lab-one").ask(RIGHTS, urls=[FR_OWN, GB_OWN], use="TRAIN")
        over.set()

    assert [item["status"] for item in found["items"]] == ["UNKNOWN", "LICENSABLE"]
    assert [node["state"] for node in found["nodes"]] == ["TIMEOUT", "OK"]
    assert found["complete"] is False


REQUIRED = """query($urls: [String!]!, $require: Require) {
  rights(urls: $urls, use: "TRAIN", require: $require) { complete items { status } } }"""


@pytest.mark.parametrize("code", [HUB, "GB"])
async def test_who_insists_on_owners_is_refused_where_they_are_missing(shop, code):
    auditor, urls = shop.at(code, "auditor"), [DE_OWN, FR_OWN, GB_OWN, NOBODYS]
    asker = shop.keepers[HUB].service.server.asker
    async with nothing_changes(shop), down(shop, "FR"):
        whole = await tell(shop, code, auditor, REQUIRED, urls=urls, require="ALL")
        most = await auditor.ask(REQUIRED, urls=urls, require="QUORUM")
        half = await tell(shop, code, auditor, REQUIRED, urls=urls[:2], require="QUORUM")
        one = await auditor.ask(REQUIRED, urls=urls[:2], require="ANY")
        asker.keep([])  # else it would be left alone from the fifth on
        none = await tell(shop, code, auditor, REQUIRED, urls=[FR_OWN], require="ANY")
        whatever = await auditor.ask(REQUIRED, urls=[FR_OWN])
        nobodys = await auditor.ask(REQUIRED, urls=[NOBODYS], require="ALL")
    asker.keep([])

    for refused, require in ((whole, "ALL"), (half, "QUORUM"), (none, "ANY")):
        assert (refused.code, refused.body["data"]) == ("NODES_MISSING", None)
        [error] = refused.body["errors"]
        assert error["message"].endswith(f"({require}: no answer of FR (ERROR))")
    licensable = {"status": "LICENSABLE"}
    assert most["items"] == [licensable, {"status": "UNKNOWN"}, licensable, ABSENT]
    assert one["items"] == [licensable, {"status": "UNKNOWN"}]
    assert whatever == {"complete": False, "items": [{"status": "UNKNOWN"}]}
    assert nobodys == {"complete": True, "items": [ABSENT]}


ABSENT = {"status": "NOT_REPRESENTED"}
INDEXES = """query($urls: [String!]!) { rights(urls: $urls, use: "TRAIN") {
  notRepresentedAsOf { node version asOf } } }"""


@pytest.mark.parametrize("code", [HUB, "GB"])
async def test_that_nobody_represents_an_address_is_said_as_of_each_index(shop, code):
    auditor = shop.at(code, "auditor")
    nobodys = (await auditor.ask(INDEXES, urls=[NOBODYS, DE_OWN]))["notRepresentedAsOf"]
    somebodys = await auditor.ask(INDEXES, urls=[DE_OWN, MALFORMED])
    async with shop.databases[HUB].read() as session:
        ages = await delta_store.versions_of(session, list(VERSIONS))

    assert [(one["node"], one["version"]) for one in nobodys] == list(VERSIONS.items())
    assert [datetime.fromisoformat(one["asOf"]) for one in nobodys] == [
        ages[node][1] for node in VERSIONS
    ]
    assert somebodys == {"notRepresentedAsOf": []}


WHY = """query($urls: [String!]!, $use: String!) {
  rights(urls: $urls, use: $use) { complete items { status reason } } }"""


@pytest.mark.parametrize("code", [HUB, "DE", "GB"])
async def test_every_server_says_why_an_address_is_reserved(shop, code):
    urls = [WITHHELD, COPY, DE_OWN]
    found = await shop.at(code, "auditor").ask(WHY, urls=urls, use="TRAIN")

    assert found["items"] == [
        {"status": "RESERVED", "reason": "OPTED_OUT"},
        {"status": "RESERVED", "reason": "OPTED_OUT"},
        {"status": "LICENSABLE", "reason": None},
    ]


@pytest.mark.parametrize("reason", [None, "WITHHELD", "BECAUSE"])
async def test_an_owner_of_a_later_version_is_understood(shop, reason):
    item = {"url": FR_OWN, "status": "RESERVED", "contentTier": "standard", "reason": reason}
    answer = {"rights": {"items": [item], "nodes": [{"registryVersion": 2}]}}

    async def speak(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(as_answered(answer))
        await writer.drain()
        writer.close()

    port = shop.running["FR"].config.port
    async with down(shop, "FR"), AsyncExitStack() as stack:
        other = await asyncio.start_server(speak, "127.0.0.1", port, reuse_address=True)
        await stack.enter_async_context(other)
        found = await shop.lab("lab-one").ask(WHY, urls=[FR_OWN], use="TRAIN")

    told = None if reason == "BECAUSE" else reason
    assert found == {"complete": True, "items": [{"status": "RESERVED", "reason": told}]}


def as_answered(data):
    """Return an answer as a node sends it."""
    body = msgspec.json.encode({"data": data})
    head = f"HTTP/1.1 200 OK\r\n{ON_BEHALF_OF_HEADER}: signed-in\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


NONSENSE = {
    "no rights": {},
    "an unknown status": {
        "rights": {
            "items": [{"url": FR_OWN, "status": "MINE", "contentTier": None}],
            "nodes": [{"registryVersion": 2}],
        }
    },
    "no version": {"rights": {"items": [], "nodes": []}},
}


@pytest.mark.parametrize("case", NONSENSE)
async def test_a_node_that_answers_nonsense_costs_its_own_items_only(shop, case):
    async def answer(_, writer):
        writer.write(as_answered(NONSENSE[case]))
        await writer.drain()
        writer.close()

    port = shop.running["FR"].config.port
    async with down(shop, "FR"), AsyncExitStack() as stack:
        mad = await asyncio.start_server(answer, "127.0.0.1", port, reuse_address=True)
        await stack.enter_async_context(mad)
        found = await shop.lab("lab-one").ask(RIGHTS, urls=[FR_OWN, GB_OWN], use="TRAIN")

    assert [item["status"] for item in found["items"]] == ["UNKNOWN", "LICENSABLE"]
    assert [node["state"] for node in found["nodes"]] == ["ERROR", "OK"]
    assert found["complete"] is False


async def test_without_the_hub_a_node_says_so_and_still_knows_its_own(shop):
    auditor = shop.at("DE", "auditor")
    async with down(shop, HUB):
        asked = await tell(shop, "DE", auditor, RIGHTS, urls=[GB_OWN], use="TRAIN")
        own = await auditor.ask(OWN, urls=[DE_OWN], use="TRAIN")

    assert (asked.code, asked.body["data"]) == ("PEER_DOWN", None)
    assert own["items"] == [{"url": DE_OWN, "status": "LICENSABLE"}]


async def test_an_owner_is_none_one_or_contested(shop):
    lab = shop.lab("lab-two")
    found = await lab.ask(
        OWNERS, urls=[DE_OWN, WILDCARD, CONTESTED, TWINS, NOBODYS, MALFORMED, COPY, LATE]
    )
    before = await lab.ask(OWNERS, urls=[LATE], at="2026-09-14T23:59:59+00:00")

    assert [(item["state"], item["collectives"]) for item in found] == [
        ("ONE", ["DE"]),
        ("ONE", ["DE"]),
        ("CONTESTED", ["FR", "GB"]),
        ("CONTESTED", ["DE"]),
        ("NONE", []),
        ("MALFORMED", []),
        ("ONE", ["GB"]),
        ("ONE", ["FR"]),
    ]
    assert before == [{"url": LATE, "state": "NONE", "collectives": []}]


async def test_a_thousand_addresses_are_answered_and_one_more_is_not(shop):
    urls = [f"https://news.example/de/{number}" for number in range(1_001)]
    lab = shop.lab("lab-one")
    found = await lab.ask(RIGHTS, urls=urls[:1_000], use="TRAIN")

    assert [item["url"] for item in found["items"]] == urls[:1_000]
    assert {item["status"] for item in found["items"]} == {"LICENSABLE"}
    assert (await tell(shop, HUB, lab, RIGHTS, urls=urls, use="TRAIN")).code == "TOO_MANY_URLS"
    assert (await tell(shop, HUB, lab, RIGHTS, urls=[], use="TRAIN")).code == "TOO_MANY_URLS"
    auditor = shop.at("DE", "auditor")
    for query in (RIGHTS, OWN):
        for asked in (urls, []):
            answer = await tell(shop, "DE", auditor, query, urls=asked, use="TRAIN")
            assert answer.code == "TOO_MANY_URLS"


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_rights_are_for_those_who_say_who_they_are_and_for_uses_there_are(shop, code):
    auditor = shop.at(code, "auditor")

    assert (await tell(shop, code, None, RIGHTS, urls=[DE_OWN], use="TRAIN")).code == (
        "NOT_AUTHENTICATED"
    )
    assert (await tell(shop, code, auditor, RIGHTS, urls=[DE_OWN], use="FLY")).code == "UNKNOWN_USE"
