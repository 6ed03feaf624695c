"""Published sources by HTTP and GraphQL: handed over, shown, ended by another person."""

import json
from datetime import timedelta
from hashlib import sha256
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from federation.values.party import HUB
from tests.federation.harness import DAY, fetch, nothing_changes, resumed, send

ROBOTS = """User-agent: GPTBot
Disallow: /news/
Disallow: /*?
Content-Signal: ai-input=no
"""
SOURCES = """query($host: String) { publishedSources(first: 5, host: $host) {
  edges { node { id kind host page } } } }"""
SOURCE = """query($id: ID!) { publishedSource(id: $id) {
  source { kind host }
  versions { id seenAt fetchedFrom recordedBy reason sha256 bytes
    notExpressed { place text why reserved } }
  lists { name uses version effectiveAt endsAt isMissing count
    rules { path allow place text } } } }"""
END = """mutation($version: ID!, $reason: String!) {
  confirmReservationEnding(version: $version, reason: $reason) {
    ... on ReservationEnding { lists source { host } } ... on Refused { code } } }"""
KEEP = END.replace("confirm", "refuse")
WAITS = "{ workList { kind subject turn } }"


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


async def handed_over(small, body, who="registry", **asked):
    asked = {"kind": "robots", "site": "https://pub.example/", "reason": "seen"} | asked
    token = small.at("GB", who)._token()
    body = body if isinstance(body, bytes) else body.encode()
    return await send(small, "GB", f"/reservations?{urlencode(asked)}", body, token=token)


async def waiting(small):
    items = await small.at("GB", "registry").ask(WAITS)
    return [each for each in items if each["kind"] == "reservation_ending"]


async def test_a_file_is_kept_shown_and_ended_by_another_person(small):
    answer = await handed_over(small, ROBOTS, fetchedFrom="https://pub.example/robots.txt")

    digest = sha256(ROBOTS.encode()).hexdigest()
    assert (answer.status, answer.body) == (
        200,
        {
            "source": "1",
            "version": "1",
            "sha256": digest,
            "isNew": True,
            "listsThatCame": 2,
            "listsThatEnded": 0,
            "listsThatWait": 0,
            "notExpressed": 1,
        },
    )
    auditor = small.at("GB", "auditor")
    assert (await fetch(small, "GB", "/reservations/1", auditor)).body == ROBOTS.encode()
    assert await auditor.ask(SOURCES, host="pub.example") == {
        "edges": [{"node": {"id": "1", "kind": "ROBOTS", "host": "pub.example", "page": None}}]
    }
    assert await auditor.ask(SOURCES, host="other.example") == {"edges": []}
    found = await auditor.ask(SOURCE, id="1")
    assert found["versions"] == [
        {
            "id": "1",
            "seenAt": DAY.isoformat(),
            "fetchedFrom": "https://pub.example/robots.txt",
            "recordedBy": "registry",
            "reason": "seen",
            "sha256": digest,
            "bytes": len(ROBOTS),
            "notExpressed": [
                {
                    "place": "line 3",
                    "text": "Disallow: /*?",
                    "why": "it speaks of queries alone, and addresses have none here",
                    "reserved": [],
                }
            ],
        }
    ]
    assert found["lists"][0] == {
        "name": "User-agent: GPTBot",
        "uses": ["TRAIN", "FINE_TUNE"],
        "version": "1",
        "effectiveAt": DAY.isoformat(),
        "endsAt": None,
        "isMissing": False,
        "count": 1,
        "rules": [
            {"path": "/news/", "allow": False, "place": "line 2", "text": "Disallow: /news/"}
        ],
    }

    later = DAY + timedelta(days=1)
    small.set_clock(later)
    gone = await handed_over(small, "# nothing\n")
    assert (gone.body["version"], gone.body["listsThatWait"]) == ("2", 2)
    assert await waiting(small) == [
        {
            "kind": "reservation_ending",
            "subject": "ROBOTS pub.example #2",
            "turn": "registry_officer",
        }
    ]
    officer, other = (
        small.at("GB", "registry"),
        small.at("GB", "second-registry", "registry_officer"),
    )
    assert await officer.ask(END, version="2", reason="x") == {"code": "SAME_PERSON"}
    assert await other.ask(END, version="2", reason="they said so") == {
        "lists": 2,
        "source": {"host": "pub.example"},
    }
    found = await auditor.ask(SOURCE, id="1")
    assert [each["endsAt"] for each in found["lists"]] == [later.isoformat()] * 2
    assert await waiting(small) == []


