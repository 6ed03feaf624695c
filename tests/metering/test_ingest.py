"""What one server decides alone: classes 1 to 4 of a batch, line by line (SETTLEMENT §3)."""

import json
from codecs import BOM_UTF8
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.metering.ingest import (
    RAW_KEPT,
    REASON_KEPT,
    UNITS_MAX,
    Desk,
    RefusedLine,
    decode_lines,
    repeated,
    sort_batch,
)
from federation.store.base import to_micros
from federation.values.evidence import Evidence
from tests.metering.good_lines import GOOD, LICENCES

USES = ("GROUND", "SEARCH", "TRAIN")
NOON = to_micros(datetime(2026, 9, 10, 12, tzinfo=UTC))


def a_desk(source="site", licensee=None):
    licences = {licence.number: licence for licence in LICENCES}
    return Desk(source, licences, licensee, USES, "2026-10")


def a_line(**changes):
    """A line of text; a field changed to None is left out."""
    line = GOOD | changes
    return json.dumps({name: value for name, value in line.items() if value is not None})


def batch_of(*lines, desk=None):
    raw = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return sort_batch(decode_lines(raw), desk or a_desk())


def accepted(line, **options):
    [only] = batch_of(line, **options).accepted.values()
    return only


def refused(line, **options):
    batch = batch_of(line, **options)
    assert (batch.accepted, batch.repeats) == ({}, [])
    [only] = batch.refused
    return only


def test_a_line_that_its_licence_covers_waits_for_its_class():
    line = accepted(a_line())

    assert line.content == ("HUB-000001", "https://x.example/a", "TRAIN", 5, NOON)
    assert (line.event_id, line.period, line.verdict) == ("e-1", "2026-09", None)
    assert (line.evidence, line.line_no) == (None, 1)


def test_what_is_known_of_a_request_is_kept_as_evidence():
    line = accepted(a_line(source="site", token="jti", agent="Bot\0/1", status=200, bytes=7))

    assert json.loads(line.evidence) == {
        "token": "jti",
        "agent": "Bot\0/1",
        "status": 200,
        "bytes": 7,
    }
    assert "\0" not in line.evidence
    assert accepted(a_line(status=404)).evidence == '{"status":404}'


@pytest.mark.parametrize("evidence", [None, *Evidence])
def test_a_site_says_what_a_line_rests_on_and_means_a_gate_otherwise(evidence):
    line = accepted(a_line(evidence=evidence))

    assert line.known_by is (evidence or Evidence.GATE)
    assert line.content == accepted(a_line()).content


@pytest.mark.parametrize(
    ("source", "evidence"),
    [("site", "HEARSAY"), ("site", ""), ("lab", "TOKEN_LOGGED"), ("lab", "AGENT_LOGGED")],
)
def test_evidence_that_is_unknown_or_no_labs_is_malformed(source, evidence):
    line = refused(a_line(evidence=evidence), desk=a_desk(source))

    assert (line.verdict, line.reason) == ("MALFORMED", f"evidence: unknown {evidence!r}")


@pytest.mark.parametrize(
    ("units", "counted"),
    [(1, 1), ("1", 1), ("007", 7), (UNITS_MAX, UNITS_MAX), (str(10**15), 10**15)],
    ids=repr,
)
def test_units_may_be_a_number_or_a_decimal_text(units, counted):
    assert accepted(a_line(units=units)).content[3] == counted


