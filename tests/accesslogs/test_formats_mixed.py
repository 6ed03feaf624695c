"""A request that two formats tell counts once: whoever hands in both is told so."""

import json
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.accesslogs.command import main
from federation.accesslogs.formats import Format
from federation.accesslogs.importing import Sink
from federation.accesslogs.known import KnownLogs
from federation.accesslogs.spans import FormatsMixedError, Spans, SpansUnreadableError
from tests.accesslogs.publisher import (
    BROWSER,
    GPTBOT,
    NAMED,
    NOW,
    TERM,
    THEN,
    Publisher,
    combined,
    part,
    shown,
    write_site,
)

TOKEN = part()


@pytest.fixture
def publisher(tmp_path):
    return Publisher(tmp_path)


def at(second):
    return THEN + timedelta(seconds=second)


def plain(second=0, agent=GPTBOT):
    return combined("/a", agent=agent, at=at(second))


def kit(second=0):
    return shown("/a", at=at(second), request_id=f"r{second}")


def as_json(second=0, agent=GPTBOT, shows=TOKEN):
    said = {"time": at(second).isoformat(), "method": "GET", "uri": "/a", "host": "pub.example"}
    said |= {"status": "200", "bytes": "512", "agent": agent, "token": shows}
    return json.dumps({**said, "use": "", "request_id": f"r{second}"}).encode()


WRITTEN = {"combined": plain, "combined with the kit's fields": kit, "JSON": as_json}
PAIRS = [(one, other) for one in WRITTEN for other in WRITTEN if one != other]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_one_request_in_two_formats_counts_once_and_the_refusal_names_both(
    publisher, first, second
):
    publisher.read(publisher.write("access.log", [WRITTEN[first]()]))
    kept = (publisher.home / "formats.json").read_bytes()

    with pytest.raises(FormatsMixedError) as refusal:
        publisher.read(publisher.write("licence.log", [WRITTEN[second]()]))

    assert refusal.value.detail == (
        f"a line of 2026-11-20T10:00:05Z is {second}, lines from 2026-11-20T10:00:05Z to"
        f" 2026-11-20T10:00:05Z that were read are {first}. Hand in one format; where the server"
        " has changed its own, say from when on these logs count: --since"
    )
    assert (refusal.value.code, len(publisher.events)) == ("FORMATS_MIXED", 1)
    assert (publisher.home / "formats.json").read_bytes() == kept
    assert len(list((publisher.home / "known").iterdir())) == 1


def test_two_formats_in_one_stream_are_told_too(publisher):
    with pytest.raises(FormatsMixedError):
        publisher.read(publisher.write("both.log", [plain(0), plain(9), as_json(5)]))

    assert publisher.events == []


def test_a_server_may_change_its_format(publisher):
    read = publisher.read(publisher.write("a.log", [plain(0), plain(9), as_json(10), as_json(99)]))

    assert read.fates == {"AGENT_LOGGED": 2, "TOKEN_LOGGED": 2}
    assert publisher.read(publisher.write("b.log", [plain(3)])).fates == {"AGENT_LOGGED": 1}
    with pytest.raises(FormatsMixedError):
        publisher.read(publisher.write("c.log", [plain(10)]))


def test_lines_that_do_not_count_have_any_format(publisher):
    publisher.read(publisher.write("a.log", [as_json(0), as_json(60)]))

    read = publisher.read(publisher.write("b.log", [plain(30, BROWSER), plain(31, "CCBot/2.0")]))

    assert read.fates == {"NOT_A_CRAWLER": 1, "NOT_LICENSED": 1}


def test_a_format_is_known_before_a_line_of_it_is_written_down(publisher):
    class StopError(Exception):
        pass

    def stop(_lines):
        raise StopError

    with suppress(StopError):
        path = publisher.write("a.log", [plain()])
        publisher.read(path, sink=Sink(stop, lambda: None))

    with pytest.raises(FormatsMixedError):
        publisher.read(publisher.write("b.log", [as_json()]))


def test_what_is_known_of_formats_is_read_whole_or_refused(tmp_path):
    spans = Spans(tmp_path)
    spans.take(Format.JSON, THEN)
    spans.keep()
    assert KnownLogs(tmp_path).spans._days == spans._days

    (tmp_path / "formats.json").write_bytes(b"{")

    with pytest.raises(SpansUnreadableError):
        Spans(tmp_path)


REQUESTS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["combined", "JSON", "both"])),
    max_size=12,
    unique_by=lambda each: each[0],
)


@given(requests=REQUESTS, data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_whatever_is_handed_in_no_request_counts_twice(tmp_path_factory, requests, data):
    """In any pieces and order: what would count a second time is refused."""
    publisher = Publisher(tmp_path_factory.mktemp("home"))
    lines = [plain(second) for second, kind in sorted(requests) if kind != "JSON"]
    others = [as_json(second) for second, kind in sorted(requests) if kind != "combined"]
    whole = [*lines, *others]
    for number in range(data.draw(st.integers(1, 4))):
        piece = [line for line in whole if data.draw(st.booleans())]
        with suppress(FormatsMixedError):
            publisher.read(publisher.write(f"{number}.log", piece), checkpoint_bytes=1)

    ids = {event.event_id: event.occurred_at for event in publisher.events}
    assert max(Counter(ids.values()).values(), default=1) == 1


def test_since_when_logs_count_is_said_by_an_option(tmp_path, capsys):
    config, agents = tmp_path / "site.json", tmp_path / "agents.json"
    write_site(config, directory="state")
    agents.write_text(json.dumps({"as_of": "2026-11-20", "agents": [{**NAMED, **TERM}]}))
    old, new = tmp_path / "access.log", tmp_path / "licence.log"
    old.write_bytes(b"\n".join([plain(0), plain(60), b""]))
    new.write_bytes(b"\n".join([as_json(30), as_json(61), b""]))
    command = ["--config", str(config), "--agents", str(agents), "--no-send"]

    codes = [main([*command, str(old)], clock=lambda: NOW)]
    codes.append(main([*command, str(new)], clock=lambda: NOW))
    assert "federation-site: FORMATS_MIXED: " in capsys.readouterr().err
    codes.append(main([*command, "--since", "2026-11-20T10:01:06Z", str(new)], clock=lambda: NOW))

    assert codes == [0, 2, 0]
    assert "all: 2 new lines, 1 counted as usage\n" in capsys.readouterr().out


EMPTY_AND_SAID = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([b"", b"\r"]), st.integers(1, 60)),
        st.tuples(st.sampled_from([plain(), plain(0, BROWSER), b"# x", b"torn", b" "]), st.just(1)),
    ),
    max_size=8,
)


@given(groups=EMPTY_AND_SAID)
@settings(max_examples=60)
def test_empty_lines_in_any_number_are_counted_and_change_no_number_of_a_line(
    tmp_path_factory, groups
):
    publisher = Publisher(tmp_path_factory.mktemp("home"))
    lines = [line for line, count in groups for _ in range(count)]

    read = publisher.read(publisher.write("a.log", [*lines, b"last"]))

    assert read.lines == len(lines) + 1
    wanted = [number for number, line in enumerate([*lines, b"last"], 1) if b"t" in line[:4]]
    assert [each["line"] for each in publisher.refused()] == wanted
    blank = sum(not line.strip() or line.startswith(b"#") for line in lines)
    assert read.fates.get("BLANK", 0) == blank
