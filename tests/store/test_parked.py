"""Parked messages of one sender hide nobody else's, however many they are."""

from datetime import UTC, datetime

from federation.store import inbox
from federation.store.tables import ParkedMessage
from federation.trust import worklist
from federation.values.party import HUB

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def a_parked(code, stream):
    return ParkedMessage(
        sender=f"key-{code}",
        sender_code=code,
        entity_id=f"https://{code.lower()}.example",
        stream=stream,
        sequence=1,
        kind="note",
        body=b"{}",
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
