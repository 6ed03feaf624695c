"""What a transaction says has happened is kept with it, for those whose it is and nobody else."""

import contextlib

import msgspec
import pytest
from sqlalchemy import update
from sqlalchemy.event import listen, remove
from structlog.testing import capture_logs

from federation.store.happened import happened
from federation.values.event import Event, EventType
from federation.webhooks import recording, service
from federation.webhooks.recording import FULL, UNREADABLE, recorder
from federation.webhooks.tables import Webhook
from tests.databases import contents
from tests.webhooks.keeping import (
    LAB,
    LICENSING,
    MEMBER,
    OPERATOR,
    OTHER_LAB,
    REGISTRY,
    SETTLEMENT,
    did,
    hook,
    person,
    rows,
    subscribe,
)

OTHER_MEMBER, APPROVER = person("member", "m-2"), person("settlement_approver")
KEEPERS = [
    LAB,
    OTHER_LAB,
    MEMBER,
    OTHER_MEMBER,
    OPERATOR,
    LICENSING,
    REGISTRY,
    SETTLEMENT,
    APPROVER,
]
LICENCE = {"licence": "GB-000001", "version": "2"}
PAYMENT = {"payment": "PAY-2026-09-GB-000001", "period": "2026-09"}
STATEMENT = {"period": "2026-09"}


@pytest.fixture
async def listening(database):
    """A database that is followed, with a webhook of each keeper for all that it may be told."""
    for who in KEEPERS:
        types = sorted(service.types_for(next(iter(who.roles))))
        await subscribe(database, who, f"https://{who.subject.replace('@', '.')}.example/", types)
    database.follow(recorder("GB"))
    return database


async def told(database, *events):
    """Let something happen; return who was told what by (role, party)."""
    async with database.write("test.act") as session:
        for event in events:
            happened(session, event)
    found = {}
    async with database.read() as session:
        for row in await rows(database):
            told = await session.get_one(Webhook, row.webhook)
            found.setdefault((told.role, told.party), []).append(
                (row.type, msgspec.json.decode(row.data))
            )
    return found


OF_LICENCES = {
    ("licensing_officer", None),
    ("settlement_officer", None),
    ("settlement_approver", None),
    ("node_operator", None),
}
OF_BILLING = OF_LICENCES - {("node_operator", None)}
OF_BOOKS = OF_BILLING - {("licensing_officer", None)}
THE_LAB, THE_MEMBER = ("lab", "lab-one"), ("member", "m-1")
CASES = [
    *(
        (Event(kind, LICENCE, licensee="lab-one"), {THE_LAB, *OF_LICENCES})
        for kind in EventType
        if kind.startswith("licence.")
    ),
    (
        Event(EventType.INVOICE_ISSUED, {"document": "INV-GB-000001"}, licensee="lab-one"),
        {THE_LAB, *OF_BILLING},
    ),
    (
        Event(EventType.CREDIT_NOTE_ISSUED, {"document": "CN-GB-000001"}, licensee="lab-one"),
        {THE_LAB, *OF_BILLING},
    ),
    (
        Event(EventType.PAYMENT_RECEIVED, {"licence": "GB-000001"}, licensee="lab-one"),
        {THE_LAB, *OF_BILLING},
    ),
    (Event(EventType.PAYMENT_SENT, PAYMENT), OF_BOOKS),
    (Event(EventType.PAYMENT_SENT, PAYMENT, licensee="lab-one"), {THE_LAB, *OF_BOOKS}),
    (
        Event(EventType.PAYMENT_SENT, PAYMENT, members=frozenset({"m-1"})),
        {THE_MEMBER, *OF_BOOKS},
    ),
    (
        Event(EventType.PAYMENT_RETURNED, PAYMENT, members=frozenset({"m-1"})),
        {THE_MEMBER, *OF_BOOKS},
    ),
    (
        Event(EventType.STATEMENT_READY, STATEMENT, members=frozenset({"m-1", "m-9"})),
        {THE_MEMBER, *OF_BOOKS},
    ),
]


@pytest.mark.parametrize(("event", "whom"), CASES)
async def test_an_event_is_told_to_whose_it_is_and_to_the_staff_that_reads_it(
    listening, event, whom
):
    expected = [(event.type, {"server": "GB", **event.about})]
    assert await told(listening, event) == dict.fromkeys(whom, expected)


async def test_a_member_and_a_lab_of_one_name_are_two(database):
    database.follow(recorder("GB"))
    await subscribe(database, person("member", "lab-one"), types=[EventType.PAYMENT_SENT])
    assert await told(database, Event(EventType.PAYMENT_SENT, PAYMENT, licensee="lab-one")) == {}


