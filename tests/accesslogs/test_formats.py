"""Lines of web servers, each format, and what is no line."""

import json
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from federation.accesslogs.formats import LINE_CHARS_MAX
from federation.accesslogs.glance import lines_left
from federation.accesslogs.hits import Fate, Hit, RefusedHit
from federation.accesslogs.places import Stretch
from tests.accesslogs.publisher import (
    BROWSER,
    GPTBOT,
    THEN,
    a_judge,
    combined,
    hit_of,
    part,
    shown,
)

JSON = {
    "time": "2026-11-20T10:00:05+00:00",
    "method": "GET",
    "uri": "/a?b=c",
    "host": "pub.example",
    "status": 200,
    "bytes": 512,
    "agent": GPTBOT,
    "token": "abc",
    "use": "TRAIN",
    "request_id": "r-1",
}
CADDY = {
    "level": "info",
    "ts": THEN.timestamp() + 0.25,
    "logger": "http.log.access",
    "request": {
        "remote_ip": "203.0.113.7",
        "method": "GET",
        "host": "pub.example",
        "uri": "/a",
        "headers": {"User-Agent": [GPTBOT], "X-Licence-Use": ["TRAIN"]},
    },
    "status": 200,
    "size": 512,
    "token": "abc",
}


def fate_of(line):
    with pytest.raises(RefusedHit) as refused:
        hit_of(line)
    return refused.value.fate


def test_a_combined_line_is_read():
    assert hit_of(combined("/a?b=c", agent=GPTBOT)) == Hit(
        occurred_at=THEN, method="GET", target="/a?b=c", status=200, body_bytes=512, agent=GPTBOT
    )


def test_the_kits_fields_follow_the_agent():
    hit = hit_of(combined(kit=("pub.example", "abc", "TRAIN", "r-1")))

    assert (hit.host, hit.token, hit.use, hit.request_id) == ("pub.example", "abc", "TRAIN", "r-1")
    assert hit_of(combined(kit=("-", "-", "-", "-"))) == hit_of(combined())


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        (combined(size="-"), {"body_bytes": 0}),
        (combined(address="2001:db8::7"), {}),
        (combined() + b"\r", {}),
        (combined(zone="+0530"), {"occurred_at": datetime(2026, 11, 20, 4, 30, 5, tzinfo=UTC)}),
        (combined(zone="-0800"), {"occurred_at": datetime(2026, 11, 20, 18, 0, 5, tzinfo=UTC)}),
        (combined(agent=r"a \"quoted\" \\ \x22 \xe9"), {"agent": 'a "quoted" \\ " é'}),
        (combined(agent="-"), {"agent": ""}),
        (combined().replace(b"- - [", b"- a user [name] ["), None),
        (combined(agent="x").replace(b'"x"', b'"\xff\xfe"'), {"agent": "\ufffd\ufffd"}),
        (combined().replace(b"GET /a HTTP/1.1", b"GET /a"), {}),
    ],
)
def test_what_servers_write_otherwise(line, changes):
    if changes is None:
        assert fate_of(line) == Fate.MALFORMED  # a bracket in an account is nobody's to guess
        return
    assert hit_of(line) == msgspec.structs.replace(hit_of(combined()), **changes)


def test_json_lines_say_the_same():
    assert hit_of(json.dumps(JSON).encode()) == Hit(
        occurred_at=THEN,
        method="GET",
        target="/a?b=c",
        host="pub.example",
        status=200,
        body_bytes=512,
        agent=GPTBOT,
        token="abc",
        use="TRAIN",
        request_id="r-1",
    )
    seconds = JSON | {"time": str(THEN.timestamp()), "status": "200", "bytes": "512"}
    assert hit_of(json.dumps(seconds).encode()) == hit_of(json.dumps(JSON).encode())


def test_a_gate_in_front_may_say_token_licence_and_use():
    given = {k: v for k, v in JSON.items() if k != "token"}
    line = json.dumps(given | {"token_id": "t-1", "licence": "HUB-000001"}).encode()

    hit = hit_of(line)

    assert (hit.token, hit.token_id, hit.licence, hit.use) == ("", "t-1", "HUB-000001", "TRAIN")


def test_a_caddy_line_is_read():
    hit = hit_of(json.dumps(CADDY).encode())

    assert hit == Hit(
        occurred_at=THEN.replace(microsecond=250_000),
        method="GET",
        target="/a",
        host="pub.example",
        status=200,
        body_bytes=512,
        agent=GPTBOT,
        token="abc",
        use="TRAIN",
    )


