"""Lines of nginx's log become usage once: torn lines, crashes at each step, rotation."""

import json
import os
import threading
from datetime import UTC, datetime

import msgspec
import pytest

from federation.gate.events import UsageLine
from federation.gate.spool import Spool
from federation.gate.visits import VisitCounts
from federation.publisher.following import QUIET_ROUNDS, Follower, written_grant

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class DiedError(Exception):
    """The process is gone."""


@pytest.fixture
def granted(site):
    def grant(number, units=1):
        return written_grant(
            UsageLine(
                event_id=f"event-{number}",
                licence="HUB-000001",
                url=f"https://pub.example/{number}",
                use="ai-input",
                units=units,
                occurred_at=site.clock(),
                token="jti-1",
                agent="GPTBot",
                status=0,
                body_bytes=0,
            )
        )

    return grant


@pytest.fixture
def line(granted):
    def line(number, *, status=200, size=7, method="GET", units=1):
        said = {"grant": granted(number, units), "method": method, "status": status, "bytes": size}
        return json.dumps(said).encode() + b"\n"

    return line


class Log:
    def __init__(self, folder):
        self.folder, self.path = folder, folder / "served.log"
        self.spool = Spool(folder / "spool")
        self.visits = VisitCounts(folder / "visits.json", lambda: NOON)
        self.heard = 0
        self.follower = self.make()

    def hears(self):
        self.heard += 1

    def make(self):
        return Follower(self.path, self.folder / "place", self.spool, self.visits, self.hears)

    def write(self, *parts, path=None):
        with (path or self.path).open("ab") as file:
            file.write(b"".join(parts))

    def rounds(self, count=1):
        for _ in range(count):
            self.follower.round()

    def restart(self):
        self.follower.close()
        self.follower = self.make()

    def visited(self):
        self.visits.add_up()
        return {(each.agent, each.outcome): each.count for each in self.visits.untold()[1]}

    def ids(self):
        lines = b"".join(batch.read() for batch in self.spool.batches()).splitlines()
        return sorted(msgspec.json.decode(each, type=UsageLine).event_id for each in lines)


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    yield log
    log.follower.close()


def test_each_line_is_taken_once_also_by_the_next_process(log, line):
    log.rounds()
    log.write(line(1), line(2))
    log.rounds(2)
    log.restart()
    log.rounds()
    log.write(line(3))
    log.rounds()

    assert log.ids() == ["event-1", "event-2", "event-3"]


def test_it_tells_that_lines_of_licensed_answers_came_and_of_others_nothing(log, line):
    log.rounds()
    log.write(b"no line of nginx\n", line(1).removesuffix(b"\n"))
    log.rounds()
    assert log.heard == 0
    log.write(b"\n")
    log.rounds(2)

    assert log.heard == 1


def test_of_two_that_follow_one_does(log, line):
    log.write(line(1))
    log.rounds()
    other = log.make()
    log.write(line(2))
    other.round()
    assert log.ids() == ["event-1"]
    log.follower.close()
    other.round()
    other.close()

    assert log.ids() == ["event-1", "event-2"]


def test_a_line_without_its_end_waits_for_it(log, line):
    whole = line(1)
    log.write(whole[:50])
    log.rounds()
    assert log.ids() == []
    log.restart()
    log.write(whole[50:])
    log.rounds()

    assert log.ids() == ["event-1"]


def test_only_what_was_served_counts_and_what_is_no_line_is_passed_over(log, line):
    log.write(
        line(1, status=404),
        line(2, size=0),
        line(3, method="HEAD"),
        line(4, status=204),
        b"not json\n",
        b'{"grant":"e30=","method":"GET","status":200,"bytes":7}\n',
        b'{"grant":"x","method":"GET","status":200,"bytes":-7}\n',
        b"[" * 20_000 + b"\n",
        line(5),
    )
    log.rounds()

    assert log.ids() == ["event-5"]
    assert log.visited() == {("GPTBot", "SERVED"): 1, ("GPTBot", "NOT_COUNTED"): 4}


