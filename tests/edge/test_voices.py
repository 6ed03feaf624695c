"""A server that is told of another in its name stops; a hub does where most of its nodes say so."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from federation.config import HubConfig, HubPeer, NodeConfig, Terms
from federation.edge.health import readiness
from federation.edge.voices import Speaker, hear
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.messaging.senders import Sender
from federation.quotas import QuotaExceededError, Quotas
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
    return a_server(config, database)


@pytest.fixture
def node(database, tmp_path):
    config = NodeConfig(
        entity_id=GB.entity_id,
        data_dir=tmp_path,
        code="GB",
        name="Node",
        country="GB",
        settlement_currency="GBP",
        admin_fee_bps=0,
        collecting_fee_bps=0,
        minimum_payment=0,
        plan="per_usage",
        hub=HubPeer("https://hub.example", "https://hub.example", "k" * 43),
    )
    return a_server(config, database)


def a_server(config, database):
    still = Quotas(now=lambda: 0.0)
    server = SimpleNamespace(
        config=config, db=database, clock=lambda: NOW, quotas=still, voice=None
    )
    server.voice = Speaker(server)
    return server


async def restored(server):
    """Begin the epoch of a restore, and start."""
    async with server.db.write("test") as session:
        session.add_all(a_party(code) for code in ("HUB", "GB", "DE", "FR"))
        await voices.claim(session, NOW)
    await server.voice.begin()


class Calls:
    """Notes who is called, and answers each of its turns as it is told to."""

    def __init__(self, *answers):
        self.called, self._answers = [], list(answers)

    async def post(self, entity_id, url, body, *, seconds):
        assert (url, body, seconds) == (f"{entity_id}/federation/inbox", b"[]", 10.0)
        self.called.append(entity_id)
        if self._answers and (answer := self._answers.pop(0)) is not None:
            raise answer


async def test_no_node_alone_can_silence_a_hub_and_more_than_half_of_them_do(hub, database):
    async with database.write("test") as session:
        out, *others = (a_party(code) for code in ("IT", "GB", "DE", "FR"))
        out.suspended_at = NOW
        session.add_all([out, *others])
    await hub.voice.begin()
    told = []
    for code in ("it", "xx", "gb", "gb", "de"):  # one is suspended, one nobody
        await hub.voice.refused(f"https://{code}.example", hub.voice.text)
        told.append(hub.voice.is_silenced)

    assert told == [False, False, False, False, True]
    async with database.read() as session:
        row = await voices.find_own(session)
    assert voices.refused_by(row) == ["https://de.example", "https://gb.example"]
    beside = a_server(hub.config, database)  # another process, which nobody told
    for server, text in ((hub, None), (beside, Voice(0, 1, "a" * 16).text), (beside, None)):
        with pytest.raises(SilencedError):
            await hear(server, GB, text)
    another, ready = a_server(hub.config, database), {"database": True, "revision": True}
    another.keys = SimpleNamespace(held=SimpleNamespace(token=SimpleNamespace(kid="any")))
    assert await readiness(another) == {**ready, "keys": True, "voice": False}
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


async def test_a_restored_server_may_say_so_six_times_and_then_once_in_a_minute(hub, database):
    spoken = [Voice(epoch, 1, "a" * 16, 0).text for epoch in range(1, 8)]
    for text in spoken[:6]:
        await hear(hub, GB, text)
    before = await contents(database)

    with pytest.raises(QuotaExceededError) as refusal:
        await hear(hub, GB, spoken[6])

    assert refusal.value.retry_after == 60
    assert await contents(database) == before
    await hear(hub, GB, spoken[5])  # it goes on with the voice that was heard


async def test_a_node_that_was_restored_tells_its_hub_alone_and_believes_no_other(node, database):
    await restored(node)
    before, calls = await contents(database), Calls()

    await node.voice.announce(calls)
    await node.voice.refused("https://de.example", node.voice.text)

    assert calls.called == ["https://hub.example"]
    assert not node.voice.is_silenced
    assert await contents(database) == before
    await node.voice.refused("https://hub.example", node.voice.text)
    assert node.voice.is_silenced


async def test_a_hub_that_was_restored_tells_each_node_until_it_has_heard(hub, monkeypatch):
    monkeypatch.setattr("federation.edge.voices.AGAIN_SECONDS", 0.0)
    await restored(hub)
    answers = [PeerAnswerError("HTTP 503"), PeerAnswerError("HTTP 401", is_there=True), None]
    calls = Calls(*answers, ValueError("anything"), None)

    await hub.voice.announce(calls)

    names = ["de", "fr", "gb", "de", "de"]
    assert calls.called == [f"https://{name}.example" for name in names]
