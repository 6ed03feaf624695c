"""The commands of docs/rsl.md are carried out in their order, at a hub and a node."""

import asyncio
import re
import shlex
import subprocess
from pathlib import Path

import aiohttp
import msgspec
import pytest

from federation.oauth.asked import INVALID_CLIENT, INVALID_REQUEST
from federation.oauth.olp import ERRORS
from federation.rsl.words import USAGE_OF, USAGES
from federation.values.party import HUB
from tests.federation.market import open_market

TEXT = (Path(__file__).parents[2] / "docs" / "rsl.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("curl ")
]
[TAKING] = re.findall(r"^python3 -c .*$", TEXT, re.MULTILINE)


async def curl(market, words, known):
    """Do what curl would with these words; the member and site of the page are those here."""
    member = {"gb.example/sites/M-17": "gb.example/sites/gb-b", "olp/GB/M-17": "olp/GB/gb-b"}
    text = words[-1]
    for there, here in member.items():
        text = text.replace(there, here)
    hosts = {"https://hub.example": HUB, "https://gb.example": "GB"}
    [(host, code)] = [each for each in hosts.items() if text.startswith(each[0])]
    url = text.replace(host, market.small.running[code].url)
    form, headers = {}, {}
    for option, value in zip(words[1:-1:2], words[2:-1:2], strict=True):
        if option == "-u":
            basic = aiohttp.encode_basic_auth(known["CLIENT"], known["SECRET"])
            headers["Authorization"] = basic
            assert value == "CLIENT:SECRET"
        elif option != "-o":
            assert option == "--data-urlencode"
            name, mark, rest = re.fullmatch(r"(\w+)([=@])(.*)", value).groups()
            here = rest.replace("pub.example", "press.example")
            form[name] = known.get(rest, here) if mark == "=" else known[rest]
    method = "POST" if form else "GET"
    async with market.small.http.request(method, url, data=form or None, headers=headers) as answer:
        return answer.status, await answer.read()


@pytest.fixture
async def market(sqlite, tmp_path):
    async with open_market(sqlite, tmp_path) as found:
        yield found


def first_licence(body, folder):
    """Take the licence out of a document as the page does."""
    (folder / "license.xml").write_bytes(body)
    subprocess.run(TAKING, shell=True, cwd=folder, check=True)  # noqa: S602 - the page's own line
    return (folder / "license.txt").read_text(encoding="utf-8")


async def test_every_command_does_what_the_page_says(market, tmp_path):
    client = market.clients["one"]
    known = {"CLIENT": client.id, "SECRET": client.secret}
    answers = []
    for words in COMMANDS:
        status, body = await curl(market, words, known)
        assert status == 200, (words, body)
        answers.append(body)
        if words[-1].endswith("license.xml"):
            known["license.txt"] = await asyncio.to_thread(first_licence, body, tmp_path)
        if words[-1].endswith("/token"):
            known["TOKEN"] = msgspec.json.decode(body)["access_token"]

    counter, _, robots, tdmrep, sold, said = answers
    assert msgspec.json.decode(counter)["usages"] == ["ai-train", "ai-input"]
    assert robots.count(b"License: ") == 1
    assert msgspec.json.decode(tdmrep)[0]["tdm-reservation"] == 1
    [printed] = re.findall(r'^\{"access_token.*\}$', TEXT, re.MULTILINE)
    assert {**msgspec.json.decode(sold), "access_token": "eyJ…"} == msgspec.json.decode(printed)
    assert msgspec.json.decode(said)["permitted"] is True


def test_the_page_names_every_error_and_every_use():
    words = {*ERRORS.values(), INVALID_CLIENT, INVALID_REQUEST, "unsupported_grant_type"}

    assert {word for word in words if f"| `{word}` |" in TEXT} == words
    names = {*USAGE_OF, *USAGES}
    assert {name for name in names if f"`{name}`" in TEXT} == names
