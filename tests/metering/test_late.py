"""Lines that come after their month was cut off wait for its correction, and are classed then."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from federation.licensing.objects import Reporting
from federation.metering import lines as usage_lines
from federation.metering import node_month, service
from federation.metering.messages import CutOff
from federation.metering.tables import MeteringPeriod
from tests.databases import opened
from tests.licensing.licences import a_licence as a_licence_object
from tests.metering.licences import a_row
from tests.metering.lines import a_line
from tests.metering.reports import (
    NOON,
    SEPTEMBER,
    ingest,
    kept_lines,
    uncounted,
)

LATE = [
    a_line("e-1"),
    a_line("e-2", use="SEARCH"),
    a_line("e-3", licence="HUB-000002"),
    a_line("e-4", occurred_at="2026-09-10T12:00:00.000001Z", licence="HUB-000004"),
    a_line("e-5", units=0),
]


@pytest.fixture
async def reported(database):
    """A node whose September is reported, and three licences: of a site, of a lab, revoked."""
    noon = datetime(2026, 9, 10, 12, tzinfo=UTC)
    objects = [
        a_licence_object(),
        a_licence_object(number="HUB-000002", reporting=Reporting("lab")),
        a_licence_object(number="HUB-000004", status="REVOKED", revoked_at=noon),
    ]
    async with database.write("setup") as session:
        session.add(MeteringPeriod(period=SEPTEMBER, state="REPORTED", cut_off_at=NOON, round=0))
        session.add_all(a_row(item) for item in objects)
    return database


async def report(database):
    async with database.read() as session:
        named = await service.licences_named(session, {f"HUB-00000{n}" for n in (1, 2, 4)})
    return await ingest(database, *LATE, licences=named)


async def test_what_came_late_waits_and_is_in_no_class(reported):
    receipt = await report(reported)

    assert receipt.classes == {"LATE": (5, "20")}
    async with reported.read() as session:
        assert await usage_lines.late_lines(session) == {SEPTEMBER: (5, 20)}
        assert await usage_lines.classes(session, SEPTEMBER) == {}


async def test_a_correction_takes_a_late_line_in_under_the_terms_of_its_licence(reported):
    """A line outside its term, scope or source is not to be counted because it came late."""
    await report(reported)
    async with reported.write("round") as session:
        await node_month.receive_cut_off(session, CutOff(SEPTEMBER, 1), NOON)

    assert [(row[1], row[3]) for row in await kept_lines(reported)] == [
        ("e-1", None),
        ("e-2", "OUT_OF_SCOPE"),
        ("e-3", "other_source"),
        ("e-4", "OUTSIDE_TERM"),
    ]
    assert await uncounted(reported) == [(5, "MALFORMED", 0)]
    async with reported.read() as session:
        assert await usage_lines.late_lines(session) == {}
        waiting = await usage_lines.undecided_lines(session, SEPTEMBER, "DE")
    assert [line.event_id for line in waiting] == ["e-1"]


async def test_late_lines_beyond_those_that_are_kept_get_the_class_they_were_to_have(
    reported, monkeypatch
):
    monkeypatch.setattr("federation.metering.uncounted.KEPT_MAX", 0)
    await report(reported)
    async with reported.read() as session:
        assert await usage_lines.late_lines(session) == {SEPTEMBER: (5, 20)}
        assert await usage_lines.classes(session, SEPTEMBER) == {}
    async with reported.write("round") as session:
        await node_month.receive_cut_off(session, CutOff(SEPTEMBER, 1), NOON)

    assert await uncounted(reported) == []
    async with reported.read() as session:
        assert await usage_lines.late_lines(session) == {}
        assert (await usage_lines.classes(session, SEPTEMBER))["MALFORMED"] == (1, 0)


async def test_late_lines_are_found_by_an_index_of_their_own(sqlite):
    """The work-list asks at every look; the months behind it hold millions of lines."""
    asked = []
    async with (
        sqlite.url(migrated=True) as url,
        opened(url) as database,
        database.read() as session,
    ):
        connection = await session.connection()
        event.listen(
            connection.sync_connection,
            "before_cursor_execute",
            lambda _c, _cursor, statement, values, *_: asked.append((statement, values)),
        )
        await usage_lines.late_lines(session)
        plans = [
            (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)).all()
            for statement, values in list(asked)
        ]

    used = [row[3].rpartition(" ")[2] for plan in plans for row in plan]
    assert used == [
        "ix_metering_uncounted_late",
        "metering_uncounted_rest",  # a row per reporter, month and class, and hardly ever one
        "ix_metering_line_late",
        "ix_metering_routed_line_late",
    ]
