"""A server that is told of another in its name stops; a hub does where most of its nodes say so."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from federation.config import HubConfig, Terms
from federation.edge.voices import Speaker, hear
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.messaging.senders import Sender
from federation.store import outbox, voices
from federation.store.voices import SilencedError, Voice
from tests.databases import a_party, contents
from tests.store.notes import Note

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
GB = Sender("https://gb.example", "GB", "thumbprint")


@pytest.fixture
def hub(database, tmp_path):
    config = HubConfig(
        entity_id="https://hub.example",
        data_dir=tmp_path,
        name="Hub",
        clearing_currency="EUR",
        fee_bps=0,
        fee_band_bps=(0, 1),
        terms=Terms({"standard": 1000}, {"TRAIN": 1000}),
    )
    server = SimpleNamespace(config=config, db=database, clock=lambda: NOW, voice=None)
    server.voice = Speaker(server)
    return server


async def test_no_node_alone_can_silence_a_hub_and_more_than_half_of_them_do(hub, database):
    async with database.write("test") as session:
        session.add_all(a_party(code) for code in ("GB", "DE", "FR"))
    await hub.voice.begin()
    told = []
    for entity_id in ("https://gb.example", "https://gb.example", "https://de.example"):
        await hub.voice.refused(entity_id, hub.voice.text)
        told.append(hub.voice.is_silenced)

    assert told == [False, False, True]
    with pytest.raises(SilencedError):
        await hear(hub, GB, None)
    peers = PeerClient("https://hub.example", pytest.fail, hub.clock)
    peers.voice = hub.voice
    with pytest.raises(PeerAnswerError, match="SILENCED"):  # before it is even signed
        await peers.post(GB.entity_id, "http://127.0.0.1:1/", b"[]", seconds=1)


async def test_a_process_speaks_with_the_voice_of_the_one_that_started_after_it(hub, database):
    await hub.voice.begin()
    sent = hub.voice.text
    later = Speaker(hub)
    await later.begin()
    before = await contents(database)

    await hub.voice.refused(GB.entity_id, sent)

    assert hub.voice.text == later.text != sent
    assert not hub.voice.is_silenced
    assert await contents(database) == before


async def test_what_a_restored_server_may_lack_is_sent_to_it_again(hub, database):
    received_until = int(NOW.timestamp())
    async with database.write("test") as session:
        for number, target in enumerate((GB.entity_id, GB.entity_id, "https://de.example")):
            await outbox.post(session, target=target, message=Note(number, "a"), now=NOW)
        spans = [
            outbox.Span(GB.entity_id, "note/a", 1),
            outbox.Span("https://de.example", "note/a", 1),
        ]
        await outbox.mark_delivered(session, spans, now=NOW.replace(hour=10))
        await outbox.mark_delivered(
            session, [outbox.Span(GB.entity_id, "note/a", 2, 2)], now=NOW.replace(hour=11, minute=1)
        )

    for voice in (Voice(1, 1, "a" * 16, received_until), Voice(1, 2, "b" * 16, received_until)):
        await hear(hub, GB, voice.text)
        async with database.read() as session:
            assert await outbox.targets_waiting(session) == {GB.entity_id: 1}
            assert await voices.is_heard(session, GB.key_id, voice)
