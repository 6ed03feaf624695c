"""Usage survives what may befall a site: crashes between two steps, a full disk, two workers."""

import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from federation.access.bearers import GivenBearer
from federation.access.wire import Answer
from federation.gate.events import UsageLine, new_event_id
from federation.gate.refusals import SpoolError, SpoolFullError
from federation.gate.spool import Spool
from federation.site.reporter import Reporter

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOBODY = 65534
CRASHER = Path(__file__).with_name("crashing_site.py")


def an_event(number=0):
    return UsageLine(
        event_id=f"event-{number}",
        licence="HUB-000001",
        url="https://pub.example/news/a",
        use="ai-input",
        units=1,
        occurred_at=NOON,
        token="jti-1",
        agent="GPTBot",
        status=200,
        body_bytes=7,
    )


def ids(batches):
    lines = b"".join(batch.read() for batch in batches).splitlines()
    return [msgspec.json.decode(line)["event_id"] for line in lines]


@pytest.fixture
def make_spool(tmp_path):
    def make(**options):
        return Spool(tmp_path / "spool", **({"fsync": False} | options))

    return make


def test_what_is_appended_comes_back_in_order(make_spool):
    spool = make_spool(fsync=True)
    for number in range(3):
        spool.append(an_event(number))

    assert ids(spool.batches()) == ["event-0", "event-1", "event-2"]


def test_a_batch_keeps_its_id_and_bytes_until_it_is_acknowledged(make_spool):
    spool = make_spool()
    spool.append(an_event(0))
    [first] = spool.batches()
    before = first.read()
    spool.append(an_event(1))

    again, second = make_spool().batches()[0], spool.batches()[1]
    assert (again.id, again.read()) == (first.id, before)
    assert ids([second]) == ["event-1"]

    spool.acknowledge(first)
    assert [batch.id for batch in spool.batches()] == [second.id]


def test_acknowledging_twice_is_acknowledging_once(make_spool):
    spool = make_spool()
    spool.append(an_event())
    [batch] = spool.batches()
    spool.acknowledge(batch)
    spool.acknowledge(batch)

    assert spool.batches() == []


def test_a_batch_holds_no_more_lines_than_the_node_takes(make_spool):
    spool = make_spool(batch_lines=2)
    for number in range(5):
        spool.append(an_event(number))

    assert [len(ids([batch])) for batch in spool.batches()] == [2, 2, 1]


def test_a_batch_holds_no_more_bytes_than_the_node_takes(make_spool):
    length = len(msgspec.json.encode(an_event())) + 1
    spool = make_spool(batch_bytes=2 * length)
    for number in range(3):
        spool.append(an_event(number))

    assert [len(batch.read()) // length for batch in spool.batches()] == [2, 1]


def test_events_written_together_are_in_one_batch(make_spool):
    spool = make_spool(batch_lines=4)
    for numbers in ((0, 1, 2), (3, 4), (5,)):
        spool.extend([an_event(number) for number in numbers])

    assert [ids([batch]) for batch in spool.batches()] == [
        ["event-0", "event-1", "event-2"],
        ["event-3", "event-4", "event-5"],
    ]


def test_of_events_written_together_a_full_spool_takes_all_or_none(make_spool):
    spool = make_spool(bytes_max=2 * len(msgspec.json.encode(an_event())) + 2)

    with pytest.raises(SpoolFullError):
        spool.extend([an_event(number) for number in range(3)])
    spool.extend([an_event(number) for number in range(2)])

    assert ids(spool.batches()) == ["event-0", "event-1"]


def test_a_line_end_in_a_field_does_not_break_the_line(make_spool):
    spool = make_spool()
    spool.append(msgspec.structs.replace(an_event(), agent="a\nb\r\nc\u2028d"))

    assert len(spool.batches()[0].read().split(b"\n")) == 2


@pytest.mark.parametrize("tail", [b'{"event_id":"torn', b"\0" * 40])
def test_a_torn_last_line_is_dropped_and_counted(make_spool, tail):
    writer = make_spool()
    writer.append(an_event())
    segment = writer._segment
    os.write(segment.handle, tail)
    os.close(segment.handle)  # the lock goes as it does when a process dies

    spool = make_spool()

    assert ids(spool.batches()) == ["event-0"]
    assert spool.torn_count == 1


def test_a_segment_with_nothing_but_a_torn_line_leaves_no_batch(make_spool, tmp_path):
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / f"000000000001-{'0' * 32}.open").write_bytes(b'{"event')
    spool = make_spool()

    assert (spool.batches(), spool.torn_count) == ([], 1)
    assert list((tmp_path / "spool").iterdir()) == []


