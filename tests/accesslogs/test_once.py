"""Each line counts once: however a log is cut, named, packed or interrupted, and however often."""

import gzip
import os
import shutil
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.accesslogs import known, sources
from federation.accesslogs.hits import Fate, Hit
from federation.accesslogs.importing import Sink
from federation.accesslogs.places import event_id, identity_of
from tests.accesslogs.publisher import BROWSER, GPTBOT, THEN, Publisher, combined, hit_of, shown

TWICE = [shown("/a"), shown("/a"), combined("/p"), shown("/b"), shown("/a")]
AS_OFTEN = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


@pytest.fixture
def publisher(tmp_path):
    return Publisher(tmp_path)


def a_person(second=0):
    return combined("/people", agent=BROWSER, at=THEN + timedelta(seconds=second))


def a_crawl(second=0, target="/a"):
    """A licensed line without an id of its request."""
    return combined(target, agent=GPTBOT, at=THEN + timedelta(seconds=second))


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


def test_a_pipe_may_be_named_like_a_file(publisher):
    """As shells do with `<(zcat access.log.gz)`."""
    reads, writes = os.pipe()
    os.write(writes, b"\n".join([*TWICE, b""]))
    os.close(writes)

    read = publisher.read(f"/dev/fd/{reads}")

    os.close(reads)
    assert (read.lines, len(publisher.ids())) == (5, 4)


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"begins":""}', b'{"name":"00000001","begins":"","carried":{}}']
)
def test_a_log_of_which_nobody_knows_how_far_is_read_anew(publisher, content):
    path = publisher.write("a.log", TWICE)
    publisher.read(path)
    ids = publisher.ids()
    (publisher.home / "known" / "00000001.json").write_bytes(content)
    (publisher.home / "known" / "notes.json").write_bytes(b"{}")

    assert publisher.read(path).lines == 5
    assert publisher.ids() == ids


def test_of_too_many_logs_the_one_not_read_for_longest_is_forgotten(publisher, monkeypatch):
    monkeypatch.setattr(known, "LOGS_MAX", 2)
    for number in range(4):
        publisher.read(publisher.write(f"{number}.log", [shown(f"/{number}"), b"torn"]))

    publisher.read(publisher.home / "3.log")

    kept = {
        path.stem for folder in ("known", "refused") for path in (publisher.home / folder).iterdir()
    }
    assert kept == {"00000003", "00000004"}
    assert publisher.read(publisher.home / "0.log").lines == 2
    assert len(publisher.ids()) == 4


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


SECONDS_APART = 30
LOGS = st.lists(st.lists(st.tuples(st.sampled_from("abp"), st.integers(0, 10)), max_size=4))


@st.composite
def logs(draw):
    """A log in groups of lines, half a minute apart; in each they are up to 10 s out of order."""
    return [
        [
            a_person(SECONDS_APART * number - late)
            if letter == "p"
            else a_crawl(SECONDS_APART * number - late, f"/{letter}")
            for letter, late in group
        ]
        for number, group in enumerate(draw(LOGS.filter(any)))
    ]


def flat(groups):
    return [line for group in groups for line in group]


@st.composite
def parts(draw, lines):
    """A stretch of a log, or an extract of one."""
    begin = draw(st.integers(0, len(lines)))
    stretch = lines[begin : draw(st.integers(begin, len(lines)))]
    return [line for line in stretch if draw(st.booleans())] if draw(st.booleans()) else stretch


def ids_of(tmp_path, lines):
    """The ids of what a publisher hands in who reads these lines once."""
    publisher = fresh(tmp_path)
    publisher.read(publisher.write("whole.log", lines))
    assert len(publisher.ids()) == len(publisher.events)
    return publisher.ids()


def read_somehow(publisher, data, number, lines):
    """Read lines as a file, packed or with other line ends, after an import that was stopped."""
    end = data.draw(st.sampled_from([b"\n", b"\r\n"]))
    text = b"".join(line + end for line in lines)
    path = publisher.home / f"{number}.log"
    path.write_bytes(gzip.compress(text) if data.draw(st.booleans()) else text)
    interrupted(publisher, path, data.draw(st.integers(0, 5)))
    publisher.read(path)


@given(groups=logs(), data=st.data())
@AS_OFTEN
@pytest.mark.usefixtures("blocks")
def test_any_pieces_copies_and_extracts_give_the_ids_of_the_log(tmp_path, groups, data):
    """Whatever stands often in one piece counts so often, whatever stands in several once."""
    lines = flat(groups)
    whole = ids_of(tmp_path, lines)
    pieces = data.draw(st.lists(parts(lines), max_size=4))
    cut, most = fresh(tmp_path), Counter()
    for number, piece in enumerate(pieces):
        read_somehow(cut, data, number, piece)
        most |= Counter(line for line in piece if b"GPTBot" in line)

    assert cut.ids() == {
        event_id(hit_of(line), identity_of(hit_of(line)), place + 1)
        for line, count in most.items()
        for place in range(count)
    }
    assert cut.ids() <= whole
    read_somehow(cut, data, "whole", lines)
    assert cut.ids() == whole


@given(groups=logs(), data=st.data())
@AS_OFTEN
@pytest.mark.usefixtures("blocks")
def test_pieces_put_together_in_any_order_give_the_ids_of_the_log(tmp_path, groups, data):
    """Also where one log holds a piece several times, as long as time steps back between."""
    whole = ids_of(tmp_path, flat(groups))
    joined = [groups]
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(groups) - 1))
        stretch = groups[begin : data.draw(st.integers(begin + 1, len(groups)))]
        joined.insert(data.draw(st.integers(0, len(joined))), stretch)
    joined = [[[a_person(-SECONDS_APART)], *stretch] for stretch in joined]
    cut = fresh(tmp_path)
    read_somehow(cut, data, 1, flat(flat(joined)))

    assert cut.ids() == whole


