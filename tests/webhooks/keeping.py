"""Who keeps webhooks in these tests, and how they act."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from federation.errors import RefusalError
from federation.people.directory import Wanted, take_in
from federation.trust.key_secret import KeySecret, new_secret
from federation.trust.principals import Principal
from federation.values.event import EventType
from federation.webhooks import service
from federation.webhooks.recording import new_event_id, wait
from federation.webhooks.service import Act
from federation.webhooks.tables import Delivery, Webhook
from tests.databases import contents

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
VALUE = new_secret()
KEYS = KeySecret([VALUE], "test")
URL = "https://lab-one.example/hooks"
INVOICES = [EventType.INVOICE_ISSUED]


def person(role: str, party: str | None = None, *, is_program: bool = False) -> Principal:
    return Principal(f"{role}@{party}" if party else role, frozenset({role}), party, is_program)


LAB, OTHER_LAB, MEMBER = person("lab", "lab-one"), person("lab", "lab-two"), person("member", "m-1")
OPERATOR, LICENSING = person("node_operator"), person("licensing_officer")
REGISTRY, SETTLEMENT = person("registry_officer"), person("settlement_officer")
AUDITOR, PROGRAM = person("auditor"), person("lab", "lab-one", is_program=True)
PEOPLE = [LAB, OTHER_LAB, MEMBER, OPERATOR, LICENSING, REGISTRY, SETTLEMENT, AUDITOR]


async def join(database, *people):
    """Put people into the directory."""
    async with database.write("test.join") as session:
        for who in people or PEOPLE:
            await take_in(
                session,
                Wanted(who.subject, who.subject, tuple(who.roles), who.party),
                "began here",
                NOON,
            )


async def did(database, who, act, *arguments, now=NOON, **more):
    """Do an act of `service` in a transaction of its own."""
    async with database.write("test.act") as session:
        return await act(Act(session, who, now, KEYS), *arguments, **more)


async def subscribe(database, who=LAB, url=URL, types=INVOICES, *, key="k", now=NOON):
    """Make a webhook."""
    return await did(database, who, service.subscribe, url, types, key=key, now=now)


async def refused(database, who, act, *arguments, **more):
    """Return the code of a refusal, after which every row is as before."""
    before = await contents(database)
    with pytest.raises(RefusalError) as refusal:
        await did(database, who, act, *arguments, **more)
    assert await contents(database) == before
    return refusal.value.code


async def happen(database, webhook, *, at=NOON, kind=EventType.INVOICE_ISSUED, count=1):
    """Let some events wait for a webhook."""
    async with database.write("test.happen") as session:
        row = await session.get_one(Webhook, webhook)
        data = {"server": "HUB", "document": "INV-HUB-000001"}
        for _ in range(count):
            await wait(session, row, new_event_id(), kind, data, at)


async def rows(database):
    """Return every delivery, the oldest first."""
    async with database.read() as session:
        return list(await session.scalars(select(Delivery).order_by(Delivery.id)))


async def hook(database, webhook):
    """Return a webhook as it is now."""
    async with database.read() as session:
        return await session.get_one(Webhook, webhook)