@pytest.mark.parametrize(
    ("units", "counted"),
    [
        (0, 0),
        (-1, 0),
        ("-7", 0),
        ("", 0),
        ("+1", 0),
        (" 1", 0),
        ("1_0", 0),
        ("1.0", 0),
        ("\u0661", 0),
        ("9" * 31, 0),
        (2**63, UNITS_MAX),
        (str(2**63), UNITS_MAX),
        (10**40, UNITS_MAX),
    ],
    ids=repr,
)
def test_units_that_are_no_count_are_malformed(units, counted):
    line = refused(a_line(units=units))

    assert (line.verdict, line.period, line.units) == ("MALFORMED", "2026-09", counted)
    assert line.reason == f"units: {units!r} is not at least 1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_id": ""}, "event_id: 1 to 128 characters"),
        ({"event_id": "e" * 129}, "event_id: 1 to 128 characters"),
        ({"event_id": "e\0"}, "event_id: 1 to 128 characters"),
        ({"use": "PRINT"}, "use: unknown 'PRINT'"),
        ({"use": "*"}, "use: unknown '*'"),
        ({"use": "train"}, "use: unknown 'train'"),
        ({"source": "lab"}, "source: lines here are site"),
        ({"url": "ftp://x.example/"}, "url: This is not an http or https URL with a host."),
        ({"url": "https:///a"}, "url: This is not an http or https URL with a host."),
        ({"url": "x.example/a"}, "url: This is not an http or https URL with a host."),
        ({"url": "https://x.example/a\tb"}, "url: This is not an http or https URL with a host."),
        (
            {"url": f"https://x.example/{'a' * 8192}"},
            "url: This is not an http or https URL with a host.",
        ),
    ],
)
def test_a_line_with_a_bad_field_is_malformed_and_its_units_count(changes, reason):
    line = refused(a_line(**changes))

    assert (line.line_no, line.verdict, line.period, line.units) == (1, "MALFORMED", "2026-09", 5)
    assert line.reason.startswith(reason)
    assert line.raw == a_line(**changes)[:RAW_KEPT]


@pytest.mark.parametrize(
    "occurred_at",
    ["", "2026-09-10", "2026-09-10T12:00:00", "2026-09-31T12:00:00Z", "1757505600", "yesterday"],
)
def test_a_line_without_an_instant_counts_in_the_current_month(occurred_at):
    line = refused(a_line(occurred_at=occurred_at))

    assert (line.verdict, line.period, line.units) == ("MALFORMED", "2026-10", 5)
    assert line.reason.startswith("occurred_at: no RFC 3339 time")


@pytest.mark.parametrize(
    ("raw", "period", "units"),
    [
        (b"{", "2026-10", 0),
        (b"[]", "2026-10", 0),
        (b"null", "2026-10", 0),
        (b'"text"', "2026-10", 0),
        (b"\xff\xfe", "2026-10", 0),
        (b"\0", "2026-10", 0),
        (b'{"units":3}', "2026-10", 3),
        (b'{"units":"3","occurred_at":"2026-08-01T00:00:00+01:00"}', "2026-07", 3),
        (b'{"units":3.0,"occurred_at":"2026-08-01T00:00:00Z"}', "2026-08", 0),
        (b'{"units":true}', "2026-10", 0),
        (b'{"units":-3,"occurred_at":5}', "2026-10", 0),
        (b'{"units":1e400}', "2026-10", 0),
        (b'{"units":' + b"9" * 5000 + b"}", "2026-10", 0),
        (b'{"event_id":"\\ud800"}', "2026-10", 0),
        (b"[" * 100_000, "2026-10", 0),
        (b'{"units":' * 100_000, "2026-10", 0),
        (a_line(licence=7).encode(), "2026-09", 5),
        (a_line(event_id=7).encode(), "2026-09", 5),
        (a_line(licence=None).encode(), "2026-09", 5),
        (a_line(status="200").encode(), "2026-09", 5),
    ],
)
def test_what_is_no_line_is_malformed_and_keeps_what_can_be_read(raw, period, units):
    line = refused(raw)

    assert (line.verdict, line.period, line.units) == ("MALFORMED", period, units)
    assert line.reason != ""
    assert line.raw == raw[:RAW_KEPT].decode("utf-8", "replace").replace("\0", "\ufffd")


def test_a_line_with_half_of_a_surrogate_pair_is_malformed_with_its_place():
    line = refused(b'{"event_id":"\\ud800"}')

    assert (line.line_no, line.verdict) == (1, "MALFORMED")
    assert line.reason == r"byte 14: \ud800 is half of a surrogate pair, which is no text"


