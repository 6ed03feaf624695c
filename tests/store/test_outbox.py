"""Messages to other servers: in order, without a gap, with an effect exactly once."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from federation.store import outbox
from federation.store.canonical import sha256_hex
from federation.store.outbox import MessageConflictError, OutOfOrderError
from federation.store.tables import OutboxMessage
from tests.databases import contents, refused

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
GB, FR = "https://gb.example", "https://fr.example"


async def post(database, target, *bodies):
    async with database.write("post") as session:
        for body in bodies:
            await outbox.post(session, target=target, kind="note", body=body, now=NOON)


async def waiting(database, target, limit=100):
    async with database.read() as session:
        rows = await outbox.waiting(session, target, limit)
    return [(row.sequence, row.body) for row in rows]


async def accept(session, sequence, *, sender=GB, kind="note", body=b"{}"):
    return await outbox.accept(
        session, sender=sender, sequence=sequence, kind=kind, body=body, now=NOON
    )


async def accepted(database, sequence, **changes):
    async with database.write("accept") as session:
        return await accept(session, sequence, **changes)


async def test_each_target_gets_its_messages_in_order_from_one(database):
    await post(database, GB, {"n": 1}, {"n": 2})
    await post(database, FR, {"n": 3})
    await post(database, GB, {"n": 4})

    assert await waiting(database, GB) == [(1, b'{"n":1}'), (2, b'{"n":2}'), (3, b'{"n":4}')]
    assert await waiting(database, FR) == [(1, b'{"n":3}')]
    assert await waiting(database, "https://nobody.example") == []


async def test_numbers_have_no_gap_when_many_write_at_once(database):
    await asyncio.gather(*(post(database, t, n) for n in range(40) for t in (GB, FR)))

    for target in (GB, FR):
        found = await waiting(database, target)
        assert [sequence for sequence, _ in found] == list(range(1, 41))
        assert sorted(int(body) for _, body in found) == list(range(40))


async def test_a_message_goes_with_the_transaction_that_wrote_it_and_leaves_no_gap(database):
    class ChangedMindError(Exception):
        pass

    async def act(session):
        await outbox.post(session, target=GB, kind="note", body="lost", now=NOON)
        raise ChangedMindError

    await post(database, GB, "first")
    await refused(database, ChangedMindError, act)
    await post(database, GB, "second")

    assert await waiting(database, GB) == [(1, b'"first"'), (2, b'"second"')]


async def test_the_oldest_undelivered_messages_come_first(database):
    await post(database, GB, 1, 2, 3, 4, 5)
    await post(database, FR, 1)
    async with database.write("delivered") as session:
        await outbox.mark_delivered(session, target=GB, up_to=2, now=NOON)

    assert await waiting(database, GB, limit=2) == [(3, b"3"), (4, b"4")]
    async with database.read() as session:
        assert await outbox.targets_waiting(session) == {GB: 3, FR: 1}


async def test_a_receipt_stands_when_it_comes_again(database):
    await post(database, GB, 1, 2)
    for up_to, later in ((1, 0), (1, 1), (2, 2)):
        async with database.write("delivered") as session:
            now = NOON + timedelta(hours=later)
            await outbox.mark_delivered(session, target=GB, up_to=up_to, now=now)

    async with database.read() as session:
        query = select(OutboxMessage.delivered_at).order_by(OutboxMessage.sequence)
        assert list(await session.scalars(query)) == [NOON, NOON + timedelta(hours=2)]
        assert await outbox.targets_waiting(session) == {}


async def test_a_failed_attempt_is_counted_with_its_reason(database):
    await post(database, GB, 1, 2)
    for error in ("no answer", "x" * 501):
        async with database.write("failed") as session:
            await outbox.mark_failed(session, target=GB, sequence=1, error=error)

    async with database.read() as session:
        first, second = await outbox.waiting(session, GB, 2)
    assert (first.attempts, first.last_error) == (2, "x" * 500)
    assert (second.attempts, second.last_error) == (0, None)


async def test_a_message_is_new_once(database):
    assert await accepted(database, 1, body=b"a") is True
    before = await contents(database)

    assert await accepted(database, 1, body=b"a") is False
    assert await contents(database) == before
    assert before == {"store_inbox": [(GB, 1, "note", sha256_hex(b"a"), NOON)]}


async def test_a_message_that_comes_several_times_at_once_is_new_once(database):
    answers = await asyncio.gather(*(accepted(database, 1) for _ in range(10)))

    assert sorted(answers) == [False] * 9 + [True]
    assert len((await contents(database))["store_inbox"]) == 1


@pytest.mark.parametrize("changes", [{"body": b"[]"}, {"kind": "other"}])
async def test_another_message_under_a_used_number_is_refused(database, changes):
    await accepted(database, 1)

    refusal = await refused(
        database, MessageConflictError, lambda session: accept(session, 1, **changes)
    )

    assert (refusal.code, refusal.detail) == ("MESSAGE_CONFLICT", f"{GB} #1")


async def test_a_first_message_that_is_not_number_one_is_refused(database):
    for sequence in (-1, 0, 2, 100):
        refusal = await refused(database, OutOfOrderError, partial(accept, sequence=sequence))

        assert (refusal.code, refusal.detail) == ("OUT_OF_ORDER", f"{GB} #{sequence}, expected #1")


async def test_a_message_that_comes_too_early_is_refused_and_taken_in_its_turn(database):
    assert await accepted(database, 1)

    refusal = await refused(database, OutOfOrderError, lambda session: accept(session, 3))

    assert refusal.detail == f"{GB} #3, expected #2"
    assert await accepted(database, 2)
    assert await accepted(database, 3)


async def test_several_messages_may_be_taken_in_one_transaction(database):
    async with database.write("accept") as session:
        answers = [await accept(session, number) for number in (1, 2, 2, 3)]

    assert answers == [True, True, False, True]


async def test_senders_count_apart(database):
    assert await accepted(database, 1, sender=GB)
    assert await accepted(database, 1, sender=FR)
    assert await accepted(database, 2, sender=FR)

    assert (await refused(database, OutOfOrderError, lambda s: accept(s, 3, sender=GB))).code
