"""The gate looks whether a client is gone, and takes no message from the application."""

import asyncio

import pytest

from federation.gate.asgi import AsgiGate
from federation.gate.listening import Listening

REQUEST = {"type": "http.request", "body": b"", "more_body": False}
PART = {"type": "http.request", "body": b"a", "more_body": True}
GONE = {"type": "http.disconnect"}


class Server:
    """Receives what is put into it; that the client is gone it says as often as it is asked."""

    def __init__(self, *messages):
        self.queue = asyncio.Queue()
        for each in messages:
            self.queue.put_nowait(each)

    async def __call__(self):
        message = await self.queue.get()
        if message is GONE:
            self.queue.put_nowait(GONE)
        return message


async def turns():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_hang_up_is_seen_and_every_message_still_reaches_the_application():
    server = Server(REQUEST)
    listening = Listening(server)
    await listening.look()
    await turns()
    assert not listening.is_over
    server.queue.put_nowait(GONE)
    await turns()

    assert listening.is_over
    assert [await listening() for _ in range(3)] == [REQUEST, GONE, GONE]
    listening.end()


async def test_an_application_that_waits_hears_at_once_what_is_read_ahead():
    server = Server()
    listening = Listening(server)
    await listening.look()
    waiting = asyncio.create_task(listening())
    await turns()
    server.queue.put_nowait(REQUEST)
    assert await waiting is REQUEST
    again = asyncio.create_task(listening())
    await turns()
    server.queue.put_nowait(GONE)

    assert (await again, listening.is_over) == (GONE, True)
    listening.end()


async def test_while_the_application_waits_it_alone_does():
    server = Server()
    listening = Listening(server)
    waiting = asyncio.create_task(listening())
    await turns()
    await listening.look()
    assert listening._look_ahead is None
    server.queue.put_nowait(GONE)

    assert (await waiting, listening.is_over) == (GONE, True)


async def test_a_body_that_goes_on_is_read_no_further_than_the_application_does():
    server = Server(PART, PART, GONE)
    listening = Listening(server)
    for _ in range(2):
        await listening.look()
        await turns()
    assert (server.queue.qsize(), listening.is_over) == (2, False)

    assert [await listening() for _ in range(3)] == [PART, PART, GONE]


@pytest.mark.parametrize("heard", [1, 3])
async def test_of_an_answer_in_parts_those_before_the_hang_up_are_counted(site, heard):
    server, sent = Server(REQUEST), []

    async def application(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in range(5):
            if part == heard:
                server.queue.put_nowait(GONE)
            await turns()
            await send({"type": "http.response.body", "body": b"1234", "more_body": part < 4})

    async def send(message):
        sent.append(message)

    await AsgiGate(application, site.gate.gate)(site.licensed(), server, send)
    await turns()

    assert [event.body_bytes for event in site.events()] == [4 * heard]
    assert len(sent) == 6  # what is said after a hang-up is the server's to pass over
    assert asyncio.all_tasks() == {asyncio.current_task()}
