"""What the JavaScript gate does about files it cannot use, and about a disk that is full."""

import json
import os
import resource
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.kit.javascript import KIT, in_node, needs_node

NOBODY = 65534
pytestmark = needs_node

HEAD = """
import * as fs from "node:fs";
import { DiskStore } from "SRC/node/disk-store.js";
import { ME } from "SRC/node/owners.js";
import { Reporter } from "SRC/site/reporter.js";
import { VisitCounts } from "SRC/site/visits.js";

const folder = "FOLDER";
const isRoot = process.getuid() === 0;
const [logged, sent] = [[], []];
const log = (line) => logged.push(line);
/** From now on we are a user without rights, and a file is another's. */
const become = () => isRoot && process.seteuid(NOBODY);
const take = (place) => fs.chmodSync(place, isRoot ? 0o600 : 0);
const giveBack = (place) => {
  if (isRoot) process.seteuid(0);
  if (isRoot) fs.chownSync(place, NOBODY, -1);
  become();
  fs.chmodSync(place, 0o600);
};
const made = () => {
  const store = new DiskStore(folder, { log });
  const bearer = { current: async () => "token", refused: () => undefined };
  const ask = async ({ body }) => {
    sent.push(new TextDecoder().decode(body));
    return { status: 202, headers: new Headers(), body: new Uint8Array() };
  };
  return { store, reporter: new Reporter({ store, bearer, ask, log }, { node: "https://node" }) };
};
const mine = (place) => {
  fs.mkdirSync(place, { recursive: true });
  if (isRoot) fs.chownSync(place, NOBODY, -1);
};
const say = (found) => console.log(JSON.stringify({ logged, sent, ...found }));
"""


