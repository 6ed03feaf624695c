"""What a node says in public of each of its members: terms in RSL, TDMRep, lines for a robots.txt.

Anybody asks, as often as it likes. So what was made is kept for a moment, whatever it is, and made
once for all who ask meanwhile; that there is no such member is kept as well.
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import replace
from typing import Any, ClassVar, Final, NamedTuple
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from federation.clients.store import installed_origins
from federation.edge.doors import Doors
from federation.edge.http import decoded
from federation.errors import LaterError, RefusalError
from federation.licensing.counter import Counter, counter_url
from federation.licensing.member_facts import member_facts
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.messaging.pulls import Pull
from federation.registry.service import UnknownMemberError
from federation.rsl.member_terms import MemberFacts, plain_hosts, terms_of
from federation.rsl.signals import robots_lines, tdm_reservations
from federation.rsl.words import MEDIA_TYPE
from federation.rsl.writing import write
from federation.server import Server, node_config
from federation.store.messages import MIB
from federation.trust.store import find_party
from federation.values.party import HUB

KEPT_SECONDS: Final = 10
KEPT_BYTES_MAX: Final = 16 * MIB
SITES_MAX: Final = 1_000  # of a member, whose schemes are looked at
NOBODY_BYTES: Final = 1024  # with the longest name
MEMBER_ID_LENGTH_MAX: Final = 128
COUNTER_BYTES_MAX: Final = 1 * MIB
CACHE: Final = "max-age=60"
MEDIA_TYPES: Final = {
    "license.xml": MEDIA_TYPE,
    "tdmrep.json": "application/json",
    "robots.txt": "text/plain",
}


class TermsNotKnownError(LaterError):
    """This collective does not know yet what the hub sells."""

    code: ClassVar[str] = "TERMS_NOT_KNOWN"


class Published(NamedTuple):
    """One document as it is sent, and what it is known again by."""

    body: bytes
    media_type: str
    etag: str


Documents = dict[str, Published]


class CounterHolder:
    """Holds what the hub said last that it sells, pulled as `Pull` says."""

    def __init__(self, server: Server, peers: PeerClient) -> None:
        self._server, self._peers = server, peers
        self._pull: Pull[Counter] = Pull(self._asked, _always, server.monotonic)

    async def current(self) -> Counter:
        """Return what is sold at the hub, or refuse (TERMS_NOT_KNOWN)."""
        held = await self._pull.current()
        if held is None:
            raise TermsNotKnownError
        return held

    async def _asked(self, held: Counter | None) -> Counter | None:
        """Ask the hub; where it sells is known without it, so of its answer only what counts."""
        del held
        async with self._server.db.read() as session:
            if await find_party(session, HUB) is None:
                return None
        url = counter_url(node_config(self._server).hub.url)
        text = await self._peers.get_text(url, bytes_max=COUNTER_BYTES_MAX)
        try:
            return decoded(text.encode(), Counter)
        except RefusalError as refusal:
            raise PeerAnswerError(f"not understood: {refusal.detail}") from refusal


def _always(_: Counter) -> bool:
    return True


class Terms:
    """The documents of the members of one node, kept for `KEPT_SECONDS` of business time."""

    def __init__(self, server: Server, counter: CounterHolder) -> None:
        self._server, self._counter = server, counter
        self._kept: OrderedDict[str, tuple[int, Documents | None]] = OrderedDict()
        self._bytes = 0
        self._flights: dict[str, asyncio.Task[Documents | None]] = {}

    def look_again(self) -> None:
        """Forget what is kept: the registry changed."""
        self._kept.clear()
        self._bytes = 0

    async def of(self, member: str) -> Documents:
        """Return the documents of a member (UNKNOWN_MEMBER, TERMS_NOT_KNOWN)."""
        if len(member) > MEMBER_ID_LENGTH_MAX:  # kept is what a registry can hold, no more
            raise UnknownMemberError(member[:MEMBER_ID_LENGTH_MAX])
        kept = self._kept.get(member)
        if kept is None or kept[0] != self._moment():
            flight = self._flights.get(member)
            if flight is None:
                flight = self._flights[member] = asyncio.create_task(self._made(member))
                flight.add_done_callback(lambda _: self._flights.pop(member, None))
            found = await asyncio.shield(flight)
        else:
            found = kept[1]
        if found is None:
            raise UnknownMemberError(member)
        return found

    def _moment(self) -> int:
        return int(self._server.clock().timestamp()) // KEPT_SECONDS

    async def _made(self, member: str) -> Documents | None:
        moment = self._moment()
        try:
            facts = await self._facts(member)
        except UnknownMemberError:
            found = None
        else:
            address = terms_url(self._server, member)
            found = await asyncio.to_thread(_documents, facts, address)
        self._keep(member, moment, found)
        return found

    async def _facts(self, member: str) -> MemberFacts:
        server, counter = self._server, await self._counter.current()
        async with server.db.read() as session:
            facts = await member_facts(
                session,
                server.code,
                member,
                counter=counter,
                now=server.clock(),
            )
            origins = await installed_origins(session, member, SITES_MAX)
        return replace(facts, plain_hosts=plain_hosts(origins))

    def _keep(self, member: str, moment: int, found: Documents | None) -> None:
        """Keep what was made in the place of the oldest, within `KEPT_BYTES_MAX` in all."""
        self._drop(member)
        self._kept[member] = (moment, found)
        self._bytes += _size(found)
        while self._bytes > KEPT_BYTES_MAX:
            self._drop(next(iter(self._kept)))

    def _drop(self, member: str) -> None:
        if member in self._kept:
            self._bytes -= _size(self._kept.pop(member)[1])


def terms_url(server: Server, member: str) -> str:
    """Return where everybody reads a member's terms at its node."""
    return f"{server.url}/sites/{quote(member, safe='')}/license.xml"


