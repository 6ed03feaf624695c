"""A batch of usage lines costs what its own lines cost, however many licences were sold."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from federation.counters import Counters
from federation.edge.routes import _ingest
from federation.licensing.objects import encode
from federation.licensing.tables import Licence
from federation.metering.reporters import Reporter
from tests.databases import HUB_TERMS
from tests.licensing.licences import a_licence
from tests.metering.lines import a_line, body

NOON = datetime(2026, 9, 20, 12, tzinfo=UTC)
UNREADABLE = "what is decoded of this is an error"


def a_row(number, text):
    return Licence(
        number=number,
        version=1,
        licensor="HUB",
        licensee="lab-one",
        status="ACTIVE",
        body=text,
        signed="",
        accepted_at=NOON,
    )


@pytest.fixture
async def node(database):
    """A node with a licence that usage names, and others that nobody could decode."""
    async with database.write("setup") as session:
        session.add(a_row("HUB-000002", encode(a_licence(number="HUB-000002")).decode()))
        session.add(a_row("HUB-000001", UNREADABLE))
        session.add(a_row("HUB-000003", UNREADABLE))

    async def terms(_):
        return HUB_TERMS

    return SimpleNamespace(
        db=database, code="DE", clock=lambda: NOON, terms=terms, counters=Counters()
    )


async def test_only_the_licences_that_a_batch_names_are_decoded(node):
    lines = body(*(a_line(f"e-{n}", licence="HUB-000002") for n in range(3)))

    receipt = await _ingest(node, Reporter("site", "site:pub", None), "b-1", lines)

    assert receipt.classes == {"ACCEPTED": (3, "15")}
