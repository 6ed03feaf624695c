"""Batches of usage lines on both backends: each id is accepted once, each line counted once."""

import asyncio
import json
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from federation.metering import lines as usage_lines
from federation.metering.service import (
    BYTES_MAX,
    LINES_MAX,
    BatchAnswer,
    BatchConflictError,
    BatchTooLargeError,
    LicencesNamed,
    Problem,
)
from federation.metering.tables import Uncounted
from tests.databases import contents, opened, refused
from tests.metering.lines import a_line, body
from tests.metering.reports import NOON, SEPTEMBER, ingest, ingesting, kept_lines, uncounted


def as_lab(lab="lab-one"):
    return {"here": "HUB", "name": f"lab:{lab}", "source": "lab", "licensee": lab}


async def received_and_classed(database, *periods):
    """Lines and units received, and their sum over the classes and what waits for one."""
    received, classed = Counter(), Counter()
    async with database.read() as session:
        for period in periods:
            lines, units = await usage_lines.received(session, period)
            received.update(lines=lines, units=units)
            for count, total in (await usage_lines.classes(session, period)).values():
                classed.update(lines=count, units=total)
            waiting = await usage_lines.undecided_lines(session, period, "DE")
            classed.update(lines=len(waiting), units=sum(line.units for line in waiting))
    return dict(received), dict(classed)


async def test_a_receipt_says_what_became_of_each_line(database):
    receipt = await ingest(
        database,
        a_line("e-1"),
        a_line("e-2", units="7"),
        a_line("e-3", licence="HUB-000002"),
        a_line("e-4", occurred_at="2026-10-01T00:00:00Z"),
        a_line("e-5", use="SEARCH"),
        a_line("e-6", licence="HUB-000009", units=11),
        a_line("e-7", units=0),
        a_line("e-1"),
        a_line("e-1", units=6),
    )

    assert receipt == BatchAnswer(
        batch="b-1",
        lines=9,
        classes={
            "ACCEPTED": (2, "12"),
            "other_source": (1, "5"),
            "OUTSIDE_TERM": (1, "5"),
            "OUT_OF_SCOPE": (1, "5"),
            "UNKNOWN_LICENCE": (1, "11"),
            "MALFORMED": (1, "0"),
            "DUPLICATE": (1, "5"),
            "CONFLICT": (1, "6"),
        },
        problems=[
            Problem(6, "UNKNOWN_LICENCE", "no such licence: HUB-000009"),
            Problem(7, "MALFORMED", "units: 0 is not at least 1"),
            Problem(8, "DUPLICATE", "event_id e-1 was accepted before"),
            Problem(9, "CONFLICT", "event_id e-1 was accepted before"),
        ],
        notices=[
            Problem(3, "other_source", "HUB-000002 counts what the lab reports"),
            Problem(4, "OUTSIDE_TERM", "HUB-000001 holds from 2026-09-01 to 2026-09-30"),
            Problem(5, "OUT_OF_SCOPE", "HUB-000001 does not grant SEARCH"),
        ],
    )
    assert await kept_lines(database) == [
        ("site:pub", "e-1", 5, None),
        ("site:pub", "e-2", 7, None),
        ("site:pub", "e-3", 5, "other_source"),
        ("site:pub", "e-4", 5, "OUTSIDE_TERM"),
        ("site:pub", "e-5", 5, "OUT_OF_SCOPE"),
    ]
    assert await uncounted(database) == [
        (6, "UNKNOWN_LICENCE", 11),
        (7, "MALFORMED", 0),
        (8, "DUPLICATE", 5),
        (9, "CONFLICT", 6),
    ]
    async with database.read() as session:
        assert await usage_lines.received(session, SEPTEMBER) == (8, 44)
        assert await usage_lines.received(session, "2026-10") == (1, 5)
        assert await usage_lines.classes(session, SEPTEMBER) == {
            "other_source": (1, 5),
            "OUT_OF_SCOPE": (1, 5),
            "UNKNOWN_LICENCE": (1, 11),
            "MALFORMED": (1, 0),
            "DUPLICATE": (1, 5),
            "CONFLICT": (1, 6),
        }
        refused = select(Uncounted).order_by(Uncounted.line_no).limit(2)
        assert [(row.line_no, row.raw) for row in await session.scalars(refused)] == [
            (6, a_line("e-6", licence="HUB-000009", units=11)),
            (7, a_line("e-7", units=0)),
        ]