@pytest.mark.parametrize(
    ("number", "licensee"),
    [("HUB-000009", None), ("HUB-000009", "lab-one"), ("HUB-000004", "lab-one"), ("", None)],
)
def test_a_licence_that_is_unknown_or_another_labs_is_unknown(number, licensee):
    line = refused(a_line(licence=number), desk=a_desk(licensee=licensee))

    assert (line.verdict, line.period, line.units) == ("UNKNOWN_LICENCE", "2026-09", 5)
    assert line.reason == f"no such licence: {number}"


def test_a_site_reports_the_licence_of_any_lab():
    assert accepted(a_line(licence="HUB-000004")).verdict is None
    own = a_desk(licensee="lab-two")
    assert accepted(a_line(licence="HUB-000004"), desk=own).verdict is None


def test_what_is_kept_of_a_reason_is_short_and_free_of_zeros():
    line = refused(a_line(licence="L\0" + "x" * 10_000))

    assert line.reason == "no such licence: L\ufffd" + "x" * (REASON_KEPT - 19)
    assert len(line.raw) == RAW_KEPT


def test_a_malformed_line_is_malformed_before_its_licence_is_looked_at():
    assert refused(a_line(licence="HUB-000009", units=0)).verdict == "MALFORMED"
    assert refused(a_line(licence="HUB-000009", url="x")).verdict == "MALFORMED"


@pytest.mark.parametrize(
    ("changes", "verdict", "period"),
    [
        ({}, None, "2026-09"),
        ({"licence": "HUB-000002"}, "other_source", "2026-09"),
        (
            {"licence": "HUB-000002", "occurred_at": "2027-09-10T12:00:00Z", "use": "GROUND"},
            "other_source",
            "2027-09",
        ),
        ({"occurred_at": "2026-08-31T23:59:59.999999Z"}, "OUTSIDE_TERM", "2026-08"),
        ({"occurred_at": "2026-09-01T00:00:00Z"}, None, "2026-09"),
        ({"occurred_at": "2026-09-01T01:59:59+02:00"}, "OUTSIDE_TERM", "2026-08"),
        ({"occurred_at": "2026-09-01T02:00:00+02:00"}, None, "2026-09"),
        ({"occurred_at": "2026-09-30T23:59:59.999999Z"}, None, "2026-09"),
        ({"occurred_at": "2026-10-01T00:00:00Z"}, "OUTSIDE_TERM", "2026-10"),
        ({"occurred_at": "2026-09-30T23:00:00-01:00"}, "OUTSIDE_TERM", "2026-10"),
        ({"occurred_at": "2026-10-01T00:00:00Z", "use": "GROUND"}, "OUTSIDE_TERM", "2026-10"),
        (
            {"licence": "HUB-000003", "occurred_at": "2026-09-15T12:00:00Z"},
            None,
            "2026-09",
        ),
        (
            {"licence": "HUB-000003", "occurred_at": "2026-09-15T12:00:00.000001Z"},
            "OUTSIDE_TERM",
            "2026-09",
        ),
        ({"use": "SEARCH"}, None, "2026-09"),
        ({"use": "GROUND"}, "OUT_OF_SCOPE", "2026-09"),
    ],
)
def test_a_line_its_licence_does_not_cover_takes_its_id_and_its_class(changes, verdict, period):
    line = accepted(a_line(**changes))

    assert (line.event_id, line.verdict, line.period) == ("e-1", verdict, period)


def test_a_lab_reports_by_the_same_rules():
    lab = a_desk("lab", "lab-one")

    assert accepted(a_line(), desk=lab).verdict == "other_source"
    assert accepted(a_line(licence="HUB-000002", source="lab"), desk=lab).verdict is None
    assert refused(a_line(source="site"), desk=lab).reason == "source: lines here are lab"


