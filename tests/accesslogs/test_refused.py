"""The file of refused lines says which and why; nothing that names anybody is kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.accesslogs.hits import Fate
from federation.accesslogs.refused import shape_of
from tests.accesslogs.publisher import (
    GPTBOT,
    THEN,
    Publisher,
    combined,
    shown,
    token,
)

NAMES = ["anna", "müller", "203.0.113.7", "2001:db8::7", "anna@mail.example", "hunter2"]
WHOLE = token()
JSON = {
    "remote_ip": "203.0.113.7",
    "remote_user": "anna",
    "user": {"id": "müller", "forwarded": ["2001:db8::7", "203.0.113.7"]},
    "time": THEN.isoformat(),
    "method": "GET",
    "uri": "/a?mail=anna@mail.example&password=hunter2",
    "agent": GPTBOT,
    "status": 200,
}


def by(account, line):
    """A line of somebody who is logged in."""
    return line.replace(b" - - [", b" - " + account.encode() + b" [")


def of_anna(target="/a?mail=anna@mail.example&password=hunter2", **fields):
    return by("anna", combined(target, agent="anna müller", **fields))


@pytest.fixture
def publisher(tmp_path):
    return Publisher(tmp_path)


KINDS = {
    "cut off anywhere": [of_anna()[:end] for end in range(len(of_anna()))],
    "torn at its head": [of_anna()[start:] for start in range(1, len(of_anna()))],
    "JSON cut off anywhere": [
        json.dumps(JSON | {"bytes": 5}).encode()[:end]
        for end in range(1, len(json.dumps(JSON | {"bytes": 5})))
    ],
    "JSON that lacks a field": [
        json.dumps(JSON).encode(),
        json.dumps(JSON | {"bytes": {}}).encode(),
    ],
    "another format": [b"anna 203.0.113.7 2001:db8::7 anna@mail.example", b'"anna";"hunter2"'],
    "an account of several words": [
        by("anna [müller]", combined(agent="anna")),
        by('"anna', combined(agent="anna")),
    ],
    "an account beside no time": [of_anna().replace(b"20/Nov", b"99/Nov")],
    "other line ends": [of_anna()[:70] + b"\r"],
    "other bytes": ["2001:db8::7 müller anna".encode("latin-1"), "müller anna".encode("utf-16")],
    "too long": [of_anna("/" + "anna" * 20_000)],
    "another site": [
        combined(f"http://anna:hunter2@{host}/", agent=GPTBOT)
        for host in ("other.example", "pub.example@other.example", "other.example:81")
    ]
    + [
        combined(f"http://{host}", agent=GPTBOT)
        for host in (
            "anna:hunter2/@b.example",
            "b.example?hunter2",
            "b.example#anna",
            "203.0.113.7/",
        )
    ]
    + [shown(host=host) for host in NAMES],
    "no address": [
        combined("anna@mail.example", agent=GPTBOT),
        combined("ftp://anna", agent=GPTBOT),
    ],
    "another use": [shown(use="anna@mail.example")],
    "a whole token": [combined(kit=("pub.example", WHOLE, "-", "-"))],
}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_names_anybody_is_kept(publisher, kind):
    read = publisher.read(publisher.write("a.log", KINDS[kind]))

    kept = b"".join(path.read_bytes() for path in publisher.home.rglob("*.json*")).decode()
    refused = publisher.refused()
    assert refused
    assert len(refused) == read.lines - sum(
        read.fates[fate] for fate in (Fate.BLANK, Fate.NOT_A_CRAWLER)
    )
    assert [name for name in [*NAMES, WHOLE.rpartition(".")[2]] if name in kept] == []


def test_a_refused_line_is_listed_with_its_reason_and_shape(publisher):
    elsewhere = combined(agent="curl", kit=("www.example", "token", "-", "-"))
    lines = [of_anna()[:90], elsewhere, b"2026-11-20 10:00"]
    publisher.read(publisher.write("a.log", lines))

    assert publisher.refused() == [
        {
            "line": 1,
            "reason": "MALFORMED",
            "detail": "not a whole line of a known format",
            "shape": '0.0.0.0 - a [0/a/0:0:0:0 +0] "a /a?a=a@a.a&a=a',
        },
        {
            "line": 2,
            "reason": "OTHER_SITE",
            "detail": "www.example",
            "shape": '0.0.0.0 - - [0/a/0:0:0:0 +0] "a /a a/0.0" 0 0 "-" "a" "a.a" "a" "-" "-"',
        },
        {
            "line": 3,
            "reason": "MALFORMED",
            "detail": "not a whole line of a known format",
            "shape": "0-0-0 0:0",
        },
    ]


@given(st.text())
def test_a_shape_says_nothing_but_marks(line):
    marks = set("a0 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

    shape = shape_of(line)

    assert set(shape) <= marks
    assert not any(pair in shape for pair in ("aa", "00"))