async def test_an_empty_batch_has_a_receipt_too(database):
    assert await ingest(database, data=b"") == BatchAnswer("b-1", 0, {}, [])


async def test_an_id_of_an_earlier_batch_is_a_duplicate_or_a_conflict_and_the_first_stands(
    database,
):
    await ingest(database, a_line("e-1"), a_line("e-2"))

    receipt = await ingest(
        database,
        a_line("e-1", units="5", occurred_at="2026-09-10T14:00:00+02:00"),
        a_line("e-2", url="https://X.example/a"),
        a_line("e-3"),
        key="b-2",
    )

    assert receipt.classes == {"ACCEPTED": (1, "5"), "DUPLICATE": (1, "5"), "CONFLICT": (1, "5")}
    assert [(problem.line, problem.verdict) for problem in receipt.problems] == [
        (1, "DUPLICATE"),
        (2, "CONFLICT"),
    ]
    assert await kept_lines(database) == [
        ("site:pub", name, 5, None) for name in ("e-1", "e-2", "e-3")
    ]
    rows = (await contents(database))["metering_line"]
    assert {row[3] for row in rows} == {"https://x.example/a"}


async def test_a_line_is_compared_with_the_first_accepted_not_with_the_one_before_it(database):
    await ingest(database, a_line("e-1", units=1))

    receipt = await ingest(
        database,
        a_line("e-1", units=2),
        a_line("e-1", units=2),
        a_line("e-1", units=1),
        key="b-2",
    )

    assert [(problem.line, problem.verdict) for problem in receipt.problems] == [
        (1, "CONFLICT"),
        (2, "CONFLICT"),
        (3, "DUPLICATE"),
    ]
    assert receipt.classes == {"CONFLICT": (2, "4"), "DUPLICATE": (1, "1")}
    assert await kept_lines(database) == [("site:pub", "e-1", 1, None)]


async def test_reporters_number_their_lines_apart(database):
    for reporter in ("site:pub", "site:other"):
        receipt = await ingest(database, a_line("e-1"), name=reporter)
        assert receipt.classes == {"ACCEPTED": (1, "5")}

    assert await kept_lines(database) == [
        ("site:other", "e-1", 5, None),
        ("site:pub", "e-1", 5, None),
    ]


async def test_the_same_batch_again_gets_the_same_receipt_and_counts_nothing(database):
    lines = [a_line("e-1"), a_line("e-2", units=0), a_line("e-1")]
    first = await ingest(database, *lines)
    before = await contents(database)

    later = NOON + timedelta(days=40)
    assert await ingest(database, *lines, now=later, licences=LicencesNamed({}, {})) == first
    assert await contents(database) == before


async def test_other_content_under_the_key_of_a_batch_is_refused(database):
    await ingest(database, a_line("e-1"))

    refusal = await refused(
        database, BatchConflictError, ingesting(body(a_line("e-1"), a_line("e-2")))
    )

    assert (refusal.code, refusal.detail) == ("IDEMPOTENCY_CONFLICT", "b-1")


async def test_the_same_lines_under_another_key_are_all_duplicates(database):
    lines = [a_line("e-1"), a_line("e-2")]
    await ingest(database, *lines)

    receipt = await ingest(database, *lines, key="b-2")

    assert receipt.classes == {"DUPLICATE": (2, "10")}
    assert len(await kept_lines(database)) == 2


async def test_two_reporters_may_use_one_key(database):
    await ingest(database, a_line("e-1"))

    receipt = await ingest(database, a_line("e-2"), name="site:other")

    assert receipt.classes == {"ACCEPTED": (1, "5")}


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
async def test_a_batch_of_five_thousand_lines_is_taken(database, end):
    lines = [a_line(f"e-{number}", units=number + 1) for number in range(LINES_MAX)]

    receipt = await ingest(database, data=body(*lines) + end.encode())

    assert receipt.classes == {"ACCEPTED": (5_000, "12502500")}
    async with database.read() as session:
        assert await usage_lines.received(session, SEPTEMBER) == (5_000, 12_502_500)