async def test_an_event_has_one_id_and_another_has_another(listening):
    event = Event(EventType.LICENCE_GRANTED, LICENCE, licensee="lab-one")
    await told(listening, event, event)
    ids = [row.event for row in await rows(listening)]
    assert sorted(map(ids.count, set(ids))) == [5, 5]


async def test_what_fails_tells_nothing(listening):
    before = await contents(listening)
    with contextlib.suppress(ZeroDivisionError):
        async with listening.write("test.act") as session:
            happened(session, Event(EventType.LICENCE_GRANTED, LICENCE, licensee="lab-one"))
            raise ZeroDivisionError
    assert await contents(listening) == before


async def test_nothing_is_kept_where_nobody_listens_or_for_what_is_not_asked_for(database):
    database.follow(recorder("GB"))
    before = await contents(database)
    event = Event(EventType.LICENCE_GRANTED, LICENCE, licensee="lab-one")
    await told(database, event)
    assert await contents(database) == before
    given = await subscribe(database, types=[EventType.INVOICE_ISSUED])
    assert await told(database, event) == {}
    await did(database, LAB, service.end, given.webhook.id)
    await told(database, Event(EventType.INVOICE_ISSUED, {}, licensee="lab-one"))
    assert await rows(database) == []


async def test_when_too_many_wait_a_webhook_is_paused_and_says_how_many_it_missed(
    database, monkeypatch
):
    monkeypatch.setattr(recording, "WAITING_MAX", 2)
    database.follow(recorder("GB"))
    given = await subscribe(database)
    event = Event(EventType.INVOICE_ISSUED, {"document": "INV-GB-000001"}, licensee="lab-one")
    await told(database, event, event)
    assert (await hook(database, given.webhook.id)).state == "ACTIVE"
    await told(database, event, event)
    await told(database, event)

    found = await hook(database, given.webhook.id)
    assert (found.state, found.why, found.missed) == ("PAUSED", FULL, 3)
    assert len(await rows(database)) == 2
    await did(database, LAB, service.resume, given.webhook.id)
    found = await hook(database, given.webhook.id)
    assert (found.state, found.why, found.missed) == ("ACTIVE", None, 0)


@pytest.mark.parametrize("count", [1, 40])
async def test_what_waits_is_counted_once_and_written_at_once(database, count):
    database.follow(recorder("GB"))
    for key in ("one", "two"):
        await subscribe(database, key=key)
    kind = EventType.INVOICE_ISSUED
    many = [Event(kind, {"document": str(number)}, licensee="lab-one") for number in range(count)]
    asked = []

    def note(*call):
        if "webhooks_delivery" in call[2]:
            asked.append(call[2].split()[0])

    async with database.write("test.act") as session:
        for one in many:
            happened(session, one)
        engine = session.get_bind()
        listen(engine, "before_cursor_execute", note)
    remove(engine, "before_cursor_execute", note)
    assert asked == ["SELECT", "SELECT", "INSERT"]

    found = await rows(database)
    assert [msgspec.json.decode(row.data)["document"] for row in found] == [
        str(number) for number in range(count)
    ] * 2
    [now] = {row.at for row in found}
    kept = {(row.type, row.state, row.attempts, row.tried_at, row.next_at) for row in found}
    assert kept == {(kind, "WAITING", 0, None, now)}


@pytest.mark.parametrize(
    "changes", [{"role": "courtier"}, {"types": "[1]"}, {"types": "invoice.issued"}]
)
async def test_a_webhook_that_cannot_be_read_stops_no_act(database, changes):
    database.follow(recorder("GB"))
    stale, good = [(await subscribe(database, key=key)).webhook.id for key in ("one", "two")]
    async with database.write("test.stale") as session:
        await session.execute(update(Webhook).where(Webhook.id == stale).values(**changes))
    issued = Event(EventType.INVOICE_ISSUED, {"document": "INV-GB-000001"}, licensee="lab-one")
    with capture_logs() as lines:
        await told(database, issued)
        await told(database, issued)

    assert [row.webhook for row in await rows(database)] == [good, good]
    found = await hook(database, stale)
    assert (found.state, found.why) == ("PAUSED", UNREADABLE)
    assert [(line["log_level"], line["webhook"]) for line in lines] == [("warning", stale)]
    assert (await hook(database, good)).state == "ACTIVE"


async def test_what_happens_while_a_webhook_is_paused_waits(database):
    database.follow(recorder("GB"))
    given = await subscribe(database)
    await did(database, LAB, service.pause, given.webhook.id)
    await told(database, Event(EventType.INVOICE_ISSUED, {}, licensee="lab-one"))
    assert [row.state for row in await rows(database)] == ["WAITING"]
