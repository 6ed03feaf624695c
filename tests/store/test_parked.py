"""Parked messages of one sender are limited and hide nobody else's, however large they are."""

from datetime import UTC, datetime

from sqlalchemy import inspect

from federation.edge.inbox import BYTES_MAX
from federation.store import inbox
from federation.store.tables import ParkedMessage
from federation.trust import worklist
from federation.values.party import HUB
from tests.databases import refused

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def a_parked(code, stream, body=b"{}"):
    return ParkedMessage(
        sender=f"key-{code}",
        sender_code=code,
        entity_id=f"https://{code.lower()}.example",
        stream=stream,
        sequence=1,
        kind="note",
        body=body,
        state=inbox.PARKED,
        code="BAD_MESSAGE",
        reason="why",
        received_at=NOON,
        attempts=1,
    )


async def test_a_sender_with_many_parked_messages_hides_nobody_elses(database):
    many = inbox.HEADS_OF_EACH + 3
    async with database.write("test") as session:
        for number in range(many):
            await inbox.park(session, a_parked("GB", f"note/{number}"))
        await inbox.park(session, a_parked("FR", "note/1"))

    async with database.read() as session:
        heads = await inbox.heads(session)
        items = await worklist.of_messages(session, HUB)

    assert [row.stream for row in heads] == [
        *(f"note/{number}" for number in range(inbox.HEADS_OF_EACH)),
        "note/1",
    ]
    assert heads[-1].sender_code == "FR"
    assert [(item.subject, item.why) for item in items[-2:]] == [
        (f"FR #{many + 1}", "note: BAD_MESSAGE: why"),
        ("GB", "3 streams more are held up by messages after these"),
    ]


async def test_a_parked_message_is_listed_without_its_body(database):
    async with database.write("test") as session:
        await inbox.park(session, a_parked("GB", "note/1", b'{"n":1}'))
        await inbox.park(session, a_parked("GB", "note/2", bytes(range(256))))

    async with database.read() as session:
        listed = [
            *await inbox.heads(session),
            *await inbox.parked(session),
            await inbox.head_of(session, "key-GB", "note/1"),
            await inbox.get_parked(session, 2),
        ]
        begin = await inbox.beginnings(session, [1, 2], 8)
        bodies = [await inbox.body_of(session, number) for number in (1, 2)]

    assert [(row.id, inspect(row).unloaded) for row in listed] == [
        (number, {"body"}) for number in (1, 2, 1, 2, 1, 2)
    ]
    assert begin == {1: b'{"n":1}', 2: bytes(range(8))}
    assert bodies == [b'{"n":1}', bytes(range(256))]


async def test_the_body_of_a_decided_message_is_gone(database):
    async with database.write("test") as session:
        await inbox.park(session, a_parked("GB", "note/1"))
    async with database.write("test") as session:
        row = await inbox.get_parked(session, 1)
        inbox.propose_drop(row, "nonsense", who="one")
        inbox.drop(row, who="another", now=NOON)
        begin = await inbox.beginnings(session, [1], 8)

    async with database.read() as session:
        assert (begin, await inbox.body_of(session, 1)) == ({1: b""}, b"")


async def test_the_largest_message_that_a_door_takes_can_be_parked(database):
    async with database.write("test") as session:
        await inbox.park(session, a_parked("FR", "note/1"))
        await inbox.park(session, a_parked("GB", "note/1"))
        await inbox.park(session, a_parked("GB", "note/2", b"x" * BYTES_MAX))

    refusal = await refused(
        database, inbox.ParkedFullError, lambda s: inbox.park(s, a_parked("GB", "note/3"))
    )
    async with database.write("test") as session:
        await inbox.park(session, a_parked("FR", "note/2"))
        rows = await inbox.parked(session)

    assert refusal.detail == f"2 messages, {BYTES_MAX + 2} bytes"
    assert [(row.sender_code, row.stream) for row in rows] == [
        ("FR", "note/1"),
        ("GB", "note/1"),
        ("GB", "note/2"),
        ("FR", "note/2"),
    ]


async def test_a_sender_has_so_many_messages_parked_and_no_more(database):
    async with database.write("test") as session:
        for number in range(inbox.PARKED_MAX):
            session.add(a_parked("GB", f"note/{number}"))

    refusal = await refused(
        database, inbox.ParkedFullError, lambda s: inbox.park(s, a_parked("GB", "note/more"))
    )
    assert refusal.detail == "1000 messages, 2000 bytes"
