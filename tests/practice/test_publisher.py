"""What docs/publishers.md begins with is carried out: from nothing to a licensed page."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from federation.access.wire import Call, fetch
from federation.errors import RefusalError
from federation.practice.publisher import PracticeNotStartedError, practising
from federation.practice.publisher_page import told
from federation.practice.servers import FolderNotEmptyError
from federation.publisher.installing import NotEnrolledError, install
from federation.scenario.client import nodes_of, until
from federation.signing.enrolment import read_code
from federation.site.install import gate_of

PAGE = (Path(__file__).parents[2] / "docs" / "publishers.md").read_text(encoding="utf-8")
_, TRY, _ = re.split(r"\n## (?:Try it first|Get your code)\n", PAGE)
SHELL = [
    line for block in re.findall(r"```sh\n(.*?)```", TRY, re.DOTALL) for line in block.splitlines()
]
[PROGRAM] = re.findall(r"```python\n(.*?)```", TRY, re.DOTALL)
START, _ = re.findall(r"```text\n(.*?)\n```", TRY, re.DOTALL)  # the other is tests/kit's
SECONDS_MAX = 120


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def may_be_interrupted():
    """Heed SIGINT also where a shell that runs the tests in its background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


async def begun(command, folder, **options):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return await asyncio.create_subprocess_exec(
        *("sh", "-c", command),
        cwd=folder,
        env={**os.environ, "PATH": path},
        preexec_fn=may_be_interrupted,
        **options,
    )


async def done(command, folder):
    pipe = asyncio.subprocess.PIPE
    process = await begun(command, folder, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(SECONDS_MAX):
        out, error = await process.communicate()
    assert process.returncode == 0, (command, out, error)
    return out.decode()


async def until_true(found):
    await until(lambda: asyncio.to_thread(found), what="the site")


def answers(url):
    with suppress(httpx.TransportError):
        return httpx.get(url).status_code == 200
    return False


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
async def test_a_newcomer_comes_from_the_page_to_a_licensed_page(tmp_path):
    port = free_port()
    site, folder = tmp_path / "site", tmp_path / "practice"
    site.mkdir()
    (site / "app.py").write_text(PROGRAM, encoding="utf-8")
    async with practising(folder, port) as practice:
        page = told(practice)
        printed = [line.strip() for line in page.splitlines() if line.startswith("  ")]
        init, doctor, terms, taken, bought, fetched, seen, *lab, officer, another = printed[3:]
        assert [line.split(maxsplit=1)[0] for line in SHELL] == [
            *("make", ".venv/bin/federation", "python3", ".", "pip"),
            *("federation-site", "federation-site", "curl"),
        ]
        assert (init, doctor) == (SHELL[5].replace("CODE", practice.code), SHELL[6])
        await done(init, site)
        server = await begun(f"exec {START.replace('8000', str(port))}", site)
        try:
            await until_true(lambda: answers(f"http://127.0.0.1:{port}/"))
            refused = await done(SHELL[7].replace("8000", str(port)), site)
            await until_true((site / "state" / "license.xml").exists)
            await until_true((site / "state" / "policy.jwt").exists)
            looked = await done(doctor, site)
            served = await done(f"{terms}\n{taken}\n{bought}\n{fetched}", site)
            ours = "federation clients list --json"
            clients = await done("\n".join([*lab, ours]), site)
            more = await done(f"{officer}\n{another}", site)
        finally:
            server.send_signal(signal.SIGINT)
            await server.wait()
        _, background = gate_of(site / "federation-site.json")
        await asyncio.to_thread(background.rounds["usage"].act)
        await asyncio.to_thread(background.rounds["visits"].act)
        heard = json.loads(await done(seen, site))["data"]

    assert json.loads(refused)["code"] == "LICENCE_REQUIRED"
    assert f'<content url="{practice.origin}/"' in (site / "license.xml").read_text("utf-8")
    assert [line.split(":")[0] for line in looked.splitlines()] == [
        *("ok    node", "ok    clock", "ok    credential", "ok    keys", "ok    disk"),
        *("ok    http", "ok    http", "ok    policy"),
    ]
    assert [each["id"] for each in json.loads(clients)] == [practice.lab.client]
    [code] = re.findall(r"fs1_[\w-]+", more)
    assert (read_code(code).node, code != practice.code) == (practice.node, True)
    assert served.startswith("HTTP/1.1 200 OK")
    assert served.endswith("\r\n\r\nA page.\n")
    assert [each["waitingLines"] for each in heard["memberSites"]] == ["0"]
    seen = nodes_of(heard["visits"])
    counted = {(row["agent"], row["outcome"]): row["count"] for row in seen}
    assert counted["GPTBot", "SERVED"] == "1"
    assert counted["GPTBot", "LICENCE_REQUIRED"] == "1"


async def test_a_second_start_goes_on_and_its_code_is_another(tmp_path):
    folder = tmp_path / "practice"
    async with practising(folder) as first:
        with pytest.raises(PracticeNotStartedError, match="does it run already"):
            async with practising(folder):
                raise AssertionError("it runs twice")
    with pytest.raises(PracticeNotStartedError, match="is for port 8000: leave --port out"):
        async with practising(folder, 9000):
            raise AssertionError("it runs for another port")
    async with practising(folder) as second:
        said = await asyncio.to_thread(fetch, Call("GET", f"{second.node}/health/live", {}))
        with pytest.raises(NotEnrolledError, match="BAD_SITE_CODE"):
            await asyncio.to_thread(install, first.code, tmp_path / "old.json")
        site = await asyncio.to_thread(install, second.code, tmp_path / "new.json")

    assert (first.is_new, second.is_new, said.status) == (True, False, 200)
    assert (second.hub, second.node, second.lab) == (first.hub, first.node, first.lab)
    assert site.origins == ("http://press.localhost:8000",)
    assert told(second).startswith("It goes on in ")
    for secret in ("publisher.json", "member-token"):
        assert (folder / secret).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("left", ["something.txt", "publisher.json"])
async def test_what_it_did_not_write_whole_it_leaves_alone(tmp_path, left):
    (tmp_path / left).touch()
    with pytest.raises((FolderNotEmptyError, PracticeNotStartedError)) as refused:
        async with practising(tmp_path):
            raise AssertionError("it runs")

    assert isinstance(refused.value, RefusalError)
    assert [path.name for path in tmp_path.iterdir()] == [left]
