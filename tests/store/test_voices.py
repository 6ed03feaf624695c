"""Each start of a database has a voice of its own: two that speak for one server are told apart."""

from datetime import UTC, datetime, timedelta

import pytest

from federation.store import voices
from federation.store.tables import PeerVoice
from federation.store.voices import AnotherVoiceError, BadVoiceError, Voice, read_voice
from tests.databases import contents, refused

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
A, B = "a" * 16, "b" * 16


async def test_starts_are_counted_and_a_claim_begins_an_epoch(database):
    found = []
    async with database.write("test") as session:
        found += [voices.voice_of(await voices.begin(session)) for _ in range(2)]
        row = await voices.begin(session)
        believed = [f"https://{name}.example" for name in "abc"]
        await voices.note_refusal(session, row, "https://a.example", believed, NOW)
        assert row.silenced_at is None
        await voices.note_refusal(session, row, "https://a.example", believed, NOW)
        assert row.silenced_at is None
        await voices.note_refusal(session, row, "https://x.example", believed, NOW)
        assert row.silenced_at is None
        await voices.note_refusal(session, row, "https://b.example", believed, NOW)
        assert row.silenced_at == NOW
        for at in (NOW, NOW - timedelta(days=1)):
            row = await voices.claim(session, at)
            found.append(voices.voice_of(row))
            assert (voices.refused_by(row), row.silenced_at) == ([], None)
        found.append(voices.voice_of(await voices.begin(session)))

    assert [(voice.epoch, voice.start) for voice in found] == [
        (0, 1),
        (0, 2),
        (EPOCH, 0),
        (EPOCH + 1, 0),
        (EPOCH + 1, 1),
    ]
    assert len({voice.nonce for voice in found}) == 5
    assert [read_voice(voice.text) for voice in found] == found


@pytest.mark.parametrize(
    "text",
    ["", "1.1", f"1.1.{A}.0 ", f"-1.1.{A}.0", f"1.1.{A[1:]}.0", f"1.1.{A}.{10**10}"],
)
def test_what_is_no_voice_is_refused(text):
    with pytest.raises(BadVoiceError):
        read_voice(text)


async def test_whoever_speaks_after_another_was_heard_is_refused(database):
    async with database.write("test") as session:
        await voices.hear(session, "gb", Voice(5, 3, A), NOW)
    later = NOW + timedelta(hours=1)

    for voice in (Voice(5, 3, B), Voice(5, 2, A), Voice(4, 9, B)):
        refusal = await refused(
            database,
            AnotherVoiceError,
            lambda here, voice=voice: voices.hear(here, "gb", voice, later),
        )
        assert "heard last: start 3 of 5 at 2026-09-01 12:00:00 UTC" in refusal.message


async def test_a_later_voice_is_heard_and_a_new_epoch_says_that_it_was_restored(database):
    spoken = [
        (Voice(0, 1, A), False),
        (Voice(0, 1, A), False),
        (Voice(0, 4, B), False),
        (Voice(EPOCH, 1, A, EPOCH), True),
        (Voice(EPOCH, 2, B, EPOCH), False),
    ]
    async with database.write("test") as session:
        for voice, is_restored in spoken:
            assert await voices.hear(session, "gb", voice, NOW) == is_restored
        assert await voices.hear(session, "de", Voice(EPOCH, 1, A, EPOCH), NOW)
        assert await voices.is_heard(session, "gb", Voice(EPOCH, 2, B))
        assert not await voices.is_heard(session, "gb", Voice(EPOCH, 2, A))

    assert (await contents(database))[PeerVoice.__tablename__] == [
        ("de", EPOCH, 1, A, NOW),
        ("gb", EPOCH, 2, B, NOW),
    ]
