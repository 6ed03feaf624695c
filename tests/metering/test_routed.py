"""Lines that entered elsewhere, as their owner takes them: in time, or late."""

from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import select

from federation.metering import month, node_month, routing
from federation.metering.messages import Complete, CutOff, Forwarded, RoutedLineFact, UsageRouted
from federation.metering.periods import CountMismatchError, MonthStateError
from federation.metering.tables import MeteringPeriod, Progress, RoutedLine
from federation.store import outbox
from federation.store.base import to_micros
from federation.store.messages import opened as opened_message
from federation.values.evidence import Evidence
from tests.databases import a_party, opened, refused
from tests.licensing.licences import a_licence
from tests.metering.licences import a_row
from tests.metering.reports import NOON, SEPTEMBER

AT = to_micros(datetime(2026, 9, 10, 12, tzinfo=UTC))


def routed(*event_ids):
    lines = [
        RoutedLineFact("r", event_id, "HUB-000001", "https://a.example/1", "TRAIN", 7, AT)
        for event_id in event_ids
    ]
    return UsageRouted(SEPTEMBER, "FR", "DE", lines)


@pytest.mark.parametrize("evidence", list(Evidence))
def test_what_lines_rest_on_is_written_only_where_it_is_no_gate(evidence):
    """So that a server of an older version takes what it can understand."""
    sent = msgspec.structs.replace(routed("e-1"), evidence=evidence)

    written = msgspec.json.decode(msgspec.json.encode(sent))

    assert [len(line) for line in written["lines"]] == [7]
    assert written.get("evidence") == (None if evidence == Evidence.GATE else evidence)
    assert msgspec.convert(written, UsageRouted) == sent


async def a_month(database, state, *, complete_lines=None, received_lines=0):
    async with database.write("setup") as session:
        session.add(a_row(a_licence()))
        session.add(
            MeteringPeriod(
                period=SEPTEMBER,
                state=state,
                cut_off_at=NOON,
                round=0,
                complete_lines=complete_lines,
                received_lines=received_lines,
            )
        )


async def verdicts(database):
    async with database.read() as session:
        rows = await session.scalars(select(RoutedLine).order_by(RoutedLine.event_id))
        return {row.event_id: row.verdict for row in rows}


@pytest.mark.parametrize(
    ("state", "complete_lines", "verdict"),
    [
        ("CUT_OFF", None, None),
        ("CUT_OFF", 0, "LATE"),  # told that all had come before it had sent on its own
        ("FORWARDED", None, None),
        ("COMPLETE", 0, "LATE"),
        ("COMPLETE", 5, "LATE"),
        ("REPORTED", None, "LATE"),
        ("REPORTED", 0, "LATE"),
    ],
)
async def test_a_routed_line_is_late_once_all_of_the_month_were_said_to_have_come(
    database, state, complete_lines, verdict
):
    await a_month(database, state, complete_lines=complete_lines)
    async with database.write("routed") as session:
        await routing.receive_routed(session, routed("e-1"), "DE")

    assert await verdicts(database) == {"e-1": verdict}
    async with database.read() as session:
        row = await session.get_one(MeteringPeriod, SEPTEMBER)
        assert (row.state, row.received_lines) == (state, 1)


async def test_the_line_before_complete_counts_and_the_next_is_late(database):
    await a_month(database, "FORWARDED")
    async with database.write("before") as session:
        await routing.receive_routed(session, routed("e-1"), "DE")
    async with database.write("complete") as session:
        await node_month.receive_complete(session, Complete(SEPTEMBER, 1))
    async with database.write("after") as session:
        await routing.receive_routed(session, routed("e-2"), "DE")

    assert await verdicts(database) == {"e-1": None, "e-2": "LATE"}


async def test_a_line_that_came_in_time_and_comes_again_late_stays_as_it_was(database):
    await a_month(database, "FORWARDED")
    async with database.write("once") as session:
        await routing.receive_routed(session, routed("e-1"), "DE")
        await node_month.receive_complete(session, Complete(SEPTEMBER, 1))
    async with database.write("twice") as session:
        await routing.receive_routed(session, routed("e-1"), "DE")

    assert await verdicts(database) == {"e-1": None}


@pytest.fixture
async def hub(backend):
    """A hub whose September is cut off, between FR, where a line entered, and DE, whose it is."""
    async with backend.url(migrated=True) as url, opened(url) as hub:
        await a_month(hub, "FORWARDED")
        async with hub.write("setup") as session:
            for code in ("DE", "FR"):
                session.add(a_party(code))
                session.add(
                    Progress(period=SEPTEMBER, party=code, forwarded_lines=None, routed_lines=0)
                )
        yield hub


async def test_a_line_sent_twice_before_complete_is_kept_once_and_counted_as_the_hub_counts(
    database, hub
):
    """Both count what was sent, so that who sends a line again stops nobody's month."""
    for _ in range(2):
        async with hub.write("routed") as session:
            await routing.route(session, routed("e-1"), NOON)
    for node, sent in (("FR", 2), ("DE", 0)):
        async with hub.write("forwarded") as session:
            await month.receive_forwarded(session, node, Forwarded(SEPTEMBER, sent), NOON)
    async with hub.read() as session:
        told = await outbox.messages(
            session, await outbox.waiting(session, "https://de.example", 9)
        )
    assert [row.kind for row in told] == ["usage.routed", "usage.routed", "usage.complete"]

    await a_month(database, "FORWARDED")
    for row in told:
        async with database.write("told") as session:
            if row.kind == "usage.routed":
                await routing.receive_routed(session, opened_message(row.body, UsageRouted), "DE")
            else:
                await node_month.receive_complete(session, opened_message(row.body, Complete))

    assert await verdicts(database) == {"e-1": None}
    async with database.read() as session:
        row = await session.get_one(MeteringPeriod, SEPTEMBER)
        assert (row.state, row.received_lines, row.complete_lines) == ("COMPLETE", 2, 2)


@pytest.mark.parametrize("announced", [1, 3])
async def test_complete_with_another_number_of_lines_than_came_is_refused(database, announced):
    await a_month(database, "FORWARDED", received_lines=2)
    told = Complete(SEPTEMBER, announced)
    refusal = await refused(
        database, CountMismatchError, lambda session: node_month.receive_complete(session, told)
    )

    assert refusal.detail == f"2026-09: 2 lines came, {announced} were sent"


async def test_a_line_of_a_month_that_is_not_cut_off_is_refused(database):
    lines = routed("e-1")
    refusal = await refused(
        database, MonthStateError, lambda session: routing.receive_routed(session, lines, "DE")
    )

    assert refusal.detail == "2026-09 is not cut off"


async def test_the_next_round_takes_lines_in_again_until_it_is_complete(database):
    await a_month(database, "REPORTED", complete_lines=1, received_lines=1)
    async with database.write("late") as session:
        await routing.receive_routed(session, routed("e-1"), "DE")
    async with database.write("round") as session:
        await node_month.receive_cut_off(session, CutOff(SEPTEMBER, 1), NOON)
        await routing.receive_routed(session, routed("e-2"), "DE")
    assert await verdicts(database) == {"e-1": None, "e-2": None}

    async with database.write("complete") as session:
        await node_month.receive_complete(session, Complete(SEPTEMBER, 3))
        await routing.receive_routed(session, routed("e-3"), "DE")
    assert await verdicts(database) == {"e-1": None, "e-2": None, "e-3": "LATE"}
