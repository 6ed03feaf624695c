"""A server that takes reports of usage, and lines for it."""

from datetime import UTC, date, datetime

from federation.licensing.facts import Component, LicenceFacts
from federation.metering import service
from federation.metering.reporters import Reporter
from federation.metering.service import (
    LicencesNamed,
)
from tests.databases import HUB_TERMS, contents
from tests.metering.lines import body

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


SEPTEMBER = "2026-09"


def a_licence(number, **changes):
    values = {
        "licensor": "HUB",
        "licensee": "lab-one",
        "currency": "EUR",
        "starts_on": date(2026, 9, 1),
        "ends_on": date(2026, 9, 30),
        "revoked_at": None,
        "usage_basis": "site",
        "unclaimed": "exclude",
        "components": (Component(None, frozenset({"TRAIN"}), "TOKEN", 1),),
    }
    return LicenceFacts(number=number, **(values | changes))


LICENCES = {
    "HUB-000001": a_licence("HUB-000001"),
    "HUB-000002": a_licence("HUB-000002", usage_basis="lab"),
    "HUB-000003": a_licence("HUB-000003", licensee="lab-two", usage_basis="lab"),
}


def ingesting(data, *, key="b-1", now=NOON, **changes):
    options = {"here": "DE", "licences": LicencesNamed(LICENCES, {})}
    options |= {name: changes.pop(name) for name in ("here", "licences") if name in changes}
    sender = {"name": "site:pub", "source": "site", "licensee": None} | changes
    return lambda session: service.ingest(
        session,
        service.read_batch(data),
        Reporter(**sender),
        key,
        terms=HUB_TERMS,
        now=now,
        **options,
    )


async def ingest(database, *lines, data=None, **options):
    data = body(*lines) if data is None else data
    async with database.write("ingest") as session:
        return await ingesting(data, **options)(session)


async def kept_lines(database):
    """What was accepted: (reporter, event id, units, verdict)."""
    rows = (await contents(database)).get("metering_line", [])
    return [(row[0], row[1], row[5], row[9]) for row in rows]


async def uncounted(database):
    """What took no id: (line number, verdict, units)."""
    rows = (await contents(database)).get("metering_uncounted", [])
    return [(row[3], row[5], row[6]) for row in rows]