def test_units_by_bytes_are_those_that_were_sent(log, line):
    log.write(line(1, units=0, size=1234))
    log.rounds()
    [batch] = log.spool.batches()

    assert msgspec.json.decode(batch.read(), type=UsageLine).units == 1234


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("is_sent", [True, False])
def test_a_crash_at_any_step_counts_each_line_once(log, line, monkeypatch, step, is_sent):
    log.write(line(1), line(2))
    steps = iter(range(10))

    def dying(act):
        def do(*given):
            if next(steps) == step:
                raise DiedError
            return act(*given)

        return do

    follower = log.follower
    monkeypatch.setattr(follower, "_save", dying(follower._save))
    monkeypatch.setattr(log.spool, "add", dying(log.spool.add))
    with pytest.raises(DiedError):
        follower.round()
    monkeypatch.undo()
    sent = {batch.id: batch.read() for batch in log.spool.batches()}
    if is_sent:
        for batch in log.spool.batches():
            log.spool.acknowledge(batch)
    log.write(line(3))
    log.restart()
    log.rounds()

    taken = sent | {batch.id: batch.read() for batch in log.spool.batches()}
    ids = [
        msgspec.json.decode(each, type=UsageLine).event_id
        for body in taken.values()
        for each in body.splitlines()
    ]
    assert sorted(ids) == ["event-1", "event-2", "event-3"]
    assert log.visited() == {("GPTBot", "SERVED"): 3}


def test_a_rotated_log_is_read_to_its_end_and_left_when_it_is_quiet(log, line):
    log.write(line(1))
    log.rounds()
    old = log.path.rename(log.folder / "served.log.1")
    log.write(line(3))
    log.rounds(2)
    log.write(line(2), path=old)
    log.rounds(QUIET_ROUNDS + 1)

    assert log.ids() == ["event-1", "event-2", "event-3"]
    assert json.loads((log.folder / "place").read_bytes())["inode"] == log.path.stat().st_ino


def test_a_log_rotated_while_nobody_read_is_found_by_its_inode(log, line):
    log.write(line(1))
    log.rounds()
    log.write(line(2))
    log.path.rename(log.folder / "served.log.1")
    log.write(line(3))
    log.restart()
    log.rounds(QUIET_ROUNDS + 1)

    assert log.ids() == ["event-1", "event-2", "event-3"]


def test_logs_of_two_rotations_while_nobody_read_are_all_read(log, line):
    """Also beside a copy, a packed one and one from before."""
    log.write(line(1))
    log.rounds()
    log.write(line(2))
    names = [".9", "-20261124", "-20261125", "-20261126", ".1", ".bak", ".3.gz", ""]
    paths = [log.folder / f"served.log{name}" for name in names]
    log.path.rename(paths[1])
    for number, path in enumerate(paths):
        log.write(line(number + 2), path=path)
        os.utime(path, (1_700_000_000 + 60 * number,) * 2)
    log.restart()
    log.rounds(4 * QUIET_ROUNDS + 1)

    assert log.ids() == [f"event-{number}" for number in (1, 2, 3, 4, 5, 6, 9)]
    assert json.loads((log.folder / "place").read_bytes())["inode"] == log.path.stat().st_ino


def test_a_log_that_was_cut_is_read_from_its_beginning_and_that_is_said(log, line, caplog):
    log.write(line(1), line(2))
    log.rounds()
    log.path.write_bytes(line(3))
    log.rounds()

    assert log.ids() == ["event-1", "event-2", "event-3"]
    assert "rotate it by renaming" in caplog.text


def test_the_last_round_waits_for_one_that_is_under_way(log, line):
    """Two at once would read one range of lines, and count its visits twice."""
    log.write(line(1))
    with log.follower._turn:
        late = threading.Thread(target=log.follower.round)
        late.start()
        late.join(0.05)
        assert (late.is_alive(), log.ids()) == (True, [])
    late.join()

    assert (log.ids(), log.visited()) == (["event-1"], {("GPTBot", "SERVED"): 1})


def test_another_file_with_the_number_of_one_that_is_gone_is_read_from_its_beginning(log, line):
    """As after two rotations while the endpoint was down: the inode was free by then."""
    log.write(line(1), line(2))
    log.rounds()
    place = log.folder / "place"
    log.follower.close()
    inode = log.path.stat().st_ino
    log.path.unlink()
    log.write(line(3), line(4), line(5))
    said = {**json.loads(place.read_bytes()), "inode": log.path.stat().st_ino}
    assert json.loads(place.read_bytes())["inode"] == inode
    place.write_text(json.dumps(said))
    log.follower = log.make()
    log.rounds()

    assert log.ids() == [f"event-{number}" for number in range(1, 6)]


def test_a_place_from_before_first_lines_were_noted_is_gone_on_with(log, line):
    log.write(line(1))
    log.rounds()
    place = log.folder / "place"
    said = json.loads(place.read_bytes())
    del said["first"]
    place.write_text(json.dumps(said))
    log.restart()
    log.write(line(2))
    log.rounds()

    assert log.ids() == ["event-1", "event-2"]
