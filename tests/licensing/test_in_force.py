"""Which licences of a lab a licence server looks at."""

from datetime import UTC, date, datetime

import pytest

from federation.licensing import store
from federation.licensing.objects import Licensee, Licensor, Term
from federation.licensing.tables import Registration
from tests.licensing.licences import a_licence
from tests.metering.licences import a_row

NOON = datetime(2026, 9, 20, 12, tzinfo=UTC)
TODAY = date(2026, 9, 20)
ROWS = {
    "HUB-000001": {},
    "HUB-000002": {"term": Term(date(2026, 8, 1), date(2026, 9, 19))},
    "HUB-000003": {"term": Term(date(2026, 9, 21), date(2026, 9, 30))},
    "HUB-000004": {"status": "SUSPENDED"},
    "HUB-000005": {"licensee": Licensee("lab-two")},
    "HUB-000006": {"ended_on": date(2026, 9, 19)},
    "HUB-000007": {},
    "DE-000001": {"licensor": Licensor("DE")},
}


@pytest.fixture
async def lab(database):
    async with database.write("setup") as session:
        for number, changes in ROWS.items():
            session.add(a_row(a_licence(number=number, **changes)))
        await session.flush()
        for number, state in (("HUB-000001", "REGISTERED"), ("HUB-000007", "PENDING")):
            session.add(
                Registration(licence=number, node="DE", version=1, state=state, changed_at=NOON)
            )
    return database


@pytest.mark.parametrize(
    ("registered_at", "limit", "expected"),
    [
        (None, 9, ["HUB-000007", "HUB-000001", "DE-000001"]),
        (None, 2, ["HUB-000007", "HUB-000001"]),
        ("DE", 9, ["HUB-000001", "DE-000001"]),
        ("GB", 9, []),
    ],
)
async def test_those_in_force_are_found_newest_first(lab, registered_at, limit, expected):
    async with lab.read() as session:
        found = await store.licences_in_force(
            session, "lab-one", on=TODAY, registered_at=registered_at, limit=limit
        )

    assert [row.number for row in found] == expected