def test_an_id_twice_in_a_batch_belongs_to_its_first_accepted_line():
    batch = batch_of(
        a_line(units=0),
        a_line(licence="HUB-000009"),
        a_line(units=3),
        a_line(units="3"),
        a_line(units=4, use="GROUND"),
        a_line(event_id="e-2"),
    )

    assert [line.line_no for line in batch.accepted.values()] == [3, 6]
    assert [line.line_no for line in batch.repeats] == [4, 5]
    assert [(line.line_no, line.verdict) for line in batch.refused] == [
        (1, "MALFORMED"),
        (2, "UNKNOWN_LICENCE"),
    ]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "DUPLICATE"),
        ({"units": "5"}, "DUPLICATE"),
        ({"occurred_at": "2026-09-10T14:00:00.0000009+02:00"}, "DUPLICATE"),
        ({"token": "jti", "agent": "Bot", "status": 200, "bytes": 1}, "DUPLICATE"),
        ({"licence": "HUB-000002"}, "CONFLICT"),
        ({"url": "https://X.example/a"}, "CONFLICT"),
        ({"use": "SEARCH"}, "CONFLICT"),
        ({"units": 6}, "CONFLICT"),
        ({"occurred_at": "2026-09-10T12:00:00.000001Z"}, "CONFLICT"),
    ],
)
def test_a_repeated_id_is_a_duplicate_or_a_conflict_by_its_content(changes, verdict):
    first, again = accepted(a_line()), accepted(a_line(**changes))

    assert repeated(again, first.content) == RefusedLine(
        line_no=1,
        verdict=verdict,
        period="2026-09",
        units=again.content[3],
        reason="event_id e-1 was accepted before",
        raw="e-1",
    )


def test_bad_json_in_the_middle_leaves_the_other_lines_their_numbers():
    batch = batch_of(a_line(), "", '{"event_id": "e-2",', "  \r", a_line(event_id="e-3") + "\r", "")

    assert [(line.event_id, line.line_no) for line in batch.accepted.values()] == [
        ("e-1", 1),
        ("e-3", 5),
    ]
    assert [(line.line_no, line.verdict) for line in batch.refused] == [(3, "MALFORMED")]


def test_an_empty_batch_has_no_lines():
    for batch in (batch_of(), batch_of("\n\n")):
        assert (batch.accepted, batch.repeats, batch.refused) == ({}, [], [])


texts = st.builds(
    a_line,
    event_id=st.sampled_from(["e-1", "e-2", "", None]),
    licence=st.sampled_from(["HUB-000001", "HUB-000002", "HUB-000009"]),
    use=st.sampled_from([*USES, "PRINT"]),
    units=st.integers(-2, 5) | st.sampled_from(["7", "x", 2**63, None]),
    occurred_at=st.sampled_from(
        ["2026-09-10T12:00:00Z", "2026-10-10T12:00:00Z", "2026-09-10T12:00:00", "never"]
    ),
)


def counted_units(text):
    units = json.loads(text).get("units", 0)
    return min(max(int(units) if str(units).lstrip("-").isdigit() else 0, 0), UNITS_MAX)


@given(st.lists(texts))
def test_every_line_and_unit_received_is_in_one_class(lines):
    batch = batch_of(*lines)
    taken = [*batch.accepted.values(), *batch.repeats]
    units = sum(line.content[3] for line in taken) + sum(line.units for line in batch.refused)

    assert sorted(line.line_no for line in (*taken, *batch.refused)) == list(
        range(1, len(lines) + 1)
    )
    assert units == sum(counted_units(line) for line in lines)


def test_a_byte_order_mark_in_front_of_a_batch_is_passed_over():
    batch = batch_of(BOM_UTF8 + a_line().encode(), a_line(event_id="e-2"))

    assert (list(batch.accepted), batch.refused) == (["e-1", "e-2"], [])


def test_a_byte_order_mark_elsewhere_is_part_of_its_line():
    batch = batch_of(a_line(), BOM_UTF8 + a_line(event_id="e-2").encode())

    assert list(batch.accepted) == ["e-1"]
    assert [(line.line_no, line.verdict) for line in batch.refused] == [(2, "MALFORMED")]


@given(st.lists(st.binary() | texts.map(str.encode)))
def test_no_bytes_stop_a_batch(lines):
    body = b"\n".join(lines)
    batch = sort_batch(decode_lines(body), a_desk())
    numbers = [line.line_no for line in (*batch.accepted.values(), *batch.repeats, *batch.refused)]

    assert sorted(numbers) == [
        number
        for number, raw in enumerate(body.removeprefix(BOM_UTF8).split(b"\n"), start=1)
        if raw.strip()
    ]
    assert not any("\0" in line.reason + line.raw for line in batch.refused)
