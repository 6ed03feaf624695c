"""What a record may never be, the database refuses, whoever writes it."""

import pytest
from sqlalchemy.exc import DBAPIError

from federation.mandates.tables import ConsentRecord
from tests.databases import refused
from tests.mandates.recording import DAY, HOUR
from tests.proposals.acting import NOON


def a_record(**fields):
    plain = {
        "subject_kind": "WORK",
        "subject": "W-1",
        "state": "MANDATED",
        "use": "TRAIN",
        "right": "ALL",
        "territories": "",
        "exclusive": False,
        "effective_at": NOON,
        "basis": "DECLARATION",
        "declared_by": "Ann",
        "capacity": "HEIR",
        "recorded_at": NOON,
        "recorded_by": "rosa",
        "reason": "x",
    }
    return ConsentRecord(**plain | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"share_bps": 10_001},
        {"share_bps": -1},
        {"share_bps": 1, "state": "WITHHELD"},
        {"exclusive": True, "state": "OPTED_IN"},
        {"state": "OPT_OUT"},
        {"subject_kind": "PARTY"},
        {"ends_at": NOON},
        {"ends_at": NOON - DAY},
        {"superseded_at": NOON - HOUR},
    ],
)
async def test_it_is_not_kept(database, fields):
    async def act(session):
        session.add(a_record(**fields))
        await session.flush()

    await refused(database, DBAPIError, act)


async def test_the_rest_is(database):
    async with database.write("test") as session:
        session.add(a_record(share_bps=10_000, exclusive=True, ends_at=NOON + DAY))