@pytest.fixture
def folder():
    """A folder of a user without rights."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() == 0:
            os.chown(name, NOBODY, -1)
        yield Path(name)


def run(folder, script):
    head = HEAD.replace("NOBODY", str(NOBODY))
    return in_node((head + script).replace("FOLDER", str(folder)))


LEFT = f"000000000001-{'a' * 32}"


@pytest.mark.parametrize("suffix", [".999999999-1-0-0.open", ".batch"])
def test_usage_of_another_user_holds_up_no_other_and_is_said_once(folder, suffix):
    said = run(
        folder,
        f"""
        const left = `${{folder}}/spool/{LEFT}{suffix}`;
        mine(`${{folder}}/spool`);
        fs.writeFileSync(left, "zero\\n");
        take(left);
        become();
        const {{ store, reporter }} = made();
        await store.append("one");
        const taken = [await store.waiting(), await reporter.tick()];
        await store.append("two");
        taken.push(await reporter.tick());
        giveBack(left);
        taken.push(await store.waiting(), await reporter.tick(), await reporter.tick());
        say({{ taken }});
        """,
    )

    path = folder / "spool" / f"{LEFT}{suffix}"
    assert said["logged"] == [
        f"{path}: Permission denied: set aside, what it holds is not handed in"
    ]
    assert (said["taken"], said["sent"]) == ([1, 1, 1, 1, 1, 0], ["one\n", "two\n", "zero\n"])


def test_what_the_node_took_and_cannot_be_deleted_is_not_sent_again(folder):
    """Here a folder stands in its place, which is not deleted like a file."""
    said = run(
        folder,
        """
        const { store, reporter } = made();
        await store.append("one");
        const [{ id }] = await store.batches();
        const place = `${folder}/spool/${id}.batch`;
        fs.rmSync(place);
        fs.mkdirSync(place);
        await store.acknowledge({ id });
        say({ taken: [await reporter.tick(), await reporter.tick()], place });
        """,
    )

    assert (said["taken"], said["sent"]) == ([0, 0], [])
    [line] = said["logged"]
    assert line.startswith(f"{said['place']}: ")


def test_a_python_gate_s_last_segment_is_handed_in_once_it_is_long_untouched(folder):
    said = run(
        folder,
        f"""
        const {{ reporter }} = made();
        const left = `${{folder}}/spool/{LEFT}.open`;
        fs.writeFileSync(left, "zero\\n");
        const taken = [await reporter.tick()];
        const old = new Date(Date.now() - 601_000);
        fs.utimesSync(left, old, old);
        taken.push(await reporter.tick());
        say({{ taken }});
        """,
    )

    assert (said["taken"], said["sent"]) == ([0, 1], ["zero\n"])


def test_whoever_else_sent_and_is_gone_holds_up_nobody_and_a_living_one_does(folder):
    """The one that is gone was another user, the living one is the process that runs this."""
    said = run(
        folder,
        """
        mine(`${folder}/spool`);
        const gone = `${folder}/spool/999999999-1-0-0.sending`;
        fs.writeFileSync(gone, "");
        take(gone);
        become();
        const { store } = made();
        const found = [await store.spool.sending(async () => "ours")];
        const text = fs.readFileSync(`/proc/${process.ppid}/stat`, "latin1");
        const start = text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
        const there = [process.ppid, start, ...ME.split("-").slice(2)].join("-");
        fs.writeFileSync(`${folder}/spool/${there}.sending`, "");
        found.push(await store.spool.sending(async () => "ours"));
        fs.rmSync(`${folder}/spool/${there}.sending`);
        found.push(await store.spool.sending(async () => "ours"));
        say({ found, left: fs.readdirSync(`${folder}/spool`) });
        """,
    )

    assert (said["found"], said["left"]) == (["ours", None, "ours"], [])


def test_a_spool_that_cannot_be_written_is_said_before_a_page_is_served(folder):
    said = run(
        folder,
        """
        mine(`${folder}/spool`);
        const { store } = made();
        fs.chmodSync(`${folder}/spool`, 0o500);
        if (isRoot) process.setuid(NOBODY);
        const refused = await store.hasRoom().catch(({ code, detail }) => [code, detail]);
        say({ refused });
        """.replace("NOBODY", str(NOBODY)),
    )

    assert said["refused"] == ["USAGE_NOT_RECORDED", "its directory cannot be written"]


def test_counts_of_another_user_are_said_once_and_told_when_they_can_be(folder):
    said = run(
        folder,
        """
        const series = "a".repeat(32);
        const left = `${folder}/visits/${series}.free.json`;
        const row = { day: "2026-09-15", agent: "CCBot", outcome: "SERVED", let_through: false };
        mine(`${folder}/visits`);
        const book = { series, rows: [{ ...row, count: 7 }], untold: [row.day] };
        fs.writeFileSync(left, JSON.stringify(book));
        take(left);
        become();
        const { store } = made();
        const found = [];
        for (let time = 0; time < 3; time += 1) {
          if (time === 2) giveBack(left);
          await store.addVisits([{ ...row, count: 1 }], row.day);
          const told = await store.untoldVisits();
          found.push(told.map(({ counts }) => counts.map(({ count }) => count)));
        }
        say({ found });
        """,
    )

    path = folder / "visits" / f"{'a' * 32}.free.json"
    assert said["logged"] == [f"{path}: Permission denied: set aside, its visits are not told"]
    assert said["found"] == [[[1]], [[2]], [[3], [7]]]


def test_counts_that_may_be_read_only_are_gone_on_with(folder):
    said = run(
        folder,
        """
        const series = "a".repeat(32);
        const row = { day: "2026-09-15", agent: "CCBot", outcome: "SERVED", let_through: false };
        mine(`${folder}/visits`);
        const book = { series, rows: [{ ...row, count: 7 }], untold: [row.day] };
        const left = `${folder}/visits/${series}.free.json`;
        fs.writeFileSync(left, JSON.stringify(book), { mode: 0o444 });
        become();
        const { store } = made();
        const [told] = await store.untoldVisits();
        await store.addVisits([{ ...row, count: 1 }], row.day);
        const [again] = await store.untoldVisits();
        say({ found: [told, again].map(({ counts }) => counts[0].count) });
        """,
    )

    assert (said["logged"], said["found"]) == ([], [7, 8])


def with_files_of(size, script):
    """Run where no file gets longer than so many bytes, which writes meet as a full disk does."""
    command = ["node", "--input-type=module", "-e", script.replace("SRC", f"{KIT}/src")]
    said = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_a_full_disk_takes_whole_lines_or_none_and_hands_in_what_it_took(tmp_path):
    script = """
        const { store, reporter } = made();
        const refused = [];
        for (let number = 0; number < 5; number += 1) {
          const line = `${number}`.repeat(20);
          const no = ({ code, detail }) => refused.push([number, code, detail]);
          await store.append(line).catch(no);
        }
        const taken = await reporter.tick();
        await store.append("later");
        say({ refused, taken: [taken, await reporter.tick()] });
    """
    said = with_files_of(64, (HEAD + script).replace("FOLDER", str(tmp_path)))

    whole = "".join(f"{str(number) * 20}\n" for number in range(3))
    assert said["refused"] == [[number, "SPOOL_FULL", "the disk is full"] for number in (3, 4)]
    assert (said["taken"], said["sent"]) == ([1, 1], [whole, "later\n"])


def test_a_full_disk_leaves_counts_and_texts_as_they_were(tmp_path):
    first = """
        const { store } = made();
        const counts = new VisitCounts({ store, clock: () => 1_800_000_000 });
        counts.licensed("GPTBot", true);
        await counts.addUp();
        await store.save("policy.jwt", "a policy");
        store.visits.letGo();
        say({});
    """
    run(tmp_path, first)
    files = [*tmp_path.glob("visits/*"), tmp_path / "policy.jwt"]
    before = [path.read_bytes() for path in files]
    then = """
        const { store } = made();
        const counts = new VisitCounts({ store, clock: () => 1_800_000_000 });
        counts.licensed("GPTBot", true);
        const failed = [];
        for (const act of [() => counts.addUp(), () => store.save("policy.jwt", "x".repeat(99))]) {
          await act().catch(({ code }) => failed.push(code));
        }
        store.visits.letGo();
        say({ failed });
    """
    said = with_files_of(64, (HEAD + then).replace("FOLDER", str(tmp_path)))

    assert said["failed"] == ["EFBIG", "EFBIG"]
    assert [path.read_bytes() for path in files] == before
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {*files}


SYSTEM = """
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { replaceWhole } from "SRC/node/whole-files.js";

