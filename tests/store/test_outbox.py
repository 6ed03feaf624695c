"""Messages to other servers: in order, without a gap, with an effect exactly once."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from sqlalchemy import select

from federation.store import inbox, outbox
from federation.store.canonical import sha256_hex
from federation.store.inbox import MessageConflictError, OutOfOrderError
from federation.store.messages import BadMessageError, MessageTooLargeError
from federation.store.tables import OutboxMessage
from tests.databases import contents, refused
from tests.store.notes import Note

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
GB, FR = "https://gb.example", "https://fr.example"


async def post(database, target, *numbers, about="a"):
    async with database.write("post") as session:
        for n in numbers:
            await outbox.post(session, target=target, message=Note(n, about), now=NOON)


async def waiting(database, target, limit=100, **how):
    async with database.read() as session:
        rows = await outbox.messages(session, await outbox.waiting(session, target, limit, **how))
    return [(row.stream, row.sequence, msgspec.json.decode(row.body)["n"]) for row in rows]


async def accept(session, sequence, *, sender=GB, stream="note/a", kind="note", body=b"{}"):
    return await inbox.accept(
        session,
        sender=sender,
        stream=stream,
        sequence=sequence,
        kind=kind,
        body=body,
        now=NOON,
    )


async def accepted(database, sequence, **changes):
    async with database.write("accept") as session:
        return await accept(session, sequence, **changes)


async def test_each_stream_of_a_target_is_numbered_from_one(database):
    await post(database, GB, 1, 2)
    await post(database, FR, 3)
    await post(database, GB, 4, about="b")
    await post(database, GB, 5)

    assert await waiting(database, GB) == [
        ("note/a", 1, 1),
        ("note/a", 2, 2),
        ("note/b", 1, 4),
        ("note/a", 3, 5),
    ]
    assert await waiting(database, FR) == [("note/a", 1, 3)]
    assert await waiting(database, "https://nobody.example") == []
    assert await waiting(database, GB, leave_out=["note/a"]) == [("note/b", 1, 4)]


async def test_numbers_have_no_gap_when_many_write_at_once(database):
    await asyncio.gather(*(post(database, t, n) for n in range(40) for t in (GB, FR)))

    for target in (GB, FR):
        found = await waiting(database, target)
        assert [sequence for _, sequence, _ in found] == list(range(1, 41))
        assert sorted(n for _, _, n in found) == list(range(40))


async def test_a_message_goes_with_the_transaction_that_wrote_it_and_leaves_no_gap(database):
    class ChangedMindError(Exception):
        pass

    async def act(session):
        await outbox.post(session, target=GB, message=Note(0), now=NOON)
        raise ChangedMindError

    await post(database, GB, 1)
    await refused(database, ChangedMindError, act)
    await post(database, GB, 2)

    assert await waiting(database, GB) == [("note/a", 1, 1), ("note/a", 2, 2)]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (Note(1, text="x" * 1_025), MessageTooLargeError),
        (Note(-1), BadMessageError),
        (Note(1, about="no stream"), BadMessageError),
        (Note(1, about="a" * 129), BadMessageError),
    ],
)
async def test_what_its_receiver_would_refuse_is_not_written(database, message, error):
    async def act(session):
        await outbox.post(session, target=GB, message=message, now=NOON)

    await refused(database, error, act)

    assert await waiting(database, GB) == []


async def test_the_same_message_goes_to_each_of_several_targets(database):
    async with database.write("post") as session:
        await outbox.post_to_each(session, targets=[GB, FR], message=Note(7), now=NOON)

    assert await waiting(database, GB) == await waiting(database, FR) == [("note/a", 1, 7)]


async def test_the_oldest_undelivered_messages_come_first(database):
    await post(database, GB, 1, 2, 3, 4, 5)
    await post(database, FR, 1)
    async with database.write("delivered") as session:
        await outbox.mark_delivered(session, [outbox.Span(GB, "note/a", 2)], now=NOON)

    assert await waiting(database, GB, limit=2) == [("note/a", 3, 3), ("note/a", 4, 4)]
    async with database.read() as session:
        assert await outbox.targets_waiting(session) == {GB: 3, FR: 1}


async def test_what_waits_for_many_targets_is_read_at_once_or_not_at_all(database):
    await post(database, GB, 1, 2)
    await post(database, FR, 1)
    await post(database, GB, 30, about="b")
    await post(database, "https://de.example", 1)
    async with database.write("delivered") as session:
        await outbox.mark_delivered(session, [outbox.Span(GB, "note/a", 1)], now=NOON)

    async with database.read() as session:
        found = await outbox.waiting_for_each(session, [GB, FR, "https://es.example"], 3)
        assert await outbox.waiting_for_each(session, [GB, FR], 2) == {}
        assert {**found[GB], **found[FR]} == {
            **await outbox.waiting(session, GB, 9),
            **await outbox.waiting(session, FR, 9),
        }
        rows = await outbox.messages(session, found[GB])
    assert set(found) == {GB, FR}
    assert [(row.stream, row.sequence) for row in rows] == [("note/a", 2), ("note/b", 1)]


async def test_receipts_of_several_are_for_what_each_of_them_took(database):
    await post(database, GB, 1, 2, 3)
    await post(database, FR, 1, 2)
    async with database.write("delivered") as session:
        spans = [outbox.Span(GB, "note/a", up_to=3, since=2), outbox.Span(FR, "note/a", 1)]
        await outbox.mark_delivered(session, spans, now=NOON)
        await outbox.mark_delivered(session, [], now=NOON)

    assert await waiting(database, GB) == [("note/a", 1, 1)]
    assert await waiting(database, FR) == [("note/a", 2, 2)]


async def test_a_receipt_is_for_its_own_stream(database):
    await post(database, GB, 1)
    await post(database, GB, 2, about="b")
    async with database.write("delivered") as session:
        await outbox.mark_delivered(session, [outbox.Span(GB, "note/b", 1)], now=NOON)

    assert await waiting(database, GB) == [("note/a", 1, 1)]


async def test_a_receipt_stands_when_it_comes_again(database):
    await post(database, GB, 1, 2)
    for up_to, later in ((1, 0), (1, 1), (2, 2)):
        async with database.write("delivered") as session:
            now = NOON + timedelta(hours=later)
            await outbox.mark_delivered(session, [outbox.Span(GB, "note/a", up_to)], now=now)

    async with database.read() as session:
        query = select(OutboxMessage.delivered_at).order_by(OutboxMessage.sequence)
        assert list(await session.scalars(query)) == [NOON, NOON + timedelta(hours=2)]
        assert await outbox.targets_waiting(session) == {}


async def test_a_failed_attempt_is_counted_with_its_reason(database):
    await post(database, GB, 1, 2)
    async with database.read() as session:
        [first, _] = await outbox.waiting(session, GB, 2)  # their ids
    for error in ("no answer", "x" * 501):
        async with database.write("failed") as session:
            await outbox.mark_failed(session, message_id=first, error=error)

    async with database.read() as session:
        waits = await outbox.waiting(session, GB, 2)
        first, second = await outbox.messages(session, waits)
    assert (first.attempts, first.last_error) == (2, "x" * 500)
    assert (second.attempts, second.last_error) == (0, None)


async def test_a_message_is_new_once(database):
    assert await accepted(database, 1, body=b"a") is True
    before = await contents(database)

    assert await accepted(database, 1, body=b"a") is False
    assert await contents(database) == before
    assert before == {"store_inbox": [(GB, "note/a", 1, "note", sha256_hex(b"a"), NOON)]}


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

    assert (refusal.code, refusal.detail) == ("MESSAGE_CONFLICT", f"{GB} note/a #1, expected #2")


async def test_a_first_message_that_is_not_number_one_is_refused(database):
    for sequence in (-1, 0, 2, 100):
        refusal = await refused(database, OutOfOrderError, partial(accept, sequence=sequence))

        assert (refusal.code, refusal.detail) == (
            "OUT_OF_ORDER",
            f"{GB} note/a #{sequence}, expected #1",
        )


async def test_a_message_that_comes_too_early_is_refused_and_taken_in_its_turn(database):
    assert await accepted(database, 1)

    refusal = await refused(database, OutOfOrderError, lambda session: accept(session, 3))

    assert refusal.detail == f"{GB} note/a #3, expected #2"
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


async def test_streams_of_a_sender_count_apart(database):
    assert await accepted(database, 1)
    assert await accepted(database, 1, stream="note/b")
    assert await accepted(database, 2, stream="note/b")

    assert (await refused(database, OutOfOrderError, lambda s: accept(s, 3))).code


async def hear(database, target, stream):
    """Let a receiver take what waits for it in its order, as far as it goes; keep its answer."""
    async with database.read() as session:
        rows = await outbox.messages(session, await outbox.waiting(session, target, 100))
    for row in rows:
        try:
            new = await accepted(
                database, row.sequence, stream=row.stream, kind=row.kind, body=row.body
            )
        except MessageConflictError as refusal:
            error = f"{refusal.code}: {refusal.message}"
            async with database.write("failed") as session:
                await outbox.mark_failed(session, message_id=row.id, error=error)
            return error
        assert new
        async with database.write("delivered") as session:
            await outbox.mark_delivered(
                session, [outbox.Span(target, stream, row.sequence)], now=NOON
            )
    return None


async def renumbered(database, number, target=FR, stream="note/a"):
    async with database.write("renumber") as session:
        return await outbox.renumber(session, target=target, stream=stream, number=number)


async def test_a_stream_goes_on_whose_numbers_somebody_else_used(database):
    await accepted(database, 1, body=b"junk")
    await accepted(database, 2, body=b"more")
    await post(database, FR, 10, 11, 12)
    await post(database, FR, 20, about="b")
    error = await hear(database, FR, "note/a")

    assert error == (
        "MESSAGE_CONFLICT: This sender used the number of an earlier message for another one."
        f" ({GB} note/a #1, expected #3)"
    )
    assert await renumbered(database, 3) == (1, 3)
    assert await waiting(database, FR) == [
        ("note/a", 3, 10),
        ("note/a", 4, 11),
        ("note/a", 5, 12),
        ("note/b", 1, 20),
    ]
    assert await hear(database, FR, "note/a") is None
    await post(database, FR, 13)
    assert await waiting(database, FR, leave_out=["note/b"]) == [("note/a", 6, 13)]


async def test_what_may_have_been_taken_is_not_numbered_anew(database):
    async def refuses(number, **where):
        where = {"target": FR, "stream": "note/a"} | where
        await refused(
            database,
            outbox.NoConflictError,
            lambda session: outbox.renumber(session, number=number, **where),
        )

    await refuses(1)  # nothing waits
    await accepted(database, 1, body=b"junk")
    await post(database, FR, 10, 11)
    await post(database, FR, 20, about="b")
    await refuses(2)  # it was not sent yet
    await hear(database, FR, "note/a")
    for number in (-1, 0, 1, 3):
        await refuses(number)  # its receiver expects another one
    await refuses(2, stream="note/b")
    await refuses(2, target=GB)
    await renumbered(database, 2)
    await refuses(3)  # its receiver may have it by now
    async with database.write("failed") as session:
        [first, *_] = await outbox.waiting(session, FR, 100)
        error = f"MESSAGE_CONFLICT: sent before. ({GB} note/a #1, expected #3)"
        await outbox.mark_failed(session, message_id=first, error=error)
    await refuses(3)  # an answer to its former number says nothing of this one
    async with database.write("failed") as session:
        error = f"OUT_OF_ORDER: too early. ({GB} note/a #2, expected #1)"
        await outbox.mark_failed(session, message_id=first, error=error)
    await refuses(1)


async def test_the_first_message_of_each_stream_that_was_not_taken_is_shown(database):
    await accepted(database, 1, body=b"junk")
    await post(database, FR, 10, 11)
    await post(database, FR, 20, about="b")
    error = await hear(database, FR, "note/a")

    async with database.read() as session:
        found = await outbox.not_taken(session)
    assert [(row.stream, row.sequence, row.last_error, count) for row, count in found] == [
        ("note/a", 1, error, 2)
    ]
