"""Two workers of one hub: what one did the other knows, and one of them does the scheduled work.

Here both are in one process, at an address each, so that a test says whom it asks.
"""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import asyncpg
import msgspec
import pytest
from structlog.testing import capture_logs

from federation.clock import SettableClock
from federation.hub.app import create_hub
from federation.messaging import relay
from federation.messaging.inbox import Delivered
from federation.people.directory import CHANGED
from federation.process import WorkerOf
from federation.scenario.client import until
from federation.signing.keys import SigningKey
from federation.store import outbox, voices
from federation.store.database import announce
from federation.trust.own_keys import KEYS_CHANGED
from federation.workers.listening import bind
from tests.databases import a_party
from tests.oauth.conftest import NOW, Place, particulars, parties
from tests.store.notes import Note

GRANT = {"grant_type": "client_credentials"}
MINE = "{ licences { edges { node { number } } } }"


class Worker(Place):
    """One of the two; `sent` is what it delivered."""

    def __init__(self, service, http, clock):
        super().__init__(service, http, clock, service.server.db)
        self.sent = []
        service._peers.post = self._post

    async def _post(self, target, url, body, **_):
        del url
        self.sent += [(target, each["body"]["n"]) for each in msgspec.json.decode(body)]
        last = {each["stream"]: each["sequence"] for each in msgspec.json.decode(body)}
        return msgspec.json.encode(Delivered(last))

    @property
    def leads(self):
        return self.service._leading.leads

    async def has_delivered(self):
        """Tell whether nothing waits any more; what is not noted would be sent again."""
        async with self.database.read() as session:
            # No list: it would fill while the session closes, and be an answer that nobody gave.
            return bool(self.sent) and not await outbox.targets_waiting(session)

    async def says(self, number):
        """Post a message to GB."""
        note = Note(number)
        async with self.database.write("test.note") as session:
            await outbox.post(session, target="https://gb.example", message=note, now=NOW)


@asynccontextmanager
async def worker(url, folder, http, *, is_first, at=None):
    bound, clock = bind("127.0.0.1", 0), SettableClock(NOW)
    config = msgspec.structs.replace(
        particulars("hub", 0, folder, url),
        workers=2,
        entity_id="https://hub.example",
        public_url=at,
    )
    service = create_hub(config, clock, worker=WorkerOf(bound, is_first))
    try:
        await service.start()
        yield Worker(service, http, clock)
    finally:
        await service.stop()


@pytest.fixture
async def pair(postgres, tmp_path, monkeypatch):
    """Two workers on one database; the first of them leads."""
    monkeypatch.setattr(relay, "IDLE_SECONDS", 3600.0)  # a message is heard of, or stays
    async with (
        postgres.url(migrated=True) as url,
        aiohttp.ClientSession() as http,
        worker(url, tmp_path, http, is_first=True) as first,
    ):
        await until(lambda: shown(first.leads), what="a leader")
        async with worker(url, tmp_path, http, is_first=False) as second:
            async with first.database.write("test.parties") as session:
                await parties(session)
                session.add(a_party("GB"))
            yield first, second


async def shown(found):
    return found


async def test_what_one_worker_did_the_other_refuses(pair):
    first, second = pair
    lab = await first.issue("liam", "LAB", "lab-one", key=SigningKey.generate())
    form = {**GRANT, **lab.assertion("https://hub.example")}

    status, found, _ = await first.post("token", form)
    with capture_logs() as logs:
        again, refused, _ = await second.post("token", form)

    assert (status, again, refused) == (200, 400, {"error": "invalid_client"})
    assert [line["why"] for line in logs if line["event"] == "refused"] == ["REPLAYED"]
    token = found["access_token"]
    assert await second.graphql(token, MINE) == {"edges": []}
    status, _, _ = await first.post(
        "revoke", {"token": token, **lab.assertion("https://hub.example", first.clock())}
    )
    assert status == 200
    assert await second.graphql(token, MINE) == "NOT_AUTHENTICATED"


async def test_what_is_held_in_memory_is_forgotten_where_another_worker_changed_it(pair):
    first, second = pair
    people, keys = second.service.server.people, second.service._keys
    people._monotonic = keys._monotonic = lambda: 0.0  # nothing is ever too old
    keys._due = 1.0

    async def is_known():
        await second.act("olga", "{ __typename }")
        return people.find("olga")

    await until(is_known, what="olga")  # a line that has just been opened makes it forget once

    async with first.database.write("test.change") as session:
        announce(session, CHANGED)
        announce(session, KEYS_CHANGED)

    await until(lambda: shown(people.find("olga") is None), what="what changed")
    await until(lambda: shown(keys._due < 0), what="what changed")


async def test_a_message_posted_at_one_worker_goes_out_at_the_one_that_leads(pair):
    first, second = pair
    assert (first.leads, second.leads) == (True, False)

    await second.says(1)
    await until(first.has_delivered, what="the message")
    await first.service.stop()
    await until(lambda: shown(second.leads), what="another leader")
    await second.says(2)
    await until(second.has_delivered, what="the message")

    assert (first.sent, second.sent) == (
        [("https://gb.example", 1)],
        [("https://gb.example", 2)],
    )


async def test_a_leader_whose_line_is_cut_does_nothing_more_until_it_leads_again(pair):
    first, second = pair
    first.service._leading._may_lead = True
    other = await asyncpg.connect(first.database.url.replace("postgresql+asyncpg", "postgresql"))
    tasks = list(first.service._leading._tasks)
    second.service._leading.resign()  # so it is the first that takes the lead again

    with capture_logs() as logs:
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND objsubid = 1 AND pid <> pg_backend_pid()"
        )
        await until(lambda: shown(all(task.done() for task in tasks)), what="its work to end")
        await until(lambda: shown(first.leads), what="it to lead again")
    await other.close()
    await second.says(3)
    await until(first.has_delivered, what="the message")

    events = [line["event"] for line in logs if line.get("log_level") in {"info", "warning"}]
    assert events.index("the line to the other workers is cut") < events.index(
        "this worker leads: it does the scheduled work"
    )
    assert (first.sent, second.sent) == ([("https://gb.example", 3)], [])


async def test_both_speak_with_one_voice_and_count_one_start(pair):
    first, second = pair

    async with first.database.read() as session:
        row = await voices.find_own(session)
    assert row.start == 1
    assert first.service.server.voice.text == second.service.server.voice.text != ""

    async with first.database.write("test.silenced") as session:
        row = await voices.find_own(session)
        row.silenced_at = NOW
    task = asyncio.create_task(second.service.server.voice.follow())
    await until(lambda: shown(second.service.server.voice.is_silenced), what="its silence")
    task.cancel()
