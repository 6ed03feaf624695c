"""Both faces of the client, before a server that says what a test wants it to say."""

import asyncio

import httpx
import msgspec

from federation_client.awaited.asking import AsyncAsking
from federation_client.awaited.lab import AsyncLab
from federation_client.blocking.asking import Asking
from federation_client.blocking.lab import Lab

FACES = ["awaited", "blocking"]
HUB = "https://hub.example"


class Bearer:
    """Tokens by number; each is shown until it is refused."""

    def __init__(self):
        self.number = 1

    def current(self):
        return f"token-{self.number}"

    def refused(self):
        self.number += 1


class Server:
    """Answers one after the other what it was given: a response, or an error of the network."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def tokens(self):
        """The tokens that were shown."""
        return [each.headers["authorization"].removeprefix("Bearer ") for each in self.requests]

    @property
    def asked(self):
        """What was asked, decoded."""
        return [msgspec.json.decode(each.content) for each in self.requests]


class Packed(Server):
    """Answers what says that it is packed, and does not unpack."""

    def __call__(self, request):
        self.requests.append(request)
        stream = httpx.ByteStream(b"junk")
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=stream)


def answered(face, server, act, *, chance=0.0):
    """Return what an act on `Asking` comes to, and the pauses that it wanted to make."""
    pauses = []
    transport = httpx.MockTransport(server)
    if face == "blocking":
        with httpx.Client(transport=transport) as http:
            return act(
                Asking(HUB, Bearer(), http, sleep=pauses.append, chance=lambda: chance)
            ), pauses

    async def sleep(seconds):
        pauses.append(seconds)

    async def go():
        async with httpx.AsyncClient(transport=transport) as http:
            return await act(AsyncAsking(HUB, Bearer(), http, sleep=sleep, chance=lambda: chance))

    return asyncio.run(go()), pauses


def from_lab(face, server, act):
    """Return what an act on a lab comes to; a list is looked at to its end, and returned as one."""
    transport = httpx.MockTransport(server)
    if face == "blocking":
        with httpx.Client(transport=transport) as http:
            found = act(Lab(HUB, Bearer(), http=http))
            return list(found) if hasattr(found, "__iter__") else found

    async def go():
        async with httpx.AsyncClient(transport=transport) as http:
            found = act(AsyncLab(HUB, Bearer(), http=http))
            if hasattr(found, "__aiter__"):
                return [each async for each in found]
            return await found

    return asyncio.run(go())


def data(**fields):
    """Return the answer of a hub to a question."""
    return httpx.Response(200, json={"data": fields})


def errors(code, message="", status=200):
    """Return the answer of a hub that could not answer."""
    found = {"message": message, "extensions": {"code": code}}
    return httpx.Response(status, json={"errors": [found]})