async def test_what_a_file_leaves_out_holds_on_if_another_person_says_so(small):
    await handed_over(small, ROBOTS)
    small.set_clock(DAY + timedelta(days=1))
    await handed_over(small, "")

    other = small.at("GB", "second-registry", "registry_officer")
    assert (await other.ask(KEEP, version="2", reason="a fault of their site"))["lists"] == 2
    found = await small.at("GB", "auditor").ask(SOURCE, id="1")

    assert [(each["endsAt"], each["isMissing"]) for each in found["lists"]] == [(None, False)] * 2
    assert await other.ask(END, version="2", reason="x") == {"code": "NO_ENDING"}


@pytest.mark.parametrize(
    ("body", "asked", "status", "code"),
    [
        (ROBOTS, {"kind": "trust"}, 400, "BAD_HANDING_OVER"),
        (ROBOTS, {"site": ""}, 400, "BAD_HANDING_OVER"),
        (ROBOTS, {"seenAt": "yesterday"}, 400, "BAD_HANDING_OVER"),
        (ROBOTS, {"sight": "x"}, 400, "BAD_HANDING_OVER"),
        (ROBOTS, {"seenAt": "2999-01-01T00:00:00Z"}, 422, "SOURCE_TIME"),
        (ROBOTS, {"site": "https://com/"}, 422, "TOO_WIDE"),
        (ROBOTS, {"site": "mailto:x"}, 422, "MALFORMED_URL"),
        (ROBOTS, {"reason": ""}, 422, "REASON"),
        (b"<html>", {}, 422, "BAD_SOURCE"),
        (b"a" * 2_000_001, {}, 413, "BATCH_TOO_LARGE"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><rsl/>', {"kind": "rsl"}, 422, "BAD_SOURCE"),
    ],
)
async def test_a_bad_file_is_refused_and_nothing_is_kept(small, body, asked, status, code):
    async with nothing_changes(small, "GB"):
        answer = await handed_over(small, body, **asked)

    assert (answer.status, answer.code) == (status, code)


async def test_what_a_node_writes_for_its_members_reserves_nothing_against_its_licence(small):
    async with small.http.get(f"{small.running['GB'].url}/sites/gb-b/robots.txt") as response:
        written = await response.read()

    answer = await handed_over(small, written)

    assert b"ai-train=no" in written
    assert (answer.status, answer.body["listsThatCame"]) == (200, 0)
    assert answer.body["notExpressed"] == 2


async def test_a_policy_at_the_hub_s_counter_reserves_nothing_against_our_licence(small):
    entry = {"location": "/", "tdm-reservation": 1, "tdm-policy": f"{small.running[HUB].url}/buy"}

    sold = await handed_over(small, json.dumps([entry]), kind="tdmrep")
    other = await handed_over(
        small, json.dumps([entry | {"tdm-policy": "https://x.example/"}]), kind="tdmrep"
    )

    assert (sold.body["listsThatCame"], other.body["listsThatCame"]) == (0, 1)


async def test_our_own_lines_in_a_robots_txt_reserve_nothing_against_our_licence(small):
    url = small.running["GB"].url
    lines = f"License: {url}/sites/gb-a/license.xml\nUser-agent: *\nContent-Signal: ai-train=no\n"

    answer = await handed_over(small, lines)

    assert (answer.body["listsThatCame"], answer.body["notExpressed"]) == (0, 1)


RIGHTS = """query($urls: [String!]!) {
  rights(urls: $urls, use: "TRAIN") { items { url status reason } } }"""


async def test_rights_follow_a_published_source_until_its_ending_is_confirmed(small):
    """What GB's robots.txt keeps from a crawler that trains is reserved here and at the hub."""
    urls = ["https://news.example/gb/1", "https://news.example/gb/free/1"]

    async def statuses():
        found = []
        for code in ("GB", HUB):
            await small.silence()
            answer = await small.at(code, "auditor").ask(RIGHTS, urls=urls)
            found.append([(each["status"], each["reason"]) for each in answer["items"]])
        return found

    rules = "User-agent: GPTBot\nDisallow: /gb/\nAllow: /gb/free/\n"
    before = await statuses()
    await handed_over(small, rules, site="https://news.example/")
    held = await statuses()
    gone = await handed_over(small, "User-agent: *\n", site="https://news.example/")
    waiting = await statuses()
    version = gone.body["version"]
    small.set_clock(DAY + timedelta(hours=1))
    second = small.at("GB", "second-registry", "registry_officer")
    await second.ask(END, version=version, reason="their editor wrote")
    after = await statuses()

    for answer in (before, after):
        assert answer == [[("LICENSABLE", None), ("LICENSABLE", None)]] * 2
    for answer in (held, waiting):
        assert answer == [[("RESERVED", "PUBLISHED"), ("LICENSABLE", None)]] * 2
