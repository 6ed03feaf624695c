"""A lab keeps a copy of what is withheld: by the hub's list, part by part, and by its changes."""

import asyncio
import csv
from itertools import product

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from federation.claimindex import followed_store
from federation.crawler.withheld import WithheldList
from federation.quotas import Quota
from federation.values.party import HUB
from tests.federation.asked_about import (
    CONTESTED,
    COPY,
    DE_OWN,
    FR_OWN,
    GB_OWN,
    JOURNAL,
    LATE,
    NOBODYS,
    TWINS,
    WILDCARD,
    WITHHELD,
    down,
)
from tests.federation.harness import nothing_changes, resumed
from tests.still_quotas import still

pytestmark = pytest.mark.asyncio(loop_scope="session")

NODES = ["DE", "FR", "GB"]
URLS = [CONTESTED, COPY, DE_OWN, FR_OWN, GB_OWN, JOURNAL, LATE, NOBODYS, TWINS, WILDCARD, WITHHELD]
USES = ["TRAIN", "GROUND", "SEARCH"]
RIGHTS = """query($urls: [String!]!, $use: String!, $at: DateTime) {
  rights(urls: $urls, use: $use, at: $at) { complete items { status reason } } }"""


@pytest_asyncio.fixture(loop_scope="session")
async def open_shop(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        yield small


async def got(small, path, who=None, headers=None):
    """Return status, headers and body of what a lab (or somebody) gets at the hub."""
    who = who or small.lab("lab-one")
    url = f"{small.running[HUB].url}/withheld{path}"
    async with small.http.get(url, headers=who._headers() | (headers or {})) as answer:
        return answer.status, answer.headers, await answer.read()


async def refused(small, path, who=None):
    status, _, body = await got(small, path, who)
    return status, msgspec.json.decode(body)["code"]


async def copied(small, query=""):
    """Return a copy of the list of all collectives."""
    found = WithheldList()
    for node in NODES:
        status, _, body = await got(small, f"/{node}.ndjson{query}")
        assert status == 200
        found.take(body.splitlines())
    return found


async def followed(small, copy):
    """Bring a copy up to date by the changes since."""
    for node, version in dict(copy.versions).items():
        status, _, body = await got(small, f"/{node}.ndjson?since={version}")
        assert status == 200
        copy.take(body.splitlines())


async def answers(small, use, at):
    """Return {URL: why it is withheld} by `rights`, when every collective has answered."""
    found = await small.lab("lab-one").ask(RIGHTS, urls=URLS, use=use, at=at.isoformat())
    assert found["complete"]
    for item in found["items"]:
        assert (item["status"] == "RESERVED") == (item["reason"] is not None)
    return {url: item["reason"] for url, item in zip(URLS, found["items"], strict=True)}


async def test_a_copy_of_the_list_answers_as_rights_does(shop):
    async with nothing_changes(shop, HUB):
        copy, at = await copied(shop), shop.clock()
        for use in USES:
            said = {url: copy.why(url, use, at) for url in URLS}
            assert said == await answers(shop, use, at)

    assert copy.why(WITHHELD, "TRAIN", at) == "OPTED_OUT"
    assert copy.why(DE_OWN, "TRAIN", at) is None
    assert copy.versions == {"DE": 2, "FR": 2, "GB": 1}


async def test_a_part_is_of_uses_or_of_a_licence_and_says_nothing_of_licences(shop):
    at = shop.clock()
    for query, use in product(("?use=TRAIN&use=GROUND", "?licence=HUB-000001"), ("TRAIN",)):
        copy = await copied(shop, query)
        assert {url: copy.why(url, use, at) for url in URLS} == await answers(shop, use, at)
    _, _, body = await got(shop, "/FR.ndjson?licence=HUB-000001")
    lines = [msgspec.json.decode(line) for line in body.splitlines()]

    assert lines[0]["uses"] == ["GROUND", "TRAIN"]
    assert b"HUB-000001" not in body
    assert b"lab-" not in body
    assert b"fr-" not in body


async def test_the_same_stands_in_the_csv(shop):
    _, _, ndjson = await got(shop, "/FR.ndjson")
    _, headers, body = await got(shop, "/FR.csv")

    lines = [msgspec.json.decode(line) for line in ndjson.splitlines()]
    rows = list(csv.DictReader(body.decode().splitlines()))
    assert headers["Content-Type"].startswith("text/csv")
    assert [row["kind"] for row in rows] == [line["kind"] for line in lines]
    for row, line in zip(rows, lines, strict=True):
        assert (row["host"], row["path"]) == (line.get("host", ""), line.get("path", ""))
        assert (row["reason"], row["id"]) == (line.get("reason") or "", line.get("id", ""))
        assert row["starts"] == (line.get("startsOn") or line.get("startsAt") or "")


async def test_what_did_not_change_is_not_sent_again(shop):
    _, headers, _ = await got(shop, "/DE.ndjson")
    status, again, body = await got(shop, "/DE.ndjson", headers={"If-None-Match": headers["ETag"]})
    others = [
        (await got(shop, path))[1]["ETag"]
        for path in ("/FR.ndjson", "/DE.csv", "/DE.ndjson?since=0")
    ]

    assert (status, again["ETag"], body) == (304, headers["ETag"], b"")
    assert headers["ETag"] not in others
    assert headers["Cache-Control"] == "private, no-cache"


async def test_each_part_says_how_old_it_is_and_who_is_missing(shop):
    async with nothing_changes(shop, HUB):
        _, _, body = await got(shop, "")
        whole = msgspec.json.decode(body)
        async with down(shop, "FR"):
            _, _, body = await got(shop, "")
            less = msgspec.json.decode(body)

    assert whole["complete"] is True
    assert [(part["node"], part["state"], part["version"]) for part in whole["parts"]] == [
        ("DE", "CURRENT", 2),
        ("FR", "CURRENT", 2),
        ("GB", "CURRENT", 1),
    ]
    assert all(part["asOf"] for part in whole["parts"])
    assert less["complete"] is False
    [missing] = [part for part in less["parts"] if part["state"] != "CURRENT"]
    assert (missing["node"], missing["version"]) == ("FR", 2)
    assert missing["registryVersion"] is None
    assert missing["state"] in {"TIMEOUT", "ERROR"}


REFUSED = {
    "/XX.ndjson": (404, "NO_SUCH_FILE"),
    "/HUB.ndjson": (404, "NO_SUCH_FILE"),
    "/DE.xml": (404, "NO_SUCH_FILE"),
    "/DE": (404, "NO_SUCH_FILE"),
    "/DE.csv?use=FLY": (422, "UNKNOWN_USE"),
    "/DE.csv?licence=HUB-000009": (422, "UNKNOWN_LICENCE"),
    "/DE.csv?licence=HUB-000001&use=TRAIN": (400, "BAD_PART"),
    "/DE.csv?uses=TRAIN": (400, "BAD_PART"),
    "/DE.csv?since=1&since=2": (400, "BAD_PART"),
    "/DE.csv?since=-1": (400, "BAD_PART"),
    "/DE.csv?since=99999999999": (400, "BAD_PART"),
    "/DE.csv?since=3": (410, "LIST_GAP"),
    "/DE.csv?after=x": (400, "BAD_CURSOR"),
}


@pytest.mark.parametrize("path", REFUSED)
async def test_what_is_not_a_part_is_refused(shop, path):
    async with nothing_changes(shop, HUB):
        assert await refused(shop, path) == REFUSED[path]


async def test_a_licence_of_another_lab_names_no_uses(shop):
    assert await refused(shop, "/DE.csv?licence=HUB-000001", shop.lab("lab-two")) == (
        422,
        "UNKNOWN_LICENCE",
    )


async def test_strangers_are_sent_nothing(shop):
    for path in ("", "/DE.csv"):
        async with shop.http.get(f"{shop.running[HUB].url}/withheld{path}") as answer:
            assert answer.status == 401


async def test_who_asks_how_current_the_list_is_is_counted_for_each_collective_asked(shop):
    server = shop.keepers[HUB].service.server
    kept, server.quotas = server.quotas, still({"graphql": Quota(4, 1)})
    try:
        first, _, _ = await got(shop, "")
        second = await refused(shop, "")
    finally:
        server.quotas = kept

    assert (first, second) == (200, (429, "TOO_MANY_REQUESTS"))


async def test_two_parts_at_once_are_sent_to_a_lab_until_it_hangs_up(shop, monkeypatch):
    page, opened = followed_store.page, asyncio.Event()

    async def waiting(*asked):
        await opened.wait()
        return await page(*asked)

    monkeypatch.setattr(followed_store, "page", waiting)
    url = f"{shop.running[HUB].url}/withheld/DE.ndjson"
    one, two = (shop.lab(lab)._headers() for lab in ("lab-one", "lab-two"))
    async with shop.http.get(url, headers=one) as first, shop.http.get(url, headers=one) as second:
        assert (first.status, second.status) == (200, 200)
        async with shop.http.get(url, headers=one) as third:
            assert third.status == 429
            assert (await third.json())["code"] == "TOO_MANY_REQUESTS"
        async with shop.http.get(url, headers=two) as other:
            assert other.status == 200
    for _ in range(1_000):  # until the hub has heard that nobody listens
        async with shop.http.get(url, headers=one) as third:
            if third.status == 200:
                opened.set()
                WithheldList().take((await third.read()).splitlines())
                break
    assert third.status == 200
    for _ in range(3):  # what was sent whole keeps no place either
        assert (await got(shop, "/DE.ndjson"))[0] == 200


async def test_a_part_that_breaks_keeps_no_place(shop, monkeypatch):
    async def broken(*_asked):
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(followed_store, "page", broken)
        for _ in range(3):
            with pytest.raises(aiohttp.ClientPayloadError):
                await got(shop, "/DE.ndjson")

    assert (await got(shop, "/DE.ndjson"))[0] == 200


async def test_who_hangs_up_before_the_first_line_keeps_no_place(shop):
    app, sent = shop.keepers[HUB].service.parts.app, []
    headers = shop.lab("lab-one")._headers().items()
    path = "/withheld/DE.ndjson"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    for _ in range(3):
        await app(dict(scope), receive, send)

    assert [(one["type"], one.get("status")) for one in sent] == [("http.response.start", 200)] * 3


OPT_OUT = """mutation { recordOptOut(subject: "news.example/fr", use: "GROUND", reason: "no") {
  ... on Refused { code message } } }"""


async def test_an_opt_out_is_among_the_changes_as_soon_as_the_hub_has_heard_of_it(open_shop):
    copy = await copied(open_shop)
    before = dict(copy.versions)
    assert copy.why(FR_OWN, "GROUND", open_shop.clock()) is None

    await open_shop.at("FR", "registry").ask(OPT_OUT)
    await open_shop.silence()
    await followed(open_shop, copy)

    at = open_shop.clock()
    assert copy.why(FR_OWN, "GROUND", at) == "OPTED_OUT"
    assert {url: copy.why(url, "GROUND", at) for url in URLS} == await answers(
        open_shop, "GROUND", at
    )
    assert copy.versions == before | {"FR": before["FR"] + 1}
