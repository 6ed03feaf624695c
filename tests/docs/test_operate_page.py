"""docs/operate.md is carried out from an empty folder on, and names what ends with which code."""

import asyncio
import os
import re
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from federation.cli.exits import BY_CODE, EXIT_REFUSED
from tests.databases import POSTGRES_TOOLS

TEXT = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")


def test_each_exit_code_stands_beside_what_ends_with_it():
    rows = {int(row[1]): row[2] for row in re.finditer(r"^\| (\d+) \|(.*)$", TEXT, re.MULTILINE)}

    assert set(rows) == {0, EXIT_REFUSED, *BY_CODE.values()}
    assert [code for code, exit_code in BY_CODE.items() if f"`{code}`" not in rows[exit_code]] == []


SCRIPT = "".join(re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE))
NAMES = ("hub", "gb", "de", "gb_again")


def on_free_ports(script):
    """Have the servers of a script listen where nobody else does."""
    with ExitStack() as stack:
        for port in ("8800", "8801", "8802"):
            taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            script = script.replace(port, f"{taken.getsockname()[1]}")
    return script


@pytest.fixture
async def machine(postgres):
    """The environment of somebody who may make databases: they are dropped at the end."""
    async with postgres.url(migrated=False) as url:
        at = make_url(url)
        yield {
            **{name: value for name, value in os.environ.items() if name[:3] != "FED"},
            "PATH": f"{Path(sys.executable).parent}:{POSTGRES_TOOLS}:{os.environ['PATH']}",
            "PGHOST": str(at.query["host"]),
            "PGUSER": "postgres",
        }
        connection = await asyncpg.connect(
            host=at.query["host"], user="postgres", database="postgres"
        )
        for name in NAMES:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.close()


@pytest.mark.slow
async def test_the_page_leads_from_an_empty_machine_to_a_hub_and_two_nodes(machine, tmp_path):
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", on_free_ports(SCRIPT)),
        cwd=tmp_path,
        env=machine,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = b""
        async with asyncio.timeout(900):
            while (
                len(re.findall(rb"(?m)^\w+ +peer HUB .*\n", said)) < 3
            ):  # at both nodes, and at one out of its backup
                part = await shell.stdout.read(65_536)
                if not part:
                    break
                said += part
            text = said.decode()
        assert "wrong " not in text, text
        assert text.count("peer GB") == text.count("peer DE") == 1
        assert len(re.findall(r"^ok +peer HUB", text, re.MULTILINE)) == 3
        assert re.search(r"^This is https://gb\.example as of 20", text, re.MULTILINE)
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        await shell.wait()