def test_the_segment_of_a_living_writer_is_left_alone(make_spool):
    writer, other = make_spool(), make_spool()
    writer.append(an_event(0))

    assert other.batches() == []

    writer.append(an_event(1))
    assert ids(writer.batches()) == ["event-0", "event-1"]


def test_two_workers_never_write_to_one_file(make_spool):
    workers = [make_spool() for _ in range(3)]
    for number, worker in enumerate(workers * 2):
        worker.append(an_event(number))
    for worker in workers:
        worker.close()

    found = ids(make_spool().batches())

    assert sorted(found) == [f"event-{number}" for number in range(6)]


def test_a_full_spool_says_so_and_takes_events_again_when_the_node_has_taken_some(make_spool):
    length = len(msgspec.json.encode(an_event())) + 1
    spool = make_spool(bytes_max=2 * length)
    spool.append(an_event(0))
    spool.append(an_event(1))

    with pytest.raises(SpoolFullError, match="bytes"):
        spool.append(an_event(2))

    for batch in make_spool().batches() or spool.batches():
        spool.acknowledge(batch)
    spool.append(an_event(2))
    assert ids(spool.batches()) == ["event-2"]


def test_a_write_that_the_disk_cuts_short_leaves_no_half_line(make_spool, monkeypatch):
    spool = make_spool()
    spool.append(an_event(0))
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:10]))
    with pytest.raises(SpoolFullError):
        spool.append(an_event(1))
    monkeypatch.undo()
    spool.append(an_event(2))

    assert ids(spool.batches()) == ["event-0", "event-2"]
    assert spool.torn_count == 0


def test_a_failing_disk_is_a_refusal(make_spool, monkeypatch):
    spool = make_spool(fsync=True)

    def fail(_handle):
        raise OSError(5, "Input/output error")

    spool.append(an_event(0))
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SpoolError, match="Input/output error"):
        spool.append(an_event(1))
    monkeypatch.undo()

    spool.append(an_event(2))
    assert ids(spool.batches()) == ["event-0", "event-2"]


def test_a_full_disk_leaves_no_empty_files_however_often_it_is_tried(
    make_spool, monkeypatch, tmp_path
):
    spool = make_spool()
    before = {path for path in tmp_path.rglob("*")}

    def fail(_handle, _line):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fail)
    for number in range(3):
        with pytest.raises(SpoolError, match="No space left on device"):
            spool.append(an_event(number))
    monkeypatch.undo()

    assert {path for path in tmp_path.rglob("*")} == before
    spool.append(an_event(3))
    assert ids(spool.batches()) == ["event-3"]


def test_a_half_line_that_cannot_be_taken_back_spoils_no_later_one(make_spool, monkeypatch):
    spool = make_spool()
    spool.append(an_event(0))
    write = os.write

    def fail(_handle, _size):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:10]))
    monkeypatch.setattr(os, "ftruncate", fail)
    with pytest.raises(SpoolError):
        spool.append(an_event(1))
    monkeypatch.undo()
    spool.append(an_event(2))

    assert sorted(ids(spool.batches())) == ["event-0", "event-2"]
    assert spool.torn_count == 1


