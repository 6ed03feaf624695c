"""The log's lines of what a server did: none before it is committed, none of what is undone."""

import contextlib

from structlog.testing import capture_logs

from federation.people.audit import Act, record
from federation.store.happened import happened
from federation.store.told import tell, write_down
from federation.values.event import Event, EventType

SOLD = Event(EventType.LICENCE_GRANTED, {"licence": "HUB-000001"}, licensee="lab-one")
STOPPED = Event(EventType.OPT_OUT_RECORDED, {}, numbers=(4, 7))


async def test_a_commit_writes_what_was_done_in_it_in_lines_without_persons(database):
    database.afterwards(write_down)
    with capture_logs() as lines:
        async with database.write("act") as session:
            await record(session, "anna", Act.RUN_APPROVE, "run-1", {"period": "2026-09"})
            await record(session, "anna", Act.SIGN_IN, "anna", {})
            happened(session, SOLD)
            happened(session, STOPPED)
            tell(session, "month.cut_off", period="2026-09")
            assert lines == []

    assert [{k: v for k, v in line.items() if k != "log_level"} for line in lines] == [
        {"event": "licence.granted", "licence": "HUB-000001", "licensee": "lab-one"},
        {"event": "opt_out.recorded", "count": 2},
        {"event": "run.approve", "subject": "run-1", "audit": 1},
        {"event": "month.cut_off", "period": "2026-09"},
    ]


async def test_what_is_undone_has_no_line(database):
    database.afterwards(write_down)
    with capture_logs() as lines, contextlib.suppress(ConnectionError):
        async with database.write("act") as session:
            await record(session, "anna", Act.RUN_APPROVE, "run-1", {})
            happened(session, SOLD)
            raise ConnectionError

    assert lines == []
