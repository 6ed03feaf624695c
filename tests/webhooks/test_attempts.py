"""Attempts under a clock of their own: what fails for a week, is gone, is lost, or is replayed."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from federation.people.directory import Wanted, confirm, propose
from federation.values.event import EventType
from federation.webhooks import attempts, service, store
from federation.webhooks.attempts import Outcome
from federation.webhooks.audience import NUMBERS_MAX
from federation.webhooks.schedule import CLAIMED_FOR, KEPT_FOR, PAUSED_AFTER, WAITS
from federation.webhooks.tables import Delivery
from federation.webhooks.worklist import of_webhooks
from tests.databases import contents
from tests.webhooks.keeping import (
    KEYS,
    LAB,
    LICENSING,
    NOON,
    OPERATOR,
    did,
    happen,
    hook,
    join,
    person,
    rows,
    subscribe,
)

OK, BROKEN, GONE = Outcome(200), Outcome(500), Outcome(410)
LOST = Outcome(None, "no answer within 15 seconds")


@pytest.fixture
async def webhook(database):
    """A webhook of a lab whose buyer is here."""
    await join(database)
    return (await subscribe(database)).webhook.id


async def take(database, webhook, now):
    async with database.write("test.take") as session:
        return await attempts.take(session, webhook, KEYS, now)


async def write_down(database, attempt, outcome, now, part=0):
    async with database.write("test.write_down") as session:
        await attempts.write_down(session, attempt, outcome, now, part)


async def tried(database, webhook, outcome, now, part=0):
    """Make an attempt that ends as told; return it, None where nothing is due."""
    attempt = await take(database, webhook, now)
    if attempt is not None:
        await write_down(database, attempt, outcome, now, part)
    return attempt


async def test_what_was_taken_is_not_sent_again(database, webhook):
    await happen(database, webhook)
    attempt = await tried(database, webhook, OK, NOON)
    [row] = await rows(database)

    assert (row.state, row.attempts, row.status, row.next_at) == ("DELIVERED", 1, 200, None)
    assert (attempt.number, attempt.url) == (1, "https://lab-one.example/hooks")
    assert msgspec.json.decode(attempt.body) == {
        "type": "invoice.issued",
        "timestamp": "2026-09-01T12:00:00Z",
        "data": {"server": "HUB", "document": "INV-HUB-000001"},
    }
    assert await tried(database, webhook, OK, NOON + timedelta(days=1)) is None


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_takes_an_event(status):
    assert Outcome(status).is_good is True


@pytest.mark.parametrize(
    "outcome", [LOST, GONE, *map(Outcome, (100, 199, 300, 302, 400, 404, 429, 500, 503))]
)
def test_nothing_else_does(outcome):
    assert outcome.is_good is False


async def test_a_target_that_answers_500_for_a_week_is_paused_after_three_days(database, webhook):
    await happen(database, webhook)
    when, now = [], NOON
    while now is not None:
        await tried(database, webhook, BROKEN, now)
        when.append(now - NOON)
        [row] = await rows(database)
        now = row.next_at

    assert when == [sum(WAITS[:number], timedelta()) for number in range(10)]
    assert when[-2] < PAUSED_AFTER <= when[-1]
    await happen(database, webhook, at=NOON + timedelta(days=4))
    assert await take(database, webhook, NOON + timedelta(days=7)) is None
    found = await hook(database, webhook)
    assert (found.state, found.failing_since) == ("PAUSED", NOON)
    assert found.why == "no event has arrived since 2026-09-01T12:00:00+00:00"
    row, later = await rows(database)
    assert (row.state, row.attempts, row.next_at) == ("FAILED", 10, None)
    assert (later.state, later.attempts) == ("WAITING", 0)
    async with database.read() as session:
        [item] = await of_webhooks(session)
        assert await store.count_paused(session) == 1
    assert (item.kind, item.subject, item.turn, item.why) == (
        "webhook",
        webhook,
        "lab-one",
        found.why,
    )


async def test_what_failed_waits_as_the_schedule_says_and_a_tenth_more_at_most(database, webhook):
    await happen(database, webhook)
    await tried(database, webhook, BROKEN, NOON, part=1_000)
    [row] = await rows(database)
    assert row.next_at == NOON + timedelta(seconds=5.5)
    assert (row.state, row.status, row.error) == ("WAITING", 500, None)
    assert await take(database, webhook, row.next_at - timedelta(microseconds=1)) is None
    await tried(database, webhook, LOST, row.next_at, part=0)
    [again] = await rows(database)
    assert again.next_at == row.next_at + timedelta(minutes=5)
    assert (again.status, again.error) == (None, "no answer within 15 seconds")


async def test_one_that_arrives_ends_the_days_of_failures(database, webhook):
    await happen(database, webhook)
    await tried(database, webhook, BROKEN, NOON)
    assert (await hook(database, webhook)).failing_since == NOON
    await tried(database, webhook, OK, NOON + timedelta(seconds=5))
    assert (await hook(database, webhook)).failing_since is None


async def test_a_target_that_is_gone_ends_its_webhook(database, webhook):
    await happen(database, webhook, count=3)
    await tried(database, webhook, GONE, NOON)

    found = await hook(database, webhook)
    assert (found.state, found.why) == ("ENDED", attempts.GONE)
    assert sorted(row.state for row in await rows(database)) == ["DROPPED", "DROPPED", "FAILED"]
    assert await take(database, webhook, NOON + timedelta(days=1)) is None
    async with database.read() as session:
        assert await of_webhooks(session) == []  # it waits for nobody


async def test_a_process_that_dies_after_an_attempt_repeats_it(database, webhook):
    await happen(database, webhook)
    first = await take(database, webhook, NOON)
    # It died: nothing was written down. Until then nobody else makes the attempt.
    over = NOON + CLAIMED_FOR
    assert await take(database, webhook, over - timedelta(microseconds=1)) is None
    second = await take(database, webhook, over)
    assert (first.number, second.number) == (1, 2)
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert second.body == first.body

    before = await contents(database)
    await write_down(database, first, BROKEN, over)  # it was only slow: that counts no more
    assert await contents(database) == before
    await write_down(database, first, OK, over)  # but that it arrived does
    [row] = await rows(database)
    assert row.state == "DELIVERED"
    before = await contents(database)
    await write_down(database, second, BROKEN, over)
    assert await contents(database) == before


async def test_what_came_of_an_attempt_before_a_replay_does_not_count_for_that(database, webhook):
    await happen(database, webhook)
    first = await take(database, webhook, NOON)
    later = NOON + timedelta(seconds=1)
    [row] = await rows(database)
    await did(database, LAB, service.replay, row.id, now=later)
    before = await contents(database)
    await write_down(database, first, GONE, later)
    assert await contents(database) == before

    second = await take(database, webhook, later)
    assert (first.number, second.number) == (1, 1)
    before = await contents(database)
    await write_down(database, first, GONE, later)
    assert await contents(database) == before
    await write_down(database, second, BROKEN, later)
    [row] = await rows(database)
    assert (row.state, row.status, row.next_at) == ("WAITING", 500, later + timedelta(seconds=5))


async def test_a_webhook_that_is_paused_is_told_when_it_is_resumed(database, webhook):
    await did(database, LAB, service.pause, webhook)
    await happen(database, webhook)
    assert await take(database, webhook, NOON) is None
    async with database.read() as session:
        assert await store.due(session, NOON) == []
        assert await of_webhooks(session) == []  # somebody did it, and knows
    await did(database, LAB, service.resume, webhook)
    assert (await tried(database, webhook, OK, NOON)).number == 1


@pytest.mark.parametrize(
    ("roles", "party"), [((), "lab-one"), (("auditor",), "lab-one"), (("lab",), "lab-two")]
)
async def test_who_has_left_its_office_is_told_nothing_more(database, webhook, roles, party):
    await happen(database, webhook)
    first, second = person("node_operator"), person("node_operator")
    first, second = (type(one)(name, one.roles) for one, name in ((first, "a"), (second, "b")))
    await join(database, first, second)
    async with database.write("test.people") as session:
        wanted = Wanted(LAB.subject, LAB.subject, roles, party)
        row = await propose(session, wanted, "left", who=first, at=NOON)
        await confirm(session, row.id, "GB", who=second, at=NOON)

    assert await take(database, webhook, NOON) is None
    found = await hook(database, webhook)
    assert (found.state, found.why) == ("PAUSED", attempts.LEFT)
    [row] = await rows(database)
    assert (row.state, row.attempts) == ("WAITING", 0)

    colleague = type(LAB)("colleague@lab-one", frozenset({"lab"}), "lab-one")
    await join(database, colleague)
    await did(database, colleague, service.resume, webhook)
    assert (await tried(database, webhook, OK, NOON)).number == 1


async def test_what_a_role_does_not_hear_any_more_is_dropped(database):
    await join(database)
    webhook = (await subscribe(database, LICENSING, types=[EventType.LICENCE_GRANTED])).webhook.id
    await happen(database, webhook, kind=EventType.STATEMENT_READY)
    assert await take(database, webhook, NOON) is None
    [row] = await rows(database)
    assert (row.state, row.attempts, row.next_at) == ("DROPPED", 0, None)


async def test_what_nobody_knows_any_more_is_dropped_and_holds_up_nothing(database, webhook):
    await happen(database, webhook, count=2)
    async with database.write("test.types") as session:
        first = await session.scalar(select(Delivery).order_by(Delivery.id).limit(1))
        first.type = "of.a.later.version"
    assert await take(database, webhook, NOON) is None
    assert (await take(database, webhook, NOON)).number == 1
    assert [row.state for row in await rows(database)] == ["DROPPED", "WAITING"]


async def test_what_is_kept_is_forgotten_after_a_month(database, webhook):
    ended = (await subscribe(database, LAB, key="other")).webhook.id
    await did(database, LAB, service.end, ended)
    await happen(database, webhook)
    await happen(database, webhook, at=NOON + timedelta(days=1))
    async with database.write("test.prune") as session:
        assert await store.has_older(session, NOON, NOON) is False
        before = NOON + timedelta(seconds=1)
        assert await store.has_older(session, before, NOON) is True
        assert await store.prune(session, before, NOON) == 2
        assert await store.has_older(session, before, NOON) is False
    [row] = await rows(database)
    assert row.at == NOON + timedelta(days=1)
    async with database.read() as session:
        assert await store.find_webhook(session, ended) is None
    assert timedelta(days=30) == KEPT_FOR


async def test_a_former_secret_is_forgotten_once_it_signs_no_more(database, webhook):
    await did(database, LAB, service.rotate, webhook)
    before, day = NOON - timedelta(days=30), NOON + timedelta(hours=24)
    soon = day - timedelta(microseconds=1)
    async with database.write("test.prune") as session:
        assert await store.has_older(session, before, soon) is False
        assert await store.prune(session, before, soon) == 0
    assert (await hook(database, webhook)).former_until == day
    async with database.write("test.prune") as session:
        assert await store.has_older(session, before, day) is True
        assert await store.prune(session, before, day) == 0
        assert await store.has_older(session, before, day) is False
    found = await hook(database, webhook)
    assert (found.former, found.former_until) == (None, None)


async def test_due_are_those_that_wait_and_are_told(database, webhook):
    other = (await subscribe(database, OPERATOR, types=[EventType.LICENCE_GRANTED])).webhook.id
    await happen(database, webhook, at=NOON + timedelta(seconds=1))
    await happen(database, other, kind=EventType.LICENCE_GRANTED)
    async with database.read() as session:
        assert await store.due(session, NOON) == [(other, "node_operator", None, False)]
    await tried(database, other, BROKEN, NOON)
    async with database.read() as session:
        both = {(webhook, "lab", "lab-one", False), (other, "node_operator", None, True)}
        assert set(await store.due(session, NOON + timedelta(seconds=9))) == both


def test_the_largest_event_is_small():
    data = {
        "server": "X" * 12,
        "opt_outs": [str(2**63 - 1)] * NUMBERS_MAX,
        "more": 10**9,
    }
    row = Delivery(type="opt_out.recorded", at=NOON, data=msgspec.json.encode(data).decode())
    assert len(attempts.body_of(row)) < 2_048
