"""Each line counts once: however a log is cut, named, packed or interrupted, and however often."""

import gzip
import os
import shutil
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.accesslogs.hits import Fate, Hit
from federation.accesslogs.importing import Sink
from federation.accesslogs.places import event_id, identity_of
from tests.accesslogs.publisher import BROWSER, GPTBOT, THEN, Publisher, combined, shown

TWICE = [shown("/a"), shown("/a"), combined("/p"), shown("/b"), shown("/a")]


@pytest.fixture
def publisher(tmp_path):
    return Publisher(tmp_path)


def a_person(number):
    """A line that stands in a log once."""
    return combined(f"/people/{number}", agent=BROWSER)


def test_an_id_is_for_ever():
    hit = Hit(
        occurred_at=THEN,
        method="GET",
        target="/a?b",
        host="pub.example",
        status=200,
        body_bytes=512,
        agent=GPTBOT,
        token="abc",
        use="TRAIN",
    )

    found = event_id(hit, identity_of(hit), 1), event_id(hit, identity_of(hit), 2)

    assert found == (
        "01a1f866-2088-8e68-9de3-ac3f48cbe725",
        "01a1f866-2088-87e2-9443-725b9d719853",
    )


def test_equal_lines_of_one_log_are_events_each(publisher):
    read = publisher.read(publisher.write("a.log", TWICE))

    assert read.fates == {"TOKEN_LOGGED": 4, "NOT_A_CRAWLER": 1}
    assert len(publisher.ids()) == len(publisher.events) == 4


def test_the_address_of_the_crawler_is_in_no_id(tmp_path):
    ids = []
    for address in ("198.51.100.1", "2001:db8::1"):
        publisher = fresh(tmp_path)
        publisher.read(publisher.write("a.log", [shown(address=address)]))
        ids.append(publisher.ids())

    assert ids[0] == ids[1]


@pytest.mark.parametrize("name", ["a.log", "a.log.1", "other.log.2.gz"])
def test_a_log_counts_once_under_any_name(publisher, name):
    path = publisher.write("a.log", TWICE)
    publisher.read(path)
    packed = gzip.compress(path.read_bytes()) if name.endswith("gz") else path.read_bytes()
    (publisher.home / name).write_bytes(packed)

    read = publisher.read(publisher.home / name)

    assert (read.lines, read.fates, len(publisher.events)) == (0, {}, 4)
    assert read.state.fates == {"TOKEN_LOGGED": 4, "NOT_A_CRAWLER": 1}


def test_a_log_that_grew_is_read_from_where_it_was_left(publisher):
    path = publisher.write("a.log", TWICE, end=b"\n" + shown("/a")[:40])
    read = publisher.read(path)
    assert (read.lines, read.torn_bytes) == (5, 40)

    read = publisher.read(publisher.write("a.log", [*TWICE, shown("/a"), shown("/c")]))

    assert (read.lines, read.torn_bytes, read.fates) == (2, 0, {"TOKEN_LOGGED": 2})
    assert len(publisher.ids()) == len(publisher.events) == 6


def test_a_log_of_a_torn_line_alone_is_not_read(publisher):
    path = publisher.write("a.log", [shown()], end=b"")

    assert publisher.read(path).lines == 0
    assert publisher.read(publisher.write("a.log", [shown()])).fates == {"TOKEN_LOGGED": 1}


def test_standard_formats_and_json_have_the_same_ids(publisher):
    publisher.read(publisher.write("a.log", [combined("/a", agent=GPTBOT)]))
    [first] = publisher.events
    json_line = (
        b'{"time":"2026-11-20T11:00:05+01:00","method":"GET","uri":"/a","status":200,'
        b'"bytes":512,"agent":"' + GPTBOT.encode() + b'"}'
    )
    other = fresh(publisher.home)
    other.read(other.write("b.log", [json_line]))

    assert other.events == [first]


