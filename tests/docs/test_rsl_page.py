"""The commands of docs/rsl.md are carried out in their order, at a hub and a node."""

import asyncio
import re
import shlex
import subprocess
from pathlib import Path

import aiohttp
import msgspec
import pytest
from click.testing import CliRunner

from federation.cli.main import cli
from federation.oauth.asked import INVALID_CLIENT, INVALID_REQUEST
from federation.oauth.olp import ERRORS
from federation.rsl.words import USAGE_OF, USAGES
from federation.values.party import HUB
from tests.federation.market import Client, open_market

TEXT = (Path(__file__).parents[2] / "docs" / "rsl.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith(("curl ", "federation "))
]
[TAKING] = re.findall(r"^python3 -c .*$", TEXT, re.MULTILINE)
PRINTED = re.findall(r"^\{.*\}$", TEXT, re.MULTILINE)
PRESS = "https://press.example"
HERE = {  # the member and the site of the page, and those here
    "NODE_URL/sites/M-17": "NODE_URL/sites/gb-b",
    "olp/GB/M-17": "olp/GB/gb-b",
    "pub.example": "press.example",
}


def as_here(text, known):
    for there, here in (HERE | known).items():
        text = text.replace(there, here)
    return text


def who_does(words):
    """Whose token a command is carried out with, and in which role."""
    if {"confirm", "confirm-invitation"} & {*words}:
        return "second-operator", "federation_operator"
    if "people" in words:
        return "operator", "federation_operator"
    is_registering = any("registerLicensee" in word for word in words)
    return ("licensing", "licensing_officer") if is_registering else ("buyer@lab-three", "lab")


async def curl(market, words, known):
    """Do what curl would with these words."""
    text = as_here(words[-1], {})
    hosts = {"$FEDERATION_URL": HUB, "$NODE_URL": "GB"}
    [(host, code)] = [each for each in hosts.items() if text.startswith(each[0])]
    url = text.replace(host, market.small.running[code].url)
    form, headers, body = {}, {}, None
    for option, value in zip(words[1:-1:2], words[2:-1:2], strict=True):
        match option:
            case "-u":
                assert value == "CLIENT:SECRET"
                basic = aiohttp.encode_basic_auth(known["CLIENT"], known["SECRET"])
                headers["Authorization"] = basic
            case "--oauth2-bearer":
                assert value == "$FEDERATION_TOKEN"
                headers["Authorization"] = f"Bearer {known['FEDERATION_TOKEN']}"
            case "--json":
                headers["Content-Type"] = "application/json"
                body = as_here(value, {"OFFER": known.get("OFFER", "")})
            case "--data-urlencode":
                name, mark, rest = re.fullmatch(r"(\w+)([=@])(.*)", value).groups()
                form[name] = known.get(rest, as_here(rest, {})) if mark == "=" else known[rest]
            case _:
                assert option == "-o"
    method = "POST" if form or body else "GET"
    asked = market.small.http.request(method, url, data=form or body, headers=headers)
    async with asked as answer:
        return answer.status, await answer.read()


async def federation(market, words, known):
    """Do what the command would; the numbers that it printed before are put in."""
    names = {
        "FEDERATION_URL": market.small.running[HUB].url,
        "FEDERATION_TOKEN": known["FEDERATION_TOKEN"],
    }

    def invoke():
        asked = [known.get(word, word) for word in words[1:]]
        return CliRunner().invoke(cli, [*asked, "--json"], env=names, standalone_mode=False)

    result = await asyncio.to_thread(invoke)
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout)


@pytest.fixture
async def market(sqlite, tmp_path):
    async with open_market(sqlite, tmp_path) as found:
        yield found


def first_licence(body, folder):
    """Take the licence out of a document as the page does."""
    (folder / "license.xml").write_bytes(body)
    subprocess.run(TAKING, shell=True, cwd=folder, check=True)  # noqa: S602 - the page's own line
    return (folder / "license.txt").read_text(encoding="utf-8")


async def test_a_lab_with_nothing_gets_a_licence_and_a_token_by_every_command_of_the_page(
    market, tmp_path
):
    known, answers = {}, []
    for words in COMMANDS:
        known["FEDERATION_TOKEN"] = market.small.running[HUB].tokens.sign(*who_does(words))
        if words[:2] == ["federation", "people"]:
            made = await federation(market, words, known)
            number = made.get("invitation", made).get("id", "")
            known |= {"PROPOSAL": f"{number}", "INVITATION": f"{number}"}
            continue
        if words[0] == "federation":
            made = await federation(market, words, known)
            known |= {"CLIENT": made["client"]["id"], "SECRET": made["secret"]}
            market.clients["new"] = Client(known["CLIENT"], known["SECRET"])
            status, refused, _ = await market.buy(HUB, "GB/gb-b", client="new", resource=PRESS)
            assert (status, refused["error"]) == (400, "invalid_license")
            assert market.buy_at in refused["error_description"]
            continue
        status, body = await curl(market, words, known)
        assert status == 200, (words, body)
        if b'"requestQuote":' in body:
            known["OFFER"] = msgspec.json.decode(body)["data"]["requestQuote"]["id"]
            body = body.replace(known["OFFER"].encode(), b"OFFER")
        if b'"acceptOffer":' in body:
            await market.small.silence()
        if words[-1].endswith("license.xml"):
            known["license.txt"] = await asyncio.to_thread(first_licence, body, tmp_path)
        if words[-1].endswith("/token"):
            known["TOKEN"] = msgspec.json.decode(body)["access_token"]
        answers.append(body)

    registered, counter, quoted, accepted, _, robots, tdmrep, sold, said = answers
    assert msgspec.json.decode(counter)["usages"] == ["ai-train", "ai-input"]
    assert robots.count(b"License: ") == 1
    assert msgspec.json.decode(tdmrep)[0]["tdm-reservation"] == 1
    sold = {**msgspec.json.decode(sold), "access_token": "eyJ…"}
    told = map(msgspec.json.decode, (registered, quoted, accepted))
    found = [*({"data": each["data"]} for each in told), sold]  # the page leaves out what it cost
    assert found == [msgspec.json.decode(each) for each in PRINTED]
    assert msgspec.json.decode(said)["permitted"] is True


def test_the_page_names_every_error_and_every_use():
    words = {*ERRORS.values(), INVALID_CLIENT, INVALID_REQUEST, "unsupported_grant_type"}

    assert {word for word in words if f"| `{word}` |" in TEXT} == words
    names = {*USAGE_OF, *USAGES}
    assert {name for name in names if f"`{name}`" in TEXT} == names
