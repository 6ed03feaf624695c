"""Parked messages of one sender are limited and hide nobody else's, however large they are."""

from datetime import UTC, datetime

from federation.messaging.inbox import BYTES_MAX
from federation.store import inbox
from federation.store.tables import ParkedMessage
from federation.trust import worklist
from federation.values.party import HUB
from tests.databases import contents, refused

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def a_parked(code, stream):
    return ParkedMessage(
        sender=f"key-{code}",
        sender_code=code,
        entity_id=f"https://{code.lower()}.example",
        stream=stream,
        sequence=1,
        kind="note",
        state=inbox.PARKED,
        code="BAD_MESSAGE",
        reason="why",
        received_at=NOON,
        attempts=1,
    )


async def park(session, code, stream, body=b"{}"):
    await inbox.park(session, a_parked(code, stream), body)


async def test_a_sender_with_many_parked_messages_hides_nobody_elses(database):
    many = inbox.HEADS_OF_EACH + 3
    async with database.write("test") as session:
        for number in range(many):
            await park(session, "GB", f"note/{number}")
        await park(session, "FR", "note/1")

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


async def test_a_body_is_kept_in_parts_and_is_the_same_again(database):
    whole = bytes(range(256)) * (inbox.PART_BYTES // 128)  # two parts, full to the last byte
    bodies = [b'{"n":1}', b"", whole, whole + b"x"]
    async with database.write("test") as session:
        for number, body in enumerate(bodies, start=1):
            await park(session, "GB", f"note/{number}", body)

    async with database.read() as session:
        sizes = [row.size for row in await inbox.parked(session)]
        begin = await inbox.beginnings(session, [1, 2, 3], 8)
        found = [await inbox.body_of(session, number) for number in (1, 2, 3, 4)]
    parts = (await contents(database))["store_parked_part"]

    assert sizes == [len(body) for body in bodies]
    assert begin == {1: b'{"n":1}', 2: b"", 3: bytes(range(8))}
    assert found == bodies
    assert sorted((row[0], row[1], len(row[2])) for row in parts) == [
        (1, 0, 7),
        (3, 0, inbox.PART_BYTES),
        (3, 1, inbox.PART_BYTES),
        (4, 0, inbox.PART_BYTES),
        (4, 1, inbox.PART_BYTES),
        (4, 2, 1),
    ]


async def test_the_body_of_a_decided_message_is_gone(database):
    async with database.write("test") as session:
        await park(session, "GB", "note/1")
    async with database.write("test") as session:
        row = await inbox.get_parked(session, 1)
        inbox.propose_drop(row, "nonsense", who="one")
        await inbox.drop(session, row, who="another", now=NOON)
        begin = await inbox.beginnings(session, [1], 8)

    async with database.read() as session:
        assert (begin, await inbox.body_of(session, 1)) == ({1: b""}, b"")
    assert "store_parked_part" not in await contents(database)


async def test_the_largest_message_that_a_door_takes_can_be_parked(database):
    async with database.write("test") as session:
        await park(session, "FR", "note/1")
        await park(session, "GB", "note/1")
        await park(session, "GB", "note/2", b"x" * BYTES_MAX)

    refusal = await refused(database, inbox.ParkedFullError, lambda s: park(s, "GB", "note/3"))
    async with database.write("test") as session:
        await park(session, "FR", "note/2")
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

    refusal = await refused(database, inbox.ParkedFullError, lambda s: park(s, "GB", "note/more"))
    assert refusal.detail == "1000 messages, 0 bytes"