def _size(found: Documents | None) -> int:
    """Return what keeping costs; that a name is nobody's costs something too."""
    return NOBODY_BYTES + sum(len(each.body) for each in (found or {}).values())


def _documents(facts: MemberFacts, address: str) -> Documents:
    """Write a member's documents. Long work of a large member: call it in a thread."""
    bodies = {
        "license.xml": write(terms_of(facts)),
        "tdmrep.json": msgspec.json.encode(tdm_reservations(facts)),
        "robots.txt": robots_lines(facts, address).encode(),
    }
    return {
        name: Published(body, MEDIA_TYPES[name], f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        for name, body in bodies.items()
    }


def terms_routes(doors: Doors, terms: Terms) -> list[Any]:
    """Return the routes at which everybody reads the terms of a member."""

    @get("/sites/{member:str}/license.xml")
    async def licence(request: Request[Any, Any, Any], member: FromPath[str]) -> Response[bytes]:
        """Give everybody a member's terms in RSL 1.0."""
        return await answered(request, member, "license.xml")

    @get("/sites/{member:str}/tdmrep.json")
    async def tdmrep(request: Request[Any, Any, Any], member: FromPath[str]) -> Response[bytes]:
        """Give everybody a member's reservation of text and data mining (TDMRep)."""
        return await answered(request, member, "tdmrep.json")

    @get("/sites/{member:str}/robots.txt")
    async def robots(request: Request[Any, Any, Any], member: FromPath[str]) -> Response[bytes]:
        """Give everybody lines for a member's robots.txt."""
        return await answered(request, member, "robots.txt")

    async def answered(request: Request[Any, Any, Any], member: str, name: str) -> Response[bytes]:
        doors.stranger(request, "anonymous")
        found = (await terms.of(member))[name]
        headers = {"ETag": found.etag, "Cache-Control": CACHE}
        if request.headers.get("if-none-match") == found.etag:
            return Response(b"", status_code=304, headers=headers)
        return Response(found.body, media_type=found.media_type, headers=headers)

    return [licence, tdmrep, robots]