@pytest.mark.parametrize(
    ("line", "fate"),
    [
        (b"", Fate.BLANK),
        (b"  ", Fate.BLANK),
        (b"#Fields: date time", Fate.BLANK),
        (combined()[:60], Fate.MALFORMED),
        (combined()[:-1], Fate.MALFORMED),
        (combined() + b' "one more"', Fate.MALFORMED),
        (combined().replace(b" 200 ", b" OK "), Fate.MALFORMED),
        (combined().replace(b"20/Nov", b"31/Nov"), Fate.MALFORMED),
        (combined().replace(b"20/Nov", b"20/Nvo"), Fate.MALFORMED),
        (combined().replace(b"+0000", b"+9999"), Fate.MALFORMED),
        (b"\x00\xff\xfe", Fate.MALFORMED),
        (b"{" + combined(), Fate.MALFORMED),
        (json.dumps(JSON)[:-1].encode(), Fate.MALFORMED),
        (json.dumps(JSON | {"time": "yesterday"}).encode(), Fate.MALFORMED),
        (json.dumps(JSON | {"time": 1e300}).encode(), Fate.MALFORMED),
        (json.dumps(JSON | {"time": 10**400}).encode(), Fate.MALFORMED),
        (json.dumps(JSON | {"bytes": -1}).encode(), Fate.MALFORMED),
        (json.dumps({k: v for k, v in JSON.items() if k != "bytes"}).encode(), Fate.MALFORMED),
        (b'{"status":' + b"[" * 10_000, Fate.MALFORMED),
        (combined("/" + "x" * LINE_CHARS_MAX), Fate.TOO_LONG),
    ],
)
def test_what_is_no_line(line, fate):
    assert fate_of(line) == fate


LINES = st.one_of(
    st.sampled_from(
        [
            combined(),
            combined(agent=GPTBOT),
            combined(agent="ClaudeBot/1.0"),
            combined(at=THEN - timedelta(seconds=11)),
            combined(kit=("pub.example", "-", "-", "r")),
            combined(agent="ClaudeBot", kit=("", "", "", "")),
            shown(),
            json.dumps(JSON).encode(),
            json.dumps(JSON | {"token": "", "agent": BROWSER}).encode(),
            json.dumps(JSON | {"token": "-", "agent": BROWSER}).encode(),
            json.dumps(CADDY).encode(),
            b"",
        ]
    ),
    st.builds(
        lambda line, place, byte: line[:place] + byte + line[place + 1 :],
        st.sampled_from(
            [combined(), shown(), combined(agent="ClaudeBot"), json.dumps(JSON).encode()]
        ),
        st.integers(0, 250),
        st.sampled_from([b'"', b"\\", b" ", b"[", b"x", b"\xff", b""]),
    ),
    st.builds(
        lambda line, cut: line[:cut], st.sampled_from([combined(), shown()]), st.integers(0, 300)
    ),
)


LATER = combined(at=THEN + timedelta(seconds=11), agent=r"a \\ b")


@given(st.lists(LINES, max_size=6))
@example([combined(), LATER, combined()])
@example([combined(kit=("pub.example", part(), "-", "-"))])
@example([b"#" + combined()])
def test_a_glance_says_what_a_closer_look_says(lines):
    """Also of the time: both leave the stretch where it is."""
    texts, judge = [line.decode("utf-8", "replace") for line in lines], a_judge()
    stretch, fates, looked_at = Stretch(), Counter(), set()
    for place in lines_left(texts, judge.agents, stretch, fates):
        looked_at.add(place)
        with suppress(RefusedHit):
            stretch.move(hit_of(lines[place]).occurred_at)
    closer, closer_stretch = Counter(), Stretch()
    for place, line in enumerate(lines):
        with suppress(RefusedHit):
            closer_stretch.move(hit_of(line).occurred_at)
        if place not in looked_at:
            with pytest.raises(RefusedHit) as refused:
                judge.rule(hit_of(line), lambda _: "id")
            closer[refused.value.fate] += 1

    assert (closer, closer_stretch) == (+fates, stretch)
    assert set(closer) <= {Fate.NOT_A_CRAWLER, Fate.NOT_LICENSED}


def test_no_whole_token_is_taken_for_its_part():
    assert hit_of(shown()).token == part()