LETTERS = st.lists(st.sampled_from("abcp"), max_size=30)


def the_log(letters, *, has_ids=False):
    """A log: each `p` is a person's line of its own, other letters may come again."""
    return [
        a_person(place)
        if letter == "p"
        else shown(f"/{letter}", request_id=f"r{place}" if has_ids else "-")
        for place, letter in enumerate(["p", *letters])
    ]


@given(letters=LETTERS, data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_split_and_any_interruption_give_the_same_events(tmp_path, letters, data):
    """Without ids of requests: where each piece begins with a line that stands nowhere before."""
    lines = the_log(letters)
    whole = fresh(tmp_path)
    whole.read(whole.write("whole.log", lines))
    starts = [place for place, line in enumerate(lines) if b"/people/" in line]
    cuts = data.draw(st.sets(st.sampled_from(starts))) | {0}
    ends = [*sorted(cuts)[1:], len(lines)]
    pieces = [lines[a:b] for a, b in zip(sorted(cuts), ends, strict=True)]
    cut = fresh(tmp_path)
    for number, piece in enumerate(pieces):
        path = cut.write(f"piece-{number}.log", piece)
        interrupted(cut, path, data.draw(st.integers(0, 5)))
        cut.read(path)

    assert cut.ids() == whole.ids()
    assert len(whole.ids()) == len(whole.events) == len([1 for x in letters if x != "p"])


@given(letters=LETTERS, data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_overlapping_logs_count_once(tmp_path, letters, data):
    """Pieces that begin with a line of their own and overlap as they like, given in order."""
    lines = the_log(letters)
    whole = fresh(tmp_path)
    whole.read(whole.write("whole.log", lines))
    starts = [place for place, line in enumerate(lines) if b"/people/" in line]
    cut, reached = fresh(tmp_path), 0
    for number in range(4):
        begin = data.draw(st.sampled_from([place for place in starts if place <= reached]))
        reached = max(reached, end := data.draw(st.integers(begin + 1, len(lines))))
        cut.read(cut.write(f"piece-{number}.log", lines[begin:end]))
        assert cut.ids() <= whole.ids()
    cut.read(cut.write("last.log", lines))

    assert cut.ids() == whole.ids()


@given(letters=LETTERS, data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_with_ids_of_requests_any_pieces_in_any_order_count_once(tmp_path, letters, data):
    lines = the_log(letters, has_ids=True)
    pieces = []
    while sum(map(len, pieces)) < len(lines):
        begin = sum(map(len, pieces))
        pieces.append(lines[begin : begin + data.draw(st.integers(1, len(lines)))])
    for _ in range(data.draw(st.integers(0, 3))):
        begin = data.draw(st.integers(0, len(lines) - 1))
        pieces.append(lines[begin : begin + data.draw(st.integers(1, len(lines)))])
    cut = fresh(tmp_path)
    for number, piece in enumerate(data.draw(st.permutations(pieces))):
        path = cut.write(f"piece-{number}.log", piece)
        interrupted(cut, path, data.draw(st.integers(0, 5)))
        cut.read(path)

    assert len(cut.ids()) == len([1 for letter in letters if letter != "p"])


class StopError(Exception):
    """The process dies here."""


def interrupted(publisher, path, after):
    """Read a log until so many events were written down, and stop there."""

    def append(event):
        if len(publisher.events) >= limit:
            raise StopError
        publisher.events.append(event)

    limit = len(publisher.events) + after
    with suppress(StopError):
        publisher.read(path, sink=Sink(append, lambda: None), checkpoint_bytes=1)


def fresh(tmp_path):
    """A publisher who has read nothing yet."""
    home = tmp_path / "fresh"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    return Publisher(home)


def test_one_line_that_two_logs_share_is_an_overlap(publisher):
    """The limit of the rule: where nobody can tell, a line counts once."""
    publisher.read(publisher.write("a.log", [a_person(1), shown("/a")]))
    read = publisher.read(publisher.write("b.log", [shown("/a"), a_person(2)]))

    assert read.fates == {"SEEN_BEFORE": 1, "NOT_A_CRAWLER": 1}
    assert len(publisher.events) == 1


def test_a_long_overlap_is_skipped_and_counting_goes_on_behind_it(publisher):
    lines = [*(a_person(number) for number in range(1_500)), shown("/a")]
    publisher.read(publisher.write("a.log", lines))
    read = publisher.read(publisher.write("b.log", [*lines[200:], a_person(-1), shown("/a")]))

    assert read.fates == {"SEEN_BEFORE": 1_301, "NOT_A_CRAWLER": 1, "TOKEN_LOGGED": 1}
    assert len(publisher.ids()) == len(publisher.events) == 2


def test_many_lines_that_say_the_same_take_little_memory(publisher):
    lines = [shown(f"/{number}") for number in range(10_000)]

    read = publisher.read(publisher.write("a.log", [*lines, *lines[:10]]))

    assert read.fates == {"TOKEN_LOGGED": 10_010}
    assert len(publisher.ids()) == 10_000  # further apart than lines of one second are
    assert len(read.state.old) + len(read.state.new) <= 2 * 4_096


def test_long_and_broken_lines_are_counted_and_listed(publisher):
    long = shown("/" + "x" * (3 << 20))
    lines = [a_person(1), long, b"\xff\xfe", shown("/" + "y" * 70_000), shown("/a"), b""]
    path = publisher.write("a.log", lines, end=b"")

    read = publisher.read(path, checkpoint_bytes=1)

    assert read.fates == {"NOT_A_CRAWLER": 1, "TOO_LONG": 2, "MALFORMED": 1, "TOKEN_LOGGED": 1}
    assert read.state.firsts["TOO_LONG"] == [2, 4]
    assert (read.lines, read.state.read) == (5, path.stat().st_size)
    assert [(each["line"], each["reason"]) for each in publisher.refused()] == [
        (2, "TOO_LONG"),
        (3, "MALFORMED"),
        (4, "TOO_LONG"),
    ]
    assert publisher.read(path).lines == 0


def test_a_long_line_without_an_end_waits_whole(publisher):
    path = publisher.write("a.log", [a_person(1), b"x" * (3 << 20)], end=b"")

    read = publisher.read(path)
    assert (read.lines, read.torn_bytes) == (1, 3 << 20)
    with path.open("ab") as file:
        file.write(b"x\n" + shown("/a") + b"\n")

    assert publisher.read(path).fates == {"TOO_LONG": 1, "TOKEN_LOGGED": 1}


def test_refused_lines_are_listed_once_and_name_nobody(publisher):
    path = publisher.write("a.log", [combined()[:70], shown("/a"), combined()[:70]])
    interrupted(publisher, path, 0)
    publisher.read(path)

    assert [each["line"] for each in publisher.refused()] == [1, 3]
    assert "203.0.113.7" not in "".join(map(str, publisher.refused()))
    kept = b"".join(p.read_bytes() for p in publisher.home.rglob("*.json*"))
    assert b"203.0.113.7" not in kept


def test_every_line_has_one_fate(publisher):
    lines = [shown("/a"), a_person(1), b"torn", b"", combined(agent="ClaudeBot"), shown(status=404)]

    read = publisher.read(publisher.write("a.log", lines))

    assert sum(read.fates.values()) == read.lines == 6
    assert set(read.fates) <= set(Fate)


def test_what_no_disk_takes_is_read_again(publisher):
    path = publisher.write("a.log", TWICE)

    def full():
        raise OSError(28, os.strerror(28))

    with pytest.raises(OSError, match="No space"):
        publisher.read(path, sink=Sink(lambda _: None, full))
    publisher.read(path)

    assert len(publisher.ids()) == len(publisher.events) == 4
