"""A site counts visits in one file, and its node hears each total until it has it."""

import multiprocessing
import os
import stat
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from federation.access.wire import Answer, UnreachableError
from federation.gate.refusals import SpoolError
from federation.gate.visit_report import VisitCount, VisitReport
from federation.gate.visits import VisitCounts
from federation.site.visit_teller import AboutSite, VisitsNotTakenError, VisitTeller
from tests.site.conftest import NOON as NOON_OF_SITE

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)
TODAY = NOON.date()


class Bearer:
    def __init__(self):
        self.turned_down = 0

    def current(self):
        return "token"

    def refused(self):
        self.turned_down += 1


class Node:
    """Keeps the larger of each total, as a node does."""

    def __init__(self):
        self.reports, self.totals, self.answers = [], {}, []

    def __call__(self, call):
        report = msgspec.json.decode(call.body, type=VisitReport)
        status = self.answers.pop(0) if self.answers else 200
        if status in (200, "lost"):
            self.reports.append(report)
            for each in report.counts:
                key = (report.series, each.day, each.agent, each.outcome, each.let_through)
                self.totals[key] = max(each.count, self.totals.get(key, 0))
        if status == "lost":
            raise UnreachableError("lost")
        return Answer(status, {}, b"{}")


@pytest.fixture
def now():
    return [NOON]


@pytest.fixture
def counts(tmp_path, now):
    return VisitCounts(tmp_path / "state" / "visits.json", lambda: now[0])


def teller(counts, node, bearer=None, waiting=3):
    site = AboutSite("kit 1", "enforce", lambda: NOON, lambda: waiting)
    return VisitTeller(
        counts, site, node="https://node.example/", bearer=bearer or Bearer(), fetch=node
    )


def seen(node):
    return {key[1:]: count for key, count in node.totals.items()}


def test_what_is_counted_is_told_as_totals_of_the_day_and_only_what_changed(counts, now):
    node = Node()
    tell = teller(counts, node)
    counts.licensed("GPTBot", is_counted=True)
    counts.licensed("GPTBot", is_counted=False)
    counts.refused("CCBot", "LICENCE_REQUIRED", let_through=False)
    tell.tick()
    counts.refused("CCBot", "LICENCE_REQUIRED", let_through=False)
    tell.tick()
    now[0] += timedelta(days=1)
    counts.refused("CCBot", "LICENCE_REQUIRED", let_through=True)
    tell.tick()
    tell.tick()

    tomorrow = TODAY + timedelta(days=1)
    assert seen(node) == {
        (TODAY, "GPTBot", "SERVED", False): 1,
        (TODAY, "GPTBot", "NOT_COUNTED", False): 1,
        (TODAY, "CCBot", "LICENCE_REQUIRED", False): 2,
        (tomorrow, "CCBot", "LICENCE_REQUIRED", True): 1,
    }
    assert [len(report.counts) for report in node.reports] == [3, 3, 1, 0]
    assert {(each.kit, each.mode, each.waiting, each.policy_at) for each in node.reports} == {
        ("kit 1", "enforce", 3, NOON)
    }


@pytest.mark.parametrize("status", [500, 401, "lost"])
def test_what_the_node_did_not_take_or_say_is_told_again_and_counts_once(counts, status):
    node, bearer = Node(), Bearer()
    tell = teller(counts, node, bearer)
    node.answers = [status]
    counts.licensed("GPTBot", is_counted=True)
    with pytest.raises((VisitsNotTakenError, UnreachableError)):
        tell.tick()
    counts.licensed("GPTBot", is_counted=True)
    tell.tick()

    assert seen(node) == {(TODAY, "GPTBot", "SERVED", False): 2}
    assert bearer.turned_down == (status == 401)


def test_an_older_node_that_knows_of_no_visits_is_said_once_and_told_later(counts, caplog):
    node = Node()
    node.answers = [404, 404]
    tell = teller(counts, node)
    counts.licensed("GPTBot", is_counted=True)
    for _ in range(2):
        tell.tick()
    assert [each.getMessage() for each in caplog.records] == [
        "the node takes no counts of visits yet: they wait for its upgrade"
    ]
    assert node.totals == {}
    tell.tick()

    assert seen(node) == {(TODAY, "GPTBot", "SERVED", False): 1}


def test_what_is_counted_while_it_is_told_is_told_next(counts):
    node = Node()
    counts.licensed("GPTBot", is_counted=True)
    counts.add_up()
    series, told = counts.untold()
    counts.licensed("GPTBot", is_counted=True)
    counts.add_up()
    counts.told(series, told)
    teller(counts, node).tick()

    assert seen(node) == {(TODAY, "GPTBot", "SERVED", False): 2}


def _in_another_process(path):
    counts = VisitCounts(path, lambda: NOON)
    for _ in range(50):
        counts.licensed("GPTBot", is_counted=True)
        counts.add_up()


def test_processes_add_to_one_file(tmp_path):
    path = tmp_path / "visits.json"
    workers = [
        multiprocessing.get_context("fork").Process(target=_in_another_process, args=(path,))
        for _ in range(3)
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    _, found = VisitCounts(path, lambda: NOON).untold()
    assert found == [VisitCount(TODAY, "GPTBot", "SERVED", 150)]


def test_one_process_tells_for_all(counts):
    node = Node()
    counts.licensed("GPTBot", is_counted=True)
    with counts.telling() as first:
        teller(counts, node).tick()
    assert (first, node.reports) == (True, [])
    teller(counts, node).tick()
    assert seen(node) == {(TODAY, "GPTBot", "SERVED", False): 1}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"series": 1}'])
