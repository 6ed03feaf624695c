"""Usage on disk, as the JavaScript gate keeps it: through crashes, torn lines and full disks."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from federation.gate.spool import Spool
from tests.kit.javascript import in_node, needs_node

SITE = Path(__file__).with_name("crashing_site.mjs")
MOMENTS = ["torn", "after append", "after freeze", "after send", "while sending the second"]
pytestmark = needs_node


def run(folder, moment):
    return subprocess.run(["node", str(SITE), str(folder), moment], check=False).returncode


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_crash_anywhere_loses_nothing_and_sends_each_batch_under_one_key(tmp_path, moment):
    assert run(tmp_path, moment) == -signal.SIGKILL
    assert run(tmp_path, "never") == 0

    attempts = {}
    for path in (tmp_path / "node").iterdir():
        attempts.setdefault(path.name.partition(".")[0], set()).add(path.read_bytes())
    assert [len(bodies) for bodies in attempts.values()] == [1, 1, 1]  # the same bytes each time
    lines = [json.loads(line) for [body] in attempts.values() for line in body.splitlines()]
    assert sorted(int(line["event_id"][6:]) for line in lines) == list(range(25))
    assert [path.name for path in (tmp_path / "spool").iterdir()] == []


def test_the_python_gate_reads_the_batches_that_javascript_left(tmp_path):
    run(tmp_path, "after freeze")

    batches = Spool(tmp_path / "spool").batches()

    assert [batch.id for batch in batches] == sorted(path.stem for path in tmp_path.glob("spool/*"))
    assert sum(len(batch.read().splitlines()) for batch in batches) == 25


def in_spool(folder, script):
    """Run a few lines that know the spool and its folder."""
    head = 'import { Spool } from "SRC/node/spool.js";\nimport * as fs from "node:fs";\n'
    return in_node(f'{head}const folder = "{folder}";\n{script}')


REFUSAL = """
const refusal = async (act) => act().then(() => null, (error) => [error.code, error.detail]);
"""


def test_a_full_spool_takes_no_line_and_room_comes_with_the_receipt(tmp_path):
    said = in_spool(
        tmp_path / "spool",
        REFUSAL
        + """
        const spool = new Spool(folder, { bytesMax: 16 });
        const first = await refusal(() => spool.append("0123456789"));
        const second = await refusal(() => spool.append("0123456789"));
        const before = spool.hasRoom(10);
        const [batch] = await spool.batches();
        const text = new TextDecoder().decode(await batch.read());
        spool.acknowledge(batch.id);
        console.log(JSON.stringify([first, second, before, text, spool.hasRoom(10)]));
        """,
    )

    assert said == [None, ["SPOOL_FULL", "11 of 16 bytes"], False, "0123456789\n", True]


def test_a_failing_disk_refuses_in_the_words_of_the_system(tmp_path):
    said = in_spool(
        tmp_path / "spool",
        REFUSAL
        + """
        const spool = new Spool(folder);
        fs.rmdirSync(folder);
        const gone = await refusal(() => spool.append("x"));
        fs.writeFileSync(folder, "");
        const file = await refusal(() => spool.append("x"));
        fs.rmSync(folder);
        fs.mkdirSync(folder);
        const back = await refusal(() => spool.append("x"));
        console.log(JSON.stringify([gone, file, back, (await spool.batches()).length]));
        """,
    )

    missing, file = "No such file or directory", "Not a directory"
    assert said == [["USAGE_NOT_RECORDED", missing], ["USAGE_NOT_RECORDED", file], None, 1]


def test_lines_written_at_once_are_all_there_and_whole(tmp_path):
    said = in_spool(
        tmp_path / "spool",
        """
        const spool = new Spool(folder, { batchLines: 7 });
        const lines = Array.from({ length: 100 }, (_, number) => `line-${number}`);
        await Promise.all(lines.map((line) => spool.append(line)));
        const found = [];
        for (const batch of await spool.batches()) {
          found.push(new TextDecoder().decode(await batch.read()).split("\\n").slice(0, -1));
        }
        console.log(JSON.stringify(found));
        """,
    )

    assert {len(batch) for batch in said} <= {7, 2}
    assert sorted(line for batch in said for line in batch) == sorted(
        f"line-{n}" for n in range(100)
    )


def test_of_two_that_send_only_one_does_and_a_dead_ones_turn_is_over(tmp_path):
    said = in_spool(
        tmp_path / "spool",
        """
        const [one, other] = [new Spool(folder), new Spool(folder)];
        const within = await one.sending(async () => other.sending(async () => "second"));
        const after = await other.sending(async () => "second");
        fs.writeFileSync(`${folder}/999999999-1-0-0.sending`, "");
        const left = await other.sending(async () => "third");
        console.log(JSON.stringify([within, after, left]));
        """,
    )

    assert said == [None, "second", "third"]
