"""What is refused stands on a list, whatever its size; once it is decided its stream goes on.

So it does by itself where the server stopped or was busy in between.
"""

from datetime import UTC, datetime
from typing import ClassVar

import msgspec
import pytest

from federation.errors import RefusalError
from federation.messaging import parked
from federation.messaging.inbox import BYTES_MAX, Envelope, Retries, handlers_of, take, try_again
from federation.messaging.parked import ParkedWorker
from federation.messaging.senders import Sender
from federation.store import database as databases
from federation.store import inbox
from federation.store.failures import DatabaseBusyError
from federation.trust import worklist
from tests.databases import contents, opened
from tests.store.notes import Note

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
SENDER = Sender("https://hub.example", "HUB", "key-HUB")
STREAM = "note/a"


class UnwelcomeError(RefusalError):
    """This note is not welcome."""

    code: ClassVar[str] = "UNWELCOME"


class PowerCutError(BaseException):
    """What a boundary raises in place of a power cut: no handler of exceptions sees it."""


class Notes:
    """A server that takes notes: `unwelcome` are parked, for `busy` ones it has no time."""

    def __init__(self, database, *, unwelcome=()):
        self.db, self.code = database, "GB"
        self.unwelcome, self.busy = set(unwelcome), set()
        self.tried, self.taken = [], []
        self.handlers = handlers_of([(Note, self._take)])

    def clock(self):
        return NOON

    async def _take(self, _at, note):
        self.tried.append(note.n)
        if note.n in self.busy:
            raise DatabaseBusyError(retry_after=1)
        if note.n in self.unwelcome:
            raise UnwelcomeError
        self.taken.append(note.n)

    async def hear(self, *numbers):
        """Take notes of one stream; return up to which."""
        envelopes = [
            Envelope(STREAM, number, "note", msgspec.json.encode(Note(number)))
            for number in numbers
        ]
        delivered = await take(self, self.handlers, SENDER, envelopes)
        return delivered.up_to[STREAM]

    async def states(self):
        async with self.db.read() as session:
            return [(row.sequence, row.state) for row in await inbox.parked(session)]

    async def work_list(self):
        async with self.db.read() as session:
            return [item.why for item in await worklist.of_messages(session, self.code)]


async def drop_first(server):
    async with server.db.write("inbox.drop") as session:
        row = await inbox.get_parked(session, 1)
        inbox.propose_drop(row, "nonsense", who="one")
        await inbox.drop(session, row, who="another", now=NOON)


async def retry_first(server):
    await try_again(server, server.handlers, 1)


@pytest.fixture
async def url(database):
    """A database in which the first note of a stream is parked and another waits behind it."""
    server = Notes(database, unwelcome=[1])
    assert await server.hear(1, 2) == 2
    assert await server.states() == [(1, "PARKED"), (2, "BEHIND")]
    assert server.taken == []
    return database.url


@pytest.mark.parametrize(
    ("act", "transaction"), [(retry_first, "inbox.note"), (drop_first, "inbox.drop")]
)
async def test_a_stream_goes_on_after_a_crash_behind_what_was_decided(url, act, transaction):
    def boundary(name, moment):
        if (name, moment) == (transaction, "after"):
            raise PowerCutError

    async with opened(url, boundary=boundary) as database:
        with pytest.raises(PowerCutError):
            await act(Notes(database))
    async with opened(url) as database:
        server = Notes(database)
        assert await server.hear(3) == 3  # it waits behind the second
        waits = await server.states(), await server.work_list()
        await ParkedWorker(server, server.handlers).try_due()

        assert waits == (
            [(2, "BEHIND"), (3, "BEHIND")],
            ["note: its turn has come: it is tried by itself; 1 message behind it"],
        )
        assert server.taken == [2, 3]
        assert await server.states() == []
        assert await server.hear(4) == 4
        assert server.taken == [2, 3, 4]


async def test_a_stream_goes_on_whose_next_message_met_a_busy_server(url, monkeypatch):
    monkeypatch.setattr(parked, "IDLE_SECONDS", 3_600)  # no second turn while this lasts
    async with opened(url) as database:
        server = Notes(database)
        server.busy = {2}
        assert await try_again(server, server.handlers, 1) == inbox.DONE
        worker = ParkedWorker(server, server.handlers)
        for _ in range(3):
            await worker.try_due()
        waits = await server.states()
        server.busy = set()
        await ParkedWorker(server, server.handlers).try_due()  # none but its own back-off

    assert waits == [(2, "BEHIND")]
    assert server.tried == [1, 2, 2, 2]  # by the first worker once: its other turns came too soon
    assert server.taken == [1, 2]


async def test_what_is_malformed_is_tried_once_after_a_start(database):
    def malformed(number):
        return Envelope(STREAM, number, "note", b'{"n":"one"}')

    server = Notes(database)
    worker = ParkedWorker(server, server.handlers)
    await worker.try_due()
    await take(server, server.handlers, SENDER, [malformed(1)])
    for _ in range(2):
        await worker.try_due()
    here = await attempts(database)
    restarted = ParkedWorker(server, server.handlers)
    for _ in range(2):
        await restarted.try_due()

    assert here == 1  # when it came
    assert await attempts(database) == 2


async def attempts(database):
    async with database.read() as session:
        return (await inbox.get_parked(session, 1)).attempts


@pytest.mark.parametrize("act", [retry_first, drop_first])
async def test_what_was_decided_is_no_refusal_where_the_server_is_too_busy_to_go_on(
    url, act, monkeypatch
):
    with monkeypatch.context() as patch:

        def boundary(*_):
            patch.setattr(databases, "WAITING_MAX", -databases.READERS_MAX)  # all say BUSY

        async with opened(url, boundary=boundary) as database:
            server = Notes(database)
            await act(server)
            await Retries(server, server.handlers).stream(SENDER.key_id, STREAM)
            with pytest.raises(DatabaseBusyError):
                await server.states()
    async with opened(url) as database:
        server = Notes(database)
        waits = await server.states()
        await ParkedWorker(server, server.handlers).try_due()

        assert waits == [(2, "BEHIND")]
        assert server.taken == [2]
        assert await server.states() == []


async def test_staff_may_try_the_head_of_a_stream_and_nothing_behind_it(url):
    async with opened(url) as database:
        server = Notes(database, unwelcome=[2])
        before = await contents(database)
        with pytest.raises(inbox.MessageStateError, match="2 is BEHIND"):
            await try_again(server, server.handlers, 2)
        assert await contents(database) == before
        await drop_first(server)

        assert await try_again(server, server.handlers, 2) == inbox.PARKED
        assert await server.work_list() == ["note: UNWELCOME: This note is not welcome."]
        with pytest.raises(inbox.MessageStateError, match="1 is DROPPED"):
            await try_again(server, server.handlers, 1)


async def test_a_message_larger_than_all_that_one_sender_may_have_parked_is_on_the_work_list(
    database,
):
    server = Notes(database)
    envelope = Envelope(STREAM, 1, "note", b'"' + b"x" * (BYTES_MAX - 2) + b'"')
    delivered = await take(server, server.handlers, SENDER, [envelope])
    listed = await server.work_list()
    await drop_first(server)

    assert (delivered.up_to, delivered.not_taken) == ({STREAM: 1}, {})
    too_large = "MESSAGE_TOO_LARGE: This would not fit into a message to another server."
    assert listed == [f"note: {too_large} (note: {BYTES_MAX} bytes, at most 1024)"]
    assert await server.hear(2) == 2
    assert server.taken == [2]