@pytest.mark.parametrize("end", ["", "\n"])
async def test_a_batch_of_one_line_more_is_refused(database, end):
    lines = [a_line(f"e-{number}") for number in range(LINES_MAX + 1)]

    refusal = await refused(database, BatchTooLargeError, ingesting(body(*lines) + end.encode()))

    assert refusal.code == "BATCH_TOO_LARGE"


async def test_a_batch_may_have_eight_mebibytes_and_not_a_byte_more(database):
    line = a_line("e-1").encode()
    full = line + b" " * (8 * 2**20 - len(line))

    await refused(database, BatchTooLargeError, ingesting(full + b" "))
    receipt = await ingest(database, data=full)

    assert len(full) == BYTES_MAX
    assert receipt.classes == {"ACCEPTED": (1, "5")}


async def test_what_cannot_be_read_in_the_middle_keeps_the_others(database):
    receipt = await ingest(
        database,
        data=b"\n".join(
            [
                a_line("e-1").encode(),
                b'{"event_id": "e-2"',
                b"\xff",
                b"[" * 100_000,
                a_line("e-3", licence="L\0" * 500).encode(),
                a_line("\0").encode(),
                a_line("e-5").encode(),
            ]
        ),
    )

    assert receipt.classes == {
        "ACCEPTED": (2, "10"),
        "MALFORMED": (4, "5"),
        "UNKNOWN_LICENCE": (1, "5"),
    }
    assert [problem.line for problem in receipt.problems] == [2, 3, 4, 5, 6]
    assert [row[1] for row in await kept_lines(database)] == ["e-1", "e-5"]


async def test_another_labs_licence_is_unknown_and_leaves_the_id_free(database):
    lines = [a_line("e-1", licence=number) for number in ("HUB-000003", "HUB-000009")]

    receipt = await ingest(database, *lines, **as_lab())

    assert receipt.classes == {"UNKNOWN_LICENCE": (2, "10")}
    assert [problem.reason for problem in receipt.problems] == [
        "no such licence: HUB-000003",
        "no such licence: HUB-000009",
    ]
    assert await kept_lines(database) == []

    again = await ingest(database, a_line("e-1", licence="HUB-000002"), key="b-2", **as_lab())

    assert again.classes == {"ACCEPTED": (1, "5")}
    assert await kept_lines(database) == [("lab:lab-one", "e-1", 5, None)]


async def test_a_malformed_line_leaves_its_id_free(database):
    await ingest(database, a_line("e-1", use="PRINT"), a_line("e-1", units=-1))

    assert (await ingest(database, a_line("e-1"), key="b-2")).classes == {"ACCEPTED": (1, "5")}


async def test_a_line_outside_its_licence_takes_its_id(database):
    await ingest(database, a_line("e-1", use="SEARCH"))

    receipt = await ingest(
        database, a_line("e-1", use="SEARCH"), a_line("e-1", use="TRAIN"), key="b-2"
    )

    assert receipt.classes == {"DUPLICATE": (1, "5"), "CONFLICT": (1, "5")}


async def test_units_add_up_beyond_sixty_four_bits(database):
    most = 2**63 - 1

    receipt = await ingest(
        database,
        a_line("e-1", units=most),
        a_line("e-2", units=str(most)),
        a_line("e-3", units=2**64),
    )

    assert receipt.classes == {
        "ACCEPTED": (2, "18446744073709551614"),
        "MALFORMED": (1, "9223372036854775807"),
    }
    async with database.read() as session:
        assert await usage_lines.received(session, SEPTEMBER) == (3, 3 * most)


async def test_a_receipt_shows_a_hundred_problems_and_all_are_kept(database):
    receipt = await ingest(database, *(a_line(f"e-{number}", units=0) for number in range(150)))

    assert receipt.classes == {"MALFORMED": (150, "0")}
    assert [problem.line for problem in receipt.problems] == list(range(1, 101))
    assert await uncounted(database) == [(number, "MALFORMED", 0) for number in range(1, 151)]


