"""A site is installed with one code of its collective: at a real node, over HTTP."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from federation.access.wire import Call, UnreachableError, fetch
from federation.publisher.command import main
from federation.publisher.doctor import Finding, examine
from federation.publisher.installing import (
    ClockApartError,
    NotEnrolledError,
    WrongNodeError,
    install,
)
from federation.signing.enrolment import SiteCode, read_code
from federation.signing.keys import SigningKey
from federation.site.install import protect
from federation.site.settings import SettingsError, read_settings, read_site
from tests.federation.harness import DAY, resumed
from tests.federation.site_clients import press, visit

CODE = """mutation($member: String, $origins: [String!]!) {
  issueSiteCode(member: $member, origins: $origins) {
    ... on SiteCode { code member warnings } ... on Refused { code } } }"""
CLIENTS = "{ clients { edges { node { id kind party credentials { id } } } } }"


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(DAY)
        yield found


async def code_of(small):
    made = await small.at("GB", "registry").ask(
        CODE, member="gb-b", origins=["https://press.example"]
    )
    assert (made["member"], made["warnings"]) == ("gb-b", [])
    return made["code"]


async def test_an_origin_under_no_claim_is_named_with_the_claim_that_is_missing(small):
    origins = ["https://press.example", "https://www.press.example", "http://press.example:5000"]

    made = await small.at("GB", "registry").ask(CODE, member="gb-b", origins=origins)

    why = "nothing is earned there before the member claims"
    assert made["warnings"] == [
        f"https://www.press.example: {why} www.press.example/",
        f"http://press.example:5000: {why} press.example:5000/",
    ]
    assert read_code(made["code"]).node == small.running["GB"].url


def at(small, fetch=fetch, **by):
    """A way to a node whose clock goes as those of the test do, or apart by so much."""

    def fetched(call):
        answer = fetch(call)
        date = format_datetime(small.clock() + timedelta(**by), usegmt=True)
        return answer._replace(headers={**answer.headers, "date": date})

    return fetched


async def installed(small, code, path, *, fetch=fetch):
    return await asyncio.to_thread(install, code, path, clock=small.clock, fetch=at(small, fetch))


async def test_one_code_installs_a_site_that_serves_and_reports(small, tmp_path):
    path = tmp_path / "federation-site.json"
    code = await code_of(small)

    said = await installed(small, code, path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert read_settings(path) == said
    assert (said.member, said.origins) == ("gb-b", ("https://press.example",))
    assert list(said.node_keys) == [small.key("GB").public_jwk()]
    assert list(said.hub_keys) == [small.key("HUB").public_jwk()]
    site = replace(read_site(path), clock=small.clock)
    gate = protect(press, site)
    await asyncio.to_thread(gate.background.rounds["policy"].act)
    assert await visit(small, gate) == 200
    await asyncio.to_thread(gate.background.stop)

    again = tmp_path / "again.json"
    with pytest.raises(NotEnrolledError, match="HTTP 401 BAD_SITE_CODE"):
        await installed(small, code, again)
    assert not again.exists()
    clients = await small.at("GB", "registry").rows(CLIENTS)
    assert [each["party"] for each in clients if each["id"] == said.client.id] == ["gb-b"]


async def test_a_wrong_node_is_not_told_the_secret(small, tmp_path):
    code = read_code(await code_of(small))
    path, told = tmp_path / "federation-site.json", []

    def watched(call):
        told.append((call.method, call.body))
        return fetch(call)

    other = SiteCode(code.node, code.secret, (SigningKey.generate().kid,)).written()
    with pytest.raises(WrongNodeError):
        await installed(small, other, path, fetch=watched)

    assert told == [("GET", b"")]
    assert not path.exists()
    assert (await installed(small, code.written(), path)).member == "gb-b"


async def test_a_file_that_is_there_costs_no_code(small, tmp_path):
    path = tmp_path / "federation-site.json"
    path.write_text("{}", encoding="utf-8")
    code = await code_of(small)

    with pytest.raises(SettingsError, match="move it away"):
        await installed(small, code, path)
    path.unlink()
    assert (await installed(small, code, path)).member == "gb-b"


@pytest.mark.parametrize("place", ["a file/site.json", "a folder", "a file"])
async def test_where_nothing_can_be_written_no_code_is_spent(small, tmp_path, place):
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    code, asked = await code_of(small), []
    with pytest.raises(SettingsError, match=place.partition("/")[0]):
        await installed(small, code, tmp_path / place, fetch=asked.append)

    assert asked == []
    assert (await installed(small, code, tmp_path / "site.json")).member == "gb-b"


@pytest.mark.parametrize("by", [{"seconds": 62}, {"days": -1}])
async def test_a_clock_that_goes_apart_is_said_before_the_code_is_spent(small, tmp_path, by):
    code, path = await code_of(small), tmp_path / "federation-site.json"
    here, there = small.clock(), small.clock() + timedelta(**by)
    with pytest.raises(ClockApartError) as refused:
        await asyncio.to_thread(install, code, path, clock=small.clock, fetch=at(small, **by))

    assert all(f"{each:%Y-%m-%d %H:%M:%S} UTC" in str(refused.value) for each in (here, there))
    assert not path.exists()
    assert (await installed(small, code, path)).member == "gb-b"


async def test_an_answer_of_another_time_is_not_called_a_token(small, tmp_path):
    """Where the node says no time before."""
    code, path = await code_of(small), tmp_path / "federation-site.json"

    def silent(call):
        return fetch(call)._replace(headers={})

    with pytest.raises(ClockApartError, match="the same command again"):
        await asyncio.to_thread(
            install, code, path, clock=lambda: small.clock() + timedelta(hours=1), fetch=silent
        )
    assert not path.exists()
    assert (await installed(small, code, path)).member == "gb-b"


async def test_an_answer_that_was_lost_is_given_again_to_that_site_alone(small, tmp_path):
    code, path = await code_of(small), tmp_path / "federation-site.json"
    lost = []

    def losing(call):
        answer = fetch(call)
        if call.method == "POST":
            lost.append(call.body)
            raise UnreachableError("ConnectionResetError")
        return answer

    with pytest.raises(NotEnrolledError, match="the same command again"):
        await installed(small, code, path, fetch=losing)
    assert [each.name for each in tmp_path.iterdir()] == ["federation-site.json.begun"]
    assert (tmp_path / "federation-site.json.begun").stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotEnrolledError, match="used, is over, or is wrong: ask your"):
        await installed(small, code, tmp_path / "elsewhere" / "federation-site.json")
    said = await installed(small, code, path)

    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == [path.name]
    bits = json.loads(lost[0])["bits"]
    clients = await small.at("GB", "registry").rows(CLIENTS)
    made = [each for each in clients if each["party"] == "gb-b" and each["kind"] == "SITE"]
    assert [each["id"] for each in made if each["id"] == said.client.id] == [said.client.id]
    [credential] = next(each["credentials"] for each in made if each["id"] == said.client.id)
    assert said.client.secret == f"cc_{credential['id']}_{bits}"


async def test_bits_that_are_none_make_no_client(small):
    code = read_code(await code_of(small))
    before = await small.at("GB", "registry").rows(CLIENTS)
    url = f"{small.running['GB'].url}/sites/enrol"
    for bits in ("", "a" * 42, "a" * 44, "a" * 42 + "!", "a" * 43 + "\n", 1):
        body = json.dumps({"secret": code.secret, "bits": bits}).encode()
        answer = await asyncio.to_thread(fetch, Call("POST", url, {}, body))
        assert (answer.status, json.loads(answer.body)["code"]) == (422, "BAD_BODY")

    assert await small.at("GB", "registry").rows(CLIENTS) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BAD_BODY"),
        (b'{"secret": 1}', "BAD_BODY"),
        (b'{"secret": "x", "more": 1}', "BAD_BODY"),
        (b'{"secret": "x"}', "BAD_SITE_CODE"),
    ],
)
async def test_what_is_no_code_makes_no_client(small, body, code):
    before = await small.at("GB", "registry").rows(CLIENTS)
    url = f"{small.running['GB'].url}/sites/enrol"

    answer = await asyncio.to_thread(fetch, Call("POST", url, {}, body))

    assert (answer.status // 100, json.loads(answer.body)["code"]) == (4, code)
    assert await small.at("GB", "registry").rows(CLIENTS) == before


async def looked_at(site):
    """What the doctor finds, of each thing the first that is wrong."""
    found = {}
    for each in await asyncio.to_thread(lambda: [*examine(site)]):
        if found.setdefault(each.what, each).is_well:
            found[each.what] = each
    return found


async def test_the_doctor_says_of_each_thing_whether_it_works(small, tmp_path):
    path = tmp_path / "federation-site.json"
    await installed(small, await code_of(small), path)
    site = replace(read_site(path), clock=small.clock)
    gate = protect(press, site)
    await asyncio.to_thread(gate.background.rounds["policy"].act)
    transport = httpx.ASGITransport(gate)

    def at_the_site(call):
        """Ask the node itself, and the site through its gate."""
        if not call.url.startswith("https://press.example"):
            return fetch(call)

        async def get():
            async with httpx.AsyncClient(transport=transport) as client:
                return await client.get(call.url, headers=call.headers)

        found = asyncio.run(get())
        return type(fetch_answer)(found.status_code, dict(found.headers), found.content)

    fetch_answer = await asyncio.to_thread(fetch, Call("GET", f"{site.node}/health/live", {}))
    findings = await asyncio.to_thread(lambda: [*examine(replace(site, fetch=at_the_site))])

    told = {finding.what: finding for finding in findings}
    assert [each.what for each in findings] == [
        "node",
        "clock",
        "credential",
        "keys",
        "disk",
        "https://press.example",
        "https://press.example",
        "policy",
    ]
    wrong = {what for what, finding in told.items() if not finding.is_well}
    assert wrong <= {"clock", "policy"}  # the node's day is not today's
    policy = tmp_path / "state" / "policy.jwt"
    policy.rename(tmp_path / "aside")
    unclaimed = replace(
        site, fetch=at_the_site, origins=[*site.origins, "https://press.example:8443"]
    )
    told = await looked_at(unclaimed)
    assert told["policy"] == Finding("policy", "none on disk yet: it comes with the first request")
    assert [str(each) for each in told.values() if not each.is_well and each.what != "clock"] == [
        (
            "WRONG https://press.example:8443: none of your claims reaches https://press.example:8443"
            " - claim https://press.example:8443 at your collective, or take it out of origins"
        )
    ]
    gate.gate.config.visits.add_up()
    counted = {row.agent for row in gate.gate.config.visits.untold()[1]}
    assert counted == {"federation-site-doctor"}
    (tmp_path / "aside").rename(policy)
    stranger = replace(site.client, secret="cc_" + "0" * 40)
    told = await looked_at(replace(site, fetch=at_the_site, client=stranger))
    assert "new code" in told["credential"].advice
    assert str(told["keys"]).startswith("?     keys: not checked: without a credential")
    broken = replace(site, node_jwks=[SigningKey.generate().public_jwk()], fetch=at_the_site)
    (broken.directory / "keys.json").unlink(missing_ok=True)
    keys = (await looked_at(broken))["keys"]
    assert keys.found.startswith("INVALID_TOKEN: ")
    assert "compare node_keys" in keys.advice
    await asyncio.to_thread(gate.background.stop)


PAGE = (Path(__file__).parents[2] / "docs" / "publishers.md").read_text(encoding="utf-8")
_, INSTALL = PAGE.split("\n## Get your code\n")  # tests/practice does what comes before
SHELL = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", INSTALL, re.DOTALL)
    for line in block.splitlines()
]
PROGRAMS = re.findall(r"```python\n(.*?)```", INSTALL, re.DOTALL)
DJANGO = """
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x")
"""
SAYS_ORIGINS = """
gate = globals().get("application") or app
print(getattr(gate, "wsgi_app", gate).gate.config.origins)
"""


def ran(program):
    words = [sys.executable, "-c", program]
    return subprocess.run(words, capture_output=True, check=False, text=True)


async def test_the_commands_of_the_page_for_publishers_do_what_it_says(
    small, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "access.log").touch()
    monkeypatch.setattr(
        "federation.publisher.command.install", partial(install, clock=small.clock, fetch=at(small))
    )
    code, outcomes = await code_of(small), []
    for words in [words for words in SHELL if words[0] == "federation-site"]:
        arguments = [code if word == "CODE" else word for word in words[1:]]
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, arguments)
        outcomes.append((words[1], ended.value.code))

    assert outcomes == [
        ("init", 0),
        ("nginx-map", 0),
        ("logs", 0),
        ("doctor", 1),  # no site is up yet
        ("robots", 0),
    ]
    told = capsys.readouterr().out
    assert f"License: {small.running['GB'].url}/sites/gb-b/license.xml\n" in told
    assert "map $http_authorization $federation_is_crawler {" in told
    assert "all: 0 new lines, 0 counted as usage" in told
    assert [words[0] for words in SHELL] == [
        "federation",
        "pip",
        *["federation-site"] * 5,
    ]
    for text in PROGRAMS:
        done = await asyncio.to_thread(ran, f"{DJANGO}{text}{SAYS_ORIGINS}")
        assert (done.returncode, done.stdout) == (0, "('https://press.example',)\n"), done.stderr
