"""The JavaScript gate at a real node: policy, visits, report, each page once in its books."""

import json

import aiohttp
import pytest_asyncio
from sqlalchemy import select

from federation.metering.tables import Line
from tests.federation.harness import DAY, resumed, soon
from tests.federation.site_clients import ISSUE, MINT
from tests.kit.javascript import needs_node
from tests.site.stacks.runner import STACKS, Server

BOT = {"Host": "press.example", "User-Agent": "GPTBot/1.2"}
pytestmark = needs_node


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


async def config_at(small):
    made = await small.at("GB", "registry").ask(ISSUE, party="gb-b", publicKey=None)
    return {
        "version": 1,
        "node": small.running["GB"].url,
        "member": "gb-b",
        "node_keys": [small.key("GB").public_jwk()],
        "hub_keys": [small.key("HUB").public_jwk()],
        "client": {"id": made["client"]["id"], "secret": made["secret"]},
        "origins": ["https://press.example"],
    }


async def counted(small):
    async with small.databases["GB"].read() as session:
        found = await session.execute(select(Line.url, Line.units, Line.use).order_by(Line.url))
        return [tuple(row) for row in found]


async def test_each_page_that_is_served_is_in_the_nodes_books_once(small, tmp_path, monkeypatch):
    """The gate of one member; its clock is that of the federation, its node knows no other."""
    file = tmp_path / "federation-site.json"
    file.write_text(json.dumps(await config_at(small)), "utf-8")
    file.chmod(0o600)
    monkeypatch.setenv("SECOND", str(int(DAY.timestamp())))
    server = Server(STACKS["node"], tmp_path, node=None, site="plain", file=file)
    server.start()
    minted = await small.lab("lab-one").ask(MINT)
    shown = {"Authorization": f"License {minted['token']}", "X-Licence-Use": "TRAIN"}

    async def ask(page, headers):
        url = f"http://127.0.0.1:{server.port}{page}"
        async with small.http.get(url, headers=BOT | headers) as answer:
            return answer.status, await answer.read()

    async def is_ready():
        try:
            return (await ask("/a", shown))[0] == 200
        except aiohttp.ClientError:
            return False

    try:
        await soon(is_ready, what="a gate that holds its policy")
        refused = await ask("/b", {})
        served = [await ask(page, shown) for page in ("/b", "/c?d=1", "/missing", "/stream")]
    finally:
        server.stop()
    server.start()  # what the first process left is handed in at once
    try:
        await soon(lambda: is_in_books(small, 4), what="usage in the node's books")
    finally:
        server.stop()

    assert (refused[0], json.loads(refused[1])["code"]) == (401, "LICENCE_REQUIRED")
    assert [status for status, _ in served] == [200, 200, 404, 200]
    pages = ["/a", "/b", "/c?d=1", "/stream"]
    assert await counted(small) == [(f"https://press.example{page}", 1, "TRAIN") for page in pages]


async def is_in_books(small, lines):
    return len(await counted(small)) >= lines