async def test_beyond_a_limit_refused_lines_are_counted_and_no_longer_kept(database, monkeypatch):
    """A reporter sends rubbish by the million: each line is in the sums, few are on disk."""
    monkeypatch.setattr("federation.metering.uncounted.KEPT_MAX", 100)
    for number in range(3):
        bad = (a_line(f"e-{number}-{line}", units=2**64 if line else 0) for line in range(60))
        await ingest(database, *bad, key=f"key-{number}")
    other = await ingest(database, a_line("o-1", units=0), name="other")

    kept = await uncounted(database)
    assert (len(kept), other.classes) == (101, {"MALFORMED": (1, "0")})
    async with database.read() as session:
        units = 3 * 59 * (2**63 - 1)
        assert await usage_lines.received(session, SEPTEMBER) == (181, units)
        assert await usage_lines.classes(session, SEPTEMBER) == {"MALFORMED": (181, units)}


async def test_batches_at_once_accept_each_id_once(database):
    def lines_of(batch):
        """40 of 70 ids, some with content of their own, so that they can conflict."""
        numbers = [(batch * 7 + step) % 70 for step in range(40)]
        return [
            a_line(
                f"e-{number}",
                units=1 + (number % 5 == 0) * batch,
                url=f"https://x.example/{number}",
            )
            for number in numbers
        ]

    receipts = await asyncio.gather(
        *(ingest(database, *lines_of(batch), key=f"b-{batch}") for batch in range(8)),
        *(ingest(database, *lines_of(batch), key=f"b-{batch}") for batch in range(8)),
    )

    assert receipts[:8] == receipts[8:]
    ids = {json.loads(line)["event_id"] for batch in range(8) for line in lines_of(batch)}
    kept = await kept_lines(database)
    assert sorted(row[1] for row in kept) == sorted(ids)
    total = Counter()
    for receipt in receipts[:8]:
        total.update({name: lines for name, (lines, _) in receipt.classes.items()})
    assert total["ACCEPTED"] == len(ids)
    assert total.total() == 320
    assert set(total) == {"ACCEPTED", "DUPLICATE", "CONFLICT"}
    received, classed = await received_and_classed(database, SEPTEMBER)
    assert received == classed
    assert received["lines"] == 320


CONTENTS = [
    {},
    {"units": 7},
    {"use": "SEARCH"},
    {"licence": "HUB-000002"},
    {"occurred_at": "2026-10-01T00:00:00Z"},
    {"licence": "HUB-000009"},
    {"units": 0},
    {"occurred_at": "never", "units": 3},
]
DECIDED = [None, None, "OUT_OF_SCOPE", "other_source", "OUTSIDE_TERM"]
batches = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["e-1", "e-2", "e-3"]), st.integers(0, len(CONTENTS) - 1)),
        max_size=6,
    ),
    max_size=4,
)


def expected_classes(sent, first):
    """The classes of a batch by the rules alone; `first` keeps what each id was taken for."""
    found = {}
    for event_id, number in sent:
        if number >= len(DECIDED):
            verdict = "UNKNOWN_LICENCE" if "licence" in CONTENTS[number] else "MALFORMED"
        elif event_id in first:
            verdict = "DUPLICATE" if first[event_id] == number else "CONFLICT"
        else:
            first[event_id], verdict = number, DECIDED[number] or "ACCEPTED"
        lines, units = found.get(verdict, (0, "0"))
        units = str(int(units) + CONTENTS[number].get("units", 5))
        found[verdict] = (lines + 1, units)
    return found


@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches)
async def test_lines_and_units_received_are_those_of_all_classes_together(backend, sent):
    first = {}
    async with backend.url(migrated=True) as url, opened(url) as database:
        for number, lines in enumerate(sent):
            texts = [a_line(event_id, **CONTENTS[content]) for event_id, content in lines]
            receipt = await ingest(database, *texts, key=f"b-{number}")
            assert receipt.classes == expected_classes(lines, first)
            assert receipt.lines == len(lines)
        received, classed = await received_and_classed(database, SEPTEMBER, "2026-10")

    assert received == classed
    assert received["lines"] == sum(len(lines) for lines in sent)
    assert received["units"] == sum(
        CONTENTS[content].get("units", 5) for lines in sent for _, content in lines
    )
