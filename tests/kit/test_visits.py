"""How the JavaScript gate keeps its counts of visits and tells its node, which answers anyhow."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from federation.gate.visit_report import VisitReport
from tests.kit.javascript import in_node, needs_node
from tests.site.stacks.runner import visits

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)
pytestmark = needs_node

HEAD = """
import { UnreachableError } from "SRC/access/wire.js";
import { DiskStore } from "SRC/node/disk-store.js";
import { ME } from "SRC/node/owners.js";
import { VisitTeller } from "SRC/site/visit-teller.js";
import { VisitCounts } from "SRC/site/visits.js";
import * as fs from "node:fs";

const folder = "FOLDER";
const place = `${folder}/visits`;
let [now, turnedDown] = [SECOND, 0];
let statuses = [];
const [told, failed, logged] = [[], [], []];
const policy = { current: () => ({ checked: { site: { iat: SECOND } } }) };
const made = (at = folder) => {
  const store = new DiskStore(at);
  const reach = {
    store,
    clock: () => now,
    log: (line) => logged.push(line),
    bearer: { current: async () => "token", refused: () => (turnedDown += 1) },
    ask: async ({ url, headers, body }) => {
      const status = statuses.shift() ?? 200;
      if (status === 200 || status === 0) told.push({ url, headers, body });
      if (status === 0) throw new UnreachableError();
      return { status, headers: new Headers(), body: new TextEncoder().encode("{}") };
    },
  };
  const counts = new VisitCounts({ store, clock: () => now });
  const config = { node: "https://node.example/", mode: "enforce" };
  const teller = new VisitTeller(counts, reach, config, policy);
  const tick = () => teller.tick().catch((error) => failed.push(error.code ?? String(error)));
  return { store, counts, tick };
};
const files = () => fs.readdirSync(place).map((name) => name.replace(ME, "ME"));
const say = (found) => console.log(JSON.stringify({ told, failed, turnedDown, ...found }));
"""


def run(folder, script):
    head = HEAD.replace("FOLDER", str(folder)).replace("SECOND", str(int(NOON.timestamp())))
    return in_node(head + script)


def reports(said):
    """What came, each in the one shape that a node takes."""
    found = [json.loads(each["body"]) for each in said["told"]]
    for each in said["told"]:
        msgspec.json.decode(each["body"], type=VisitReport)
    return found


def test_what_is_counted_is_told_as_totals_of_the_day_and_only_what_changed(tmp_path):
    said = run(
        tmp_path,
        """
        const { counts, store, tick } = made();
        await store.append("a line");
        counts.licensed("GPTBot", true);
        counts.licensed("GPTBot", false);
        counts.refused("CCBot", "LICENCE_REQUIRED", false);
        await tick();
        counts.refused("CCBot", "LICENCE_REQUIRED", false);
        await tick();
        now += 86_400;
        counts.refused("CCBot", "LICENCE_REQUIRED", true);
        await tick();
        await tick();
        say({});
        """,
    )
    found = reports(said)

    assert visits(found) == {
        ("GPTBot", "SERVED", False): 1,
        ("GPTBot", "NOT_COUNTED", False): 1,
        ("CCBot", "LICENCE_REQUIRED", False): 2,
        ("CCBot", "LICENCE_REQUIRED", True): 1,
    }
    assert [len(report["counts"]) for report in found] == [3, 3, 1, 0]
    assert {row["day"] for report in found for row in report["counts"]} == {
        "2026-09-15",
        "2026-09-16",
    }
    assert {(each["url"], each["headers"]["authorization"]) for each in said["told"]} == {
        ("https://node.example/visits", "Bearer token")
    }
    last = msgspec.json.decode(said["told"][-1]["body"], type=VisitReport)
    assert (last.kit, last.mode, last.waiting, last.policy_at) == (
        "federation-site for JavaScript 0.1.0",
        "enforce",
        1,
        NOON,
    )


@pytest.mark.parametrize(("status", "code"), [(500, "VISITS_NOT_TAKEN"), (0, "UNREACHABLE")])
def test_what_the_node_did_not_take_or_say_is_told_again_and_counts_once(tmp_path, status, code):
    said = run(
        tmp_path,
        f"""
        const {{ counts, tick }} = made();
        statuses = [{status}];
        counts.licensed("GPTBot", true);
        await tick();
        counts.licensed("GPTBot", true);
        await tick();
        statuses = [401];
        await tick();
        say({{}});
        """,
    )

    assert visits(reports(said)) == {("GPTBot", "SERVED", False): 2}
    assert (said["failed"], said["turnedDown"]) == ([code, "VISITS_NOT_TAKEN"], 1)


def test_what_is_counted_while_it_is_told_is_told_next(tmp_path):
    said = run(
        tmp_path,
        """
        const { counts, store, tick } = made();
        counts.licensed("GPTBot", true);
        await counts.addUp();
        const [{ series, counts: found }] = await store.untoldVisits();
        counts.licensed("GPTBot", true);
        await counts.addUp();
        await store.toldVisits(series, found);
        await tick();
        say({});
        """,
    )

    assert visits(reports(said)) == {("GPTBot", "SERVED", False): 2}


def test_each_process_has_a_series_and_one_that_begins_goes_on_with_what_is_left(tmp_path):
    """A dead process left one that nobody was told of; a living one keeps its own."""
    dying = """
        const { counts } = made();
        counts.licensed("GPTBot", true);
        await counts.addUp();
        process.kill(process.pid, "SIGKILL");
    """
    with pytest.raises(AssertionError):
        run(tmp_path, dying)
    said = run(
        tmp_path,
        """
        const [first, second] = [made(), made()];
        first.counts.licensed("GPTBot", true);
        await first.counts.addUp();
        second.counts.licensed("GPTBot", true);
        await second.tick();
        await first.tick();
        const between = files();
        first.store.visits.letGo();
        second.store.visits.letGo();
        const third = made();
        third.counts.licensed("GPTBot", true);
        await third.tick();
        say({ between, after: files() });
        """,
    )
    found = reports(said)

    assert visits(found) == {("GPTBot", "SERVED", False): 4}
    assert len({report["series"] for report in found}) == 2
    assert [name.partition(".")[2] for name in said["between"]] == ["ME.json"] * 2
    assert [name.partition(".")[2] for name in said["after"]] == ["ME.json"] * 2


def test_of_another_container_only_what_is_long_untouched_is_taken_up(tmp_path):
    said = run(
        tmp_path,
        """
        const strange = `${ME.split("-").slice(0, 3).join("-")}-00000000000f`;
        const named = (letter) => `${place}/${letter.repeat(32)}.${strange}.json`;
        const names = [named("a"), named("b")];
        fs.mkdirSync(place, { recursive: true });
        for (const name of names) {
          const series = name.slice(place.length + 1).slice(0, 32);
          const row = { day: "2026-09-15", agent: "CCBot", outcome: "SERVED", let_through: false };
          const book = { series, rows: [{ ...row, count: 7 }], untold: ["2026-09-15"] };
          fs.writeFileSync(name, JSON.stringify(book));
        }
        const old = new Date(Date.now() - 601_000);
        fs.utimesSync(names[0], old, old);
        const { tick, counts } = made();
        counts.licensed("GPTBot", true);
        await tick();
        say({ isThere: names.map((name) => fs.existsSync(name)) });
        """,
    )

    assert visits(reports(said)) == {
        ("CCBot", "SERVED", False): 7,
        ("GPTBot", "SERVED", False): 1,
    }
    assert said["isThere"] == [False, True]


def test_a_file_that_another_container_took_is_not_written_again(tmp_path):
    said = run(
        tmp_path,
        """
        const { tick, counts } = made();
        counts.licensed("GPTBot", true);
        await tick();
        const [mine] = fs.readdirSync(place);
        fs.renameSync(`${place}/${mine}`, `${folder}/taken`);
        counts.licensed("GPTBot", true);
        await tick();
        say({ isThere: fs.existsSync(`${place}/${mine}`) });
        """,
    )

    assert [row["count"] for report in reports(said) for row in report["counts"]] == [1, 1]
    assert len({report["series"] for report in reports(said)}) == 2
    assert said["isThere"] is False


@pytest.mark.parametrize("content", ["", "{", '{"series":"x"}', '{"series":1,"rows":2,"untold":3}'])
def test_a_broken_file_begins_another_series(tmp_path, content):
    folder = tmp_path / "visits"
    folder.mkdir()
    (folder / f"{'a' * 32}.free.json").write_text(content)
    said = run(
        tmp_path,
        """
        const { tick, counts } = made();
        counts.licensed("GPTBot", true);
        await tick();
        say({ files: files() });
        """,
    )
    [report] = reports(said)

    assert visits([report]) == {("GPTBot", "SERVED", False): 1}
    assert said["files"] == [f"{report['series']}.ME.json"]
    assert report["series"] != "a" * 32


def test_a_full_disk_loses_no_count(tmp_path):
    said = run(
        tmp_path,
        """
        const { tick, counts } = made();
        counts.licensed("GPTBot", true);
        fs.writeFileSync(place, "no folder");
        await tick();
        fs.unlinkSync(place);
        counts.licensed("GPTBot", true);
        await tick();
        say({});
        """,
    )

    assert said["failed"] == ["EEXIST"]
    assert visits(reports(said)) == {("GPTBot", "SERVED", False): 2}


def test_days_past_telling_are_dropped_and_names_beyond_the_limit_are_counted_as_others(tmp_path):
    said = run(
        tmp_path,
        """
        const { tick, counts, store } = made();
        for (let number = 0; number < 2005; number += 1) {
          counts.refused(`bot-${number}`, "LICENCE_REQUIRED", false);
        }
        await counts.addUp();
        const [{ counts: many }] = await store.untoldVisits();
        now += 31 * 86_400;
        counts.refused("CCBot", "LICENCE_REQUIRED", false);
        await tick();
        const rest = many.filter(({ agent }) => agent === "other").map(({ count }) => count);
        say({ rows: many.length, rest });
        """,
    )

    assert (said["rows"], said["rest"]) == (2_001, [5])
    [report] = reports(said)
    assert [(row["day"], row["agent"]) for row in report["counts"]] == [("2026-10-16", "CCBot")]


def test_days_to_come_wait_until_they_have_come(tmp_path):
    """They were counted while the clock was wrong, and a node takes none of a report with one."""
    said = run(
        tmp_path,
        """
        const { counts, tick } = made();
        now += 10 * 86_400;
        counts.licensed("GPTBot", true);
        await counts.addUp();
        now -= 10 * 86_400;
        counts.licensed("CCBot", true);
        await tick();
        await tick();
        now += 9 * 86_400;
        await tick();
        await tick();
        say({});
        """,
    )

    found = [[(row["day"], row["agent"]) for row in each["counts"]] for each in reports(said)]
    assert found == [[("2026-09-15", "CCBot")], [], [("2026-09-25", "GPTBot")], []]


def test_a_licensed_visit_is_of_the_day_on_which_it_began(tmp_path):
    said = run(
        tmp_path,
        """
        const { counts, tick } = made();
        const began = now;
        now += 86_400;
        counts.licensed("GPTBot", true, began);
        await tick();
        say({});
        """,
    )

    assert [row["day"] for row in reports(said)[0]["counts"]] == ["2026-09-15"]


def test_a_worker_adds_up_behind_what_it_answers(tmp_path):
    said = run(
        tmp_path,
        """
        import { MemoryStore } from "SRC/site/store.js";
        const [store, behind] = [new MemoryStore(), []];
        const soon = (act) => behind.push(act());
        const counts = new VisitCounts({ store, clock: () => now, soon });
        const found = [];
        for (const seconds of [0, 1, 3, 1, 5]) {
          now += seconds;
          counts.licensed("GPTBot", true);
          await Promise.all(behind);
          const [{ counts: rows }] = await store.untoldVisits();
          found.push(rows[0].count);
        }
        say({ found });
        """,
    )

    assert said["found"] == [1, 1, 1, 4, 5]


def test_a_node_that_takes_no_counts_yet_is_said_once_and_they_wait(tmp_path):
    said = run(
        tmp_path,
        """
        const { counts, store, tick } = made();
        counts.licensed("GPTBot", true);
        statuses = [404, 404, 200, 404];
        await tick();
        await tick();
        const waiting = (await store.untoldVisits()).map((each) => each.counts.length);
        const before = [...logged];
        await tick();
        counts.licensed("GPTBot", true);
        await tick();
        say({ waiting, before, logged });
        """,
    )
    line = "the node takes no counts of visits yet: they wait for its upgrade"

    assert (said["failed"], said["before"], said["waiting"]) == ([], [line], [1])
    assert [each["count"] for report in reports(said) for each in report["counts"]] == [1]
    assert said["logged"] == [line, line]