def test_a_rotation_that_fails_is_made_up_for(make_spool, monkeypatch):
    spool = make_spool(batch_lines=1)
    spool.append(an_event(0))

    def fail(_path, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(SpoolError, match="No space"):
        spool.append(an_event(1))
    monkeypatch.undo()
    spool.append(an_event(2))

    assert ids(spool.batches()) == ["event-0", "event-2"]


def test_only_one_process_sends_at_a_time(make_spool):
    with make_spool().sending() as first, make_spool().sending() as second:
        assert (first, second) == (True, False)
    with make_spool().sending() as third:
        assert third


@pytest.fixture
def of_another():
    """A folder of a user without rights, whom this process is meanwhile, and files of another."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        is_root = os.geteuid() == 0

        def take(path):
            path.chmod(0o600 if is_root else 0)

        def give_back(path):
            if is_root:
                os.seteuid(0)
                os.chown(path, NOBODY, -1)
                os.seteuid(NOBODY)
            path.chmod(0o600)

        if is_root:
            folder.chmod(0o700)
            os.chown(folder, NOBODY, -1)
        try:
            yield folder, take, give_back
        finally:
            if is_root:
                os.seteuid(0)


@pytest.mark.parametrize("suffix", [".open", ".batch"])
def test_a_file_of_another_user_holds_up_no_other_and_is_said_once(of_another, caplog, suffix):
    folder, take, give_back = of_another
    left = Spool(folder / "spool", fsync=False)
    left.append(an_event(0))
    if suffix == ".batch":
        left.close()
    else:
        left._abandon()
    [path] = (folder / "spool").glob(f"*{suffix}")
    lines = path.read_bytes()
    take(path)
    if os.geteuid() == 0:
        os.chown(folder / "spool", NOBODY, -1)
        os.seteuid(NOBODY)
    spool, sent = Spool(folder / "spool", fsync=False), []

    def node(call):
        sent.append(call.body)
        return Answer(202, {}, b"")

    reporter = Reporter(spool, node="https://node", bearer=GivenBearer("s"), fetch=node)
    spool.append(an_event(1))
    first = spool.waiting(), reporter.tick()
    spool.append(an_event(2))
    second = reporter.tick()

    assert (first, second) == ((1, 1), 1)
    assert [msgspec.json.decode(body)["event_id"] for body in sent] == ["event-1", "event-2"]
    [said] = [record.getMessage() for record in caplog.records]
    assert said == f"{path}: Permission denied: set aside, what it holds is not handed in"
    give_back(path)
    assert (reporter.tick(), reporter.tick(), sent[2:]) == (1, 0, [lines])


def test_a_spool_that_cannot_be_written_is_said_before_a_page_is_served(of_another):
    folder, _, _ = of_another
    spool = Spool(folder / "spool", fsync=False)
    (folder / "spool").chmod(0o500)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)

    with pytest.raises(SpoolError, match="cannot be written"):
        spool.check_room()


def test_whether_there_is_room_is_said_while_a_line_is_being_written(make_spool):
    """An event loop asks it, and must not wait for the disk."""
    spool = make_spool()
    with spool._lock:
        spool.check_room()


def test_what_the_node_took_and_cannot_be_deleted_is_not_sent_again(make_spool, monkeypatch):
    spool = make_spool()
    spool.append(an_event(0))
    [batch] = spool.batches()

    def fail(path, **_):
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "unlink", fail)
    spool.acknowledge(batch)
    monkeypatch.undo()

    assert spool.batches() == []


def test_lines_of_a_batch_are_counted_once(make_spool):
    spool = make_spool(batch_lines=2)
    for number in range(5):
        spool.append(an_event(number))
    assert spool.waiting() == 5
    [first, second, _] = spool.batches()
    first.path.write_bytes(b"")  # what is looked at again would be seen to be gone
    assert spool.waiting() == 5
    spool.acknowledge(second)

    assert spool.waiting() == 3


def test_nobody_else_may_read_the_spool(make_spool, tmp_path):
    make_spool().append(an_event())

    modes = [path.stat().st_mode & 0o077 for path in (tmp_path / "spool").iterdir()]
    assert (modes, (tmp_path / "spool").stat().st_mode & 0o077) == ([0], 0)


CRASHES = ["after append", "after freeze", "after send", "while sending the second", "torn"]


@pytest.mark.parametrize("crash", CRASHES)
def test_a_killed_site_reports_every_event_exactly_once(tmp_path, crash):
    """The child appends 25 events in batches of 10 and dies by SIGKILL; the next one goes on."""
    command = [sys.executable, str(CRASHER), str(tmp_path)]
    killed = subprocess.run([*command, crash], check=False)
    assert killed.returncode == -signal.SIGKILL
    subprocess.run([*command, "never"], check=True)

    taken = read_node(tmp_path / "node")
    assert sorted(taken) == sorted(f"event-{number}" for number in range(25))
    assert list((tmp_path / "spool").glob("*-*")) == []


def read_node(directory):
    """What a node keeps: one body per Idempotency-Key, and every retry must have equal bytes."""
    bodies = {}
    for path in sorted(directory.iterdir()):
        key, body = path.name.partition(".")[0], path.read_bytes()
        assert bodies.setdefault(key, body) == body
    lines = b"".join(bodies.values()).splitlines()
    return [msgspec.json.decode(line)["event_id"] for line in lines]


def test_event_ids_are_uuids_of_version_7_that_grow_with_time():
    low = new_event_id(NOON, lambda _bits: (1 << 74) - 1)
    high = new_event_id(NOON.replace(second=1), lambda _bits: 0)

    assert int(low.replace("-", "")[:12], 16) == NOON.timestamp() * 1000
    assert (low[13:], high[13:]) == ("-7fff-bfff-ffffffffffff", "-7000-8000-000000000000")
    assert low < high