const [done, names] = [[], new Map()];
const { openSync, fsyncSync, renameSync } = fs;
const short = (place) => place.replace("FOLDER", "").replace(/\\.[^.]+\\.new$/, ".new");
fs.openSync = (place, ...how) => {
  const handle = openSync(place, ...how);
  names.set(handle, short(place));
  return handle;
};
fs.fsyncSync = (handle) => {
  done.push(`sync ${names.get(handle)}`);
  if (names.get(handle) === fails) throw Object.assign(new Error(), { code: "EIO", errno: -5 });
  fsyncSync(handle);
};
fs.renameSync = (from, to) => {
  done.push(`name ${short(to)}`);
  renameSync(from, to);
};
syncBuiltinESMExports();
"""


def test_a_file_is_on_the_disk_before_its_name_and_the_name_before_it_counts(tmp_path):
    script = """
        const fails = null;
        replaceWhole("FOLDER/one", "text");
        console.log(JSON.stringify(done));
    """
    said = in_node((SYSTEM + script).replace("FOLDER", str(tmp_path)))

    assert said == ["sync /one.new", "name /one", "sync "]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert ((tmp_path / "one").read_text(), (tmp_path / "one").stat().st_mode & 0o777) == (
        "text",
        0o600,
    )


def test_a_disk_that_fails_after_a_file_has_its_name_doubles_no_count(tmp_path):
    script = """
        import { DiskStore } from "SRC/node/disk-store.js";
        import { VisitCounts } from "SRC/site/visits.js";
        let fails = null;
        const store = new DiskStore("FOLDER");
        const counts = new VisitCounts({ store, clock: () => 1_800_000_000 });
        const found = [];
        for (const failing of [null, "/visits", "/visits", null]) {
          fails = failing;
          counts.licensed("GPTBot", true);
          await counts.addUp().catch(({ code }) => found.push(code));
        }
        const [{ counts: [row] }] = await store.untoldVisits();
        console.log(JSON.stringify([found, row.count]));
    """
    said = in_node((SYSTEM + script).replace("FOLDER", str(tmp_path)))

    assert said == [["EIO", "EIO"], 4]


def test_a_file_whose_bytes_do_not_reach_the_disk_stays_as_it_was(tmp_path):
    (tmp_path / "one").write_text("before")
    script = """
        const fails = "/one.new";
        let code;
        try {
          replaceWhole("FOLDER/one", "after");
        } catch (error) {
          ({ code } = error);
        }
        console.log(JSON.stringify(code));
    """
    said = in_node((SYSTEM + script).replace("FOLDER", str(tmp_path)))

    assert said == "EIO"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("one", "before")]


def test_a_text_that_cannot_be_read_is_said_once_until_it_can_be(folder):
    said = run(
        folder,
        """
        const { loaded } = await import("SRC/site/store.js");
        const { store } = made();
        const place = `${folder}/policy.jwt`;
        fs.writeFileSync(place, "a policy");
        take(place);
        become();
        const found = [await loaded(store, "policy.jwt", log)];
        found.push(await loaded(store, "policy.jwt", log));
        giveBack(place);
        found.push(await loaded(store, "policy.jwt", log));
        say({ found });
        """,
    )

    assert said["found"] == [None, None, "a policy"]
    [line] = said["logged"]
    assert line.startswith("policy.jwt cannot be read where it was kept: Error: EACCES")


def test_what_hinders_a_round_is_said_once_until_it_is_something_else():
    said = in_node(
        """
        import { Background } from "SRC/node/background.js";
        const logged = [];
        const background = new Background((line) => logged.push(line));
        const troubles = ["full", "full", "gone", null, "gone"];
        await new Promise((done) => {
          const kept = setInterval(() => undefined, 1000); // rounds keep no process alive
          background.every(0, async () => {
            if (troubles.length === 0) {
              clearInterval(kept);
              background.stop();
              return done();
            }
            const trouble = troubles.shift();
            if (trouble !== null) throw new Error(trouble);
          });
        });
        console.log(JSON.stringify(logged));
        """
    )

    line = "a background round failed: Error: "
    assert said == [f"{line}full", f"{line}gone", f"{line}gone"]
