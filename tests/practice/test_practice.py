"""The practice federation is started by whatever starts programs, and taken up where it stood."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from federation.errors import RefusalError
from federation.practice.command import request
from federation.practice.servers import UNDER_WAY, NotResumableError, practising
from federation.runs.worklist import AT_NODE

BINARIES = Path(sys.executable).parent
SECONDS_MAX = 120


async def started(folder, act, entered):
    """Start it as a process; return it once it says that it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "federation.cli", "practice", act, str(folder)),
        stdin=entered,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS_MAX):
        lines = [await process.stdout.readline()]
        while lines[-1] and b"Ctrl-C" not in lines[-1]:
            lines.append(await process.stdout.readline())
    assert lines[-1], b"".join(lines)
    return process


async def ended(process):
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(SECONDS_MAX):
        rest = await process.stdout.read()
        return await process.wait(), rest


async def alice(folder, *command):
    process = await asyncio.create_subprocess_exec(
        *(str(folder / "as"), "alice", "federation", *command),
        env={**os.environ, "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.slow  # that it starts, the first chapter of the handbook tells in make test
async def test_it_runs_without_a_terminal_and_goes_on_after_ctrl_c(tmp_path):
    folder = tmp_path / "pz"
    first = await started(folder, "start", subprocess.DEVNULL)
    day = await alice(folder, "practice", "day", "2026-10-01", "--dir", str(folder))
    cut_off = await alice(folder, "month", "cut-off", "2026-09")
    before = await alice(folder, "month", "runs")
    assert (day[0], cut_off[0], before[0]) == (0, 0, 0), (day, cut_off)
    assert await ended(first) == (0, b"")

    second = await started(folder, "resume", subprocess.DEVNULL)
    _, reports = await alice(folder, "month", "reports", "2026-09")
    said = await alice(folder, "practice", "day", "2026-09-30", "--dir", str(folder))
    small = await alice(folder, "practice", "down", "fr", "--dir", str(folder))
    busy = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "federation.cli", "practice", "resume", str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )

    with pytest.raises(RefusalError) as unknown:
        await asyncio.to_thread(request, folder, "sleep")

    assert unknown.value.code == "BAD_REQUEST"
    assert re.findall(r"│ (DE|FR|GB) ", reports) == ["DE", "FR", "GB"]
    assert said == (2, "federation: BAD_DAY: Days only pass forward. (it is 2026-10-01 already)\n")
    assert small[0] == 2
    assert small[1].endswith(" or it is already so. (fr; the nodes are DE, FR, GB)\n")
    assert (busy.returncode, busy.stderr[:26]) == (2, "federation: NOT_RESUMABLE:")
    assert await ended(second) == (0, b"")


def test_practice_reads_in_the_work_list_that_a_node_is_at_work():
    at_work = {state for state, does in AT_NODE.items() if f"FR {does}".endswith(UNDER_WAY)}

    assert at_work == {"CUT_OFF", "COMPLETE"}


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_folder_without_a_practice_is_not_resumed(tmp_path, is_there):
    folder = tmp_path / "pz"
    if is_there:
        folder.mkdir()

    with pytest.raises(NotResumableError):
        async with practising(folder, is_new=False):
            raise AssertionError("it runs")

    assert list(tmp_path.rglob("*")) == ([folder] if is_there else [])