def test_a_broken_file_begins_another_series(counts, tmp_path, content):
    node = Node()
    tell = teller(counts, node)
    counts.licensed("GPTBot", is_counted=True)
    tell.tick()
    (tmp_path / "state" / "visits.json").write_bytes(content)
    counts.licensed("GPTBot", is_counted=True)
    tell.tick()

    assert sorted(node.totals.values()) == [1, 1]
    assert len({key[0] for key in node.totals}) == 2


def test_a_full_disk_loses_no_count(counts, tmp_path):
    counts.licensed("GPTBot", is_counted=True)
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(OSError, match="exists"):
        counts.add_up()
    (tmp_path / "state").unlink()
    counts.licensed("GPTBot", is_counted=True)
    counts.add_up()

    assert counts.untold()[1] == [VisitCount(TODAY, "GPTBot", "SERVED", 2)]


def test_a_disk_that_fails_after_a_file_has_its_name_doubles_no_count(counts, monkeypatch):
    sync = os.fsync

    def fails_for_folders(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(5, "Input/output error")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fails_for_folders)
    counts.licensed("GPTBot", is_counted=True)
    counts.add_up()
    counts.licensed("GPTBot", is_counted=True)
    counts.add_up()

    assert counts.untold()[1] == [VisitCount(TODAY, "GPTBot", "SERVED", 2)]


def test_days_past_telling_are_dropped_and_names_beyond_the_limit_are_counted_as_others(
    counts, now
):
    for number in range(2_005):
        counts.refused(f"bot-{number}", "LICENCE_REQUIRED", let_through=False)
    counts.add_up()
    rows = counts.untold()[1]
    rest = [each.count for each in rows if each.agent == "other"]
    now[0] += timedelta(days=31)
    counts.refused("CCBot", "LICENCE_REQUIRED", let_through=False)
    counts.add_up()

    assert (len(rows), sum(each.count for each in rows), rest) == (2_001, 2_005, [5])
    assert counts.untold()[1] == [VisitCount(date(2026, 10, 16), "CCBot", "LICENCE_REQUIRED", 1)]


async def test_a_visit_over_midnight_counts_on_the_day_of_its_usage(site, tmp_path):
    """Its answer ends on the day after."""
    visits = VisitCounts(tmp_path / "visits.json", site.clock)
    site.later(hours=11, minutes=59)
    site.set_policy()

    async def app(scope, receive, send):
        site.later(minutes=2)
        await type(site).app(site, scope, receive, send)

    gate = site.make_gate(app, visits=visits)
    await site.get(gate=gate, token=site.token(), headers=BOT)
    visits.add_up()

    [event], (_, [row]) = site.events(), visits.untold()
    assert (row.day, event.occurred_at.date()) == (NOON_OF_SITE.date(), NOON_OF_SITE.date())
    assert site.clock().date() > row.day


BOT = [("User-Agent", "Mozilla/5.0 (compatible; GPTBot/1.2)")]


def counted(visits):
    return {(each.agent, each.outcome, each.let_through): each.count for each in visits.untold()[1]}


async def test_a_gate_counts_each_crawlers_visit_once_by_what_became_of_it(site, tmp_path):
    visits = VisitCounts(tmp_path / "visits.json", site.clock)
    gate = site.make_gate(visits=visits)
    token = site.token()

    await site.get(gate=gate, headers=[("User-Agent", "Mozilla/5.0 Firefox/140.0")])
    await site.get("/robots.txt", gate=gate, headers=BOT)
    for _ in range(2):
        await site.get(gate=gate, headers=BOT)
    await site.get("/sport", gate=gate, token=token, headers=BOT)
    await site.get(gate=gate, token=token, headers=BOT)
    await site.get(gate=gate, token=token, headers=[("User-Agent", "my-own/1")])
    await site.get(gate=gate, token=token, headers=BOT, method="HEAD")
    site.status = 404
    await site.get(gate=gate, token=token, headers=BOT)
    gate.gate.close()

    assert counted(visits) == {
        ("GPTBot", "LICENCE_REQUIRED", False): 2,
        ("GPTBot", "INSUFFICIENT_SCOPE", False): 1,
        ("GPTBot", "SERVED", False): 1,
        ("unnamed", "SERVED", False): 1,
        ("GPTBot", "NOT_COUNTED", False): 2,
    }
    assert len(site.events()) == 2


async def test_a_gate_that_observes_counts_what_it_would_refuse_as_let_through(
    site, tmp_path, monkeypatch
):
    visits = VisitCounts(tmp_path / "visits.json", site.clock)
    gate = site.make_gate(visits=visits, mode="observe")
    await site.get(gate=gate, headers=BOT)

    def full(_event):
        raise SpoolError("No space left on device")

    monkeypatch.setattr(site.spool, "append", full)
    await site.get(gate=gate, token=site.token(), headers=BOT)
    visits.add_up()

    assert counted(visits) == {
        ("GPTBot", "LICENCE_REQUIRED", True): 1,
        ("GPTBot", "USAGE_NOT_RECORDED", True): 1,
    }


def test_a_clock_that_was_ahead_stops_no_report(counts, now):
    node = Node()
    now[0] += timedelta(days=400)
    counts.licensed("GPTBot", is_counted=True)
    counts.add_up()
    now[0] = NOON
    counts.licensed("GPTBot", is_counted=True)
    teller(counts, node).tick()

    assert seen(node) == {(TODAY, "GPTBot", "SERVED", False): 1}