@given(groups=logs(), after=st.integers(0, 20))
@AS_OFTEN
@pytest.mark.usefixtures("blocks")
def test_any_interruption_gives_the_ids_of_the_log(tmp_path, groups, after):
    whole = ids_of(tmp_path, flat(groups))
    cut = fresh(tmp_path)
    path = cut.write("a.log", flat(groups))
    interrupted(cut, path, after)
    cut.read(path)

    assert cut.ids() == whole


@given(letters=st.lists(st.sampled_from("abp"), min_size=1, max_size=30), data=st.data())
@AS_OFTEN
@pytest.mark.usefixtures("blocks")
def test_with_ids_of_requests_each_request_counts_whatever_is_read(tmp_path, letters, data):
    lines = [
        a_person() if letter == "p" else shown(f"/{letter}", request_id=f"r{number}")
        for number, letter in enumerate(letters)
    ]
    cut, read = fresh(tmp_path), set()
    for number, piece in enumerate(data.draw(st.lists(parts(lines), max_size=4))):
        twice = [*piece, *data.draw(parts(lines))]
        read_somehow(cut, data, number, twice)
        read |= {line for line in twice if b"Chrome" not in line}

    assert len(cut.ids()) == len(read)


class StopError(Exception):
    """The process dies here."""


def interrupted(publisher, path, after):
    """Read a log until so many events were written down, and stop there."""

    def write(events):
        for event in events:
            if len(publisher.events) >= limit:
                raise StopError
            publisher.events.append(event)

    limit = len(publisher.events) + after
    with suppress(StopError):
        publisher.read(path, sink=Sink(write, lambda: None), checkpoint_bytes=1)


@pytest.fixture
def blocks(monkeypatch):
    """Logs are read a few lines at a time, so that reading stops in their middle."""
    monkeypatch.setattr(sources, "BLOCK_BYTES", 700)


def fresh(tmp_path):
    """A publisher who has read nothing yet."""
    home = tmp_path / "fresh"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    return Publisher(home)


VISITS = [a_person(), a_crawl(1), a_crawl(1), a_person(60)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\n".join([*VISITS, *VISITS, b""]), id="twice in one stream"),
        pytest.param(b"\n".join([*VISITS[2:], *VISITS[:2], b""]), id="in another order"),
        pytest.param(b"\n".join([*VISITS[1:3], b""]), id="an extract"),
        pytest.param(b"\r\n".join([*VISITS, b""]), id="other line ends"),
        pytest.param(gzip.compress(b"\n".join([*VISITS[1:], b""])), id="packed"),
    ],
)
def test_a_copy_has_the_ids_of_the_log(publisher, text):
    publisher.read(publisher.write("a.log", VISITS))
    ids = publisher.ids()
    assert len(ids) == len(publisher.events) == 2
    (publisher.home / "copy.log").write_bytes(text)

    publisher.read(publisher.home / "copy.log")

    assert publisher.ids() == ids


@pytest.mark.parametrize(
    "log", [[a_person(), a_crawl(1), a_person(60)], [a_person(), a_crawl(60)]], ids=["in", "last"]
)
def test_one_crawl_and_its_copy_in_one_log_are_one(publisher, log):
    """People in between say that time steps back."""
    publisher.read(publisher.write("a.log", [*log, *log]))

    assert (len(publisher.events), len(publisher.ids())) == (2, 1)


def test_equal_lines_that_two_logs_part_are_one(publisher):
    """The limit of the rule, on the safe side."""
    publisher.read(publisher.write("a.log", [a_person(), a_crawl()]))
    read = publisher.read(publisher.write("b.log", [a_crawl(), a_person(9)]))

    assert read.fates == {"AGENT_LOGGED": 1, "NOT_A_CRAWLER": 1}
    assert (len(publisher.events), len(publisher.ids())) == (2, 1)


@pytest.mark.parametrize(("seconds", "events"), [(10, 2), (11, 1)])
def test_a_stretch_bears_ten_seconds_of_disorder(publisher, seconds, events):
    """What stands twice in less time than that cannot be told from two requests."""
    publisher.read(publisher.write("a.log", [a_crawl(), a_person(seconds), a_crawl()]))

    assert len(publisher.ids()) == events


def test_a_line_of_another_time_does_no_more_than_begin_a_stretch(publisher):
    lines = [a_crawl(), a_person(10**6), a_crawl(), a_crawl(), a_crawl(1)]

    publisher.read(publisher.write("a.log", lines))

    assert len(publisher.ids()) == 3


def test_many_lines_that_say_the_same_take_little_memory(publisher):
    lines = [a_crawl(0, f"/{number}") for number in range(3_000)]

    read = publisher.read(publisher.write("a.log", [*lines, *lines[2_000:], *lines[:1_000]]))

    assert read.fates == {"AGENT_LOGGED": 5_000}
    assert len(publisher.ids()) == 4_000  # the first of them were forgotten, and are one again
    assert [len(said) for said in read.state.stretch.met.values()] == [2_000]


def test_what_lies_further_back_is_forgotten(publisher):
    read = publisher.read(publisher.write("a.log", [a_crawl(each) for each in range(1_000)]))

    assert [second - int(THEN.timestamp()) for second in read.state.stretch.met] == [
        *range(989, 1_000)
    ]


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
