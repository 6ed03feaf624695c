"""The status lists of this server's own licences, and how servers pass on those of all licensors.

Everybody may read `/statuslists/<number>`, as the IETF draft has it. A node asks the hub for the
lists of all licensors at once, which the hub has from each of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Meta

from federation.edge.doors import Doors
from federation.edge.files import NoSuchFileError
from federation.edge.http import json_response
from federation.licensing import store as licensing
from federation.logs import get_logger
from federation.messaging.peers import PeerAnswerError
from federation.server import Server
from federation.signing.jose import InvalidTokenError
from federation.signing.keys import Keys, SigningKey
from federation.signing.statuslist import (
    LISTS_MAX,
    STATUS_BYTES_MAX,
    TTL_SECONDS,
    Status,
    StatusList,
    list_uri,
    place_of,
    read_status_list,
    sign_status_list,
)
from federation.store.canonical import digest
from federation.store.messages import MIB

BUNDLE_PATH: Final = "/federation/statuslists"
BUNDLE_LISTS_MAX: Final = 1_000
BUNDLE_BYTES_MAX: Final = 8 * MIB  # no more than the policy of a site may have
SIGNED_AGAIN_SECONDS: Final = 600  # so a list that is served has at least 50 minutes to go
_SAID = {"SUSPENDED": Status.SUSPENDED, "REVOKED": Status.INVALID}
log = get_logger("status")


class SignedList(NamedTuple):
    """A licensor's list as it signed it, and what it says."""

    text: str
    read: StatusList


class Bundle(msgspec.Struct, frozen=True):
    """The lists of all licensors, as they signed them."""

    status_lists: Annotated[
        list[Annotated[str, Meta(max_length=STATUS_BYTES_MAX)]],
        Meta(max_length=BUNDLE_LISTS_MAX),
    ]


class OwnLists:
    """Signs what this server says against its own licences, once for everybody who asks."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._signed: dict[int, tuple[str, SignedList]] = {}  # {number: (what for, list)}

    async def all(self) -> list[SignedList]:
        """Return every list of this server, that of its next licence among them.

        So a list is known everywhere before the first licence stands in it.
        """
        server = self._server
        async with server.db.read() as session:
            following, stopped = await licensing.standing(session, server.code)
        said: dict[int, dict[int, Status]] = defaultdict(dict)
        for number, status in stopped.items():
            place = place_of(number)
            said[place.in_list][place.position] = _SAID[status]
        key = (await server.keys.current()).token
        count = place_of(following).in_list + 1
        return [self._list(number, said[number], key) for number in range(count)]

    def _list(self, number: int, said: Mapping[int, Status], key: SigningKey) -> SignedList:
        """Return a list that was signed for the same content not long ago, or sign it."""
        now, entity = self._server.clock(), self._server.config.entity_id
        bucket = int(now.timestamp()) // SIGNED_AGAIN_SECONDS
        content = sorted((at, int(status)) for at, status in said.items())
        what = digest([content, bucket, key.kid])
        held = self._signed.get(number)
        if held is None or held[0] != what:
            text = sign_status_list(key, entity, number, said, now)
            read = read_status_list(text, {entity: {key.kid: key.public}})
            held = self._signed[number] = (what, SignedList(text, read))
        return held[1]


def status_routes(doors: Doors, own: OwnLists) -> list[Any]:
    """Return the routes by which everybody reads this server's own lists."""
    server = doors.server

    @get("/statuslists")
    async def lists(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Name every list of this server."""
        doors.stranger(request, "anonymous")
        return json_response({"status_lists": [item.read.uri for item in await own.all()]})

    @get("/statuslists/{number:int}")
    async def one(request: Request[Any, Any, Any], number: FromPath[int]) -> Response[bytes]:
        """Give one list as it is signed."""
        doors.stranger(request, "anonymous")
        uri = list_uri(server.config.entity_id, number)
        found = [item for item in await own.all() if item.read.uri == uri]
        if not found:
            raise NoSuchFileError(f"statuslists/{number}")
        return list_response(request, found[0])

    return [lists, one]


def list_response(request: Request[Any, Any, Any], item: SignedList) -> Response[bytes]:
    """Return a list, or 304 to who has it."""
    etag = f'"{digest([item.text])[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"max-age={TTL_SECONDS}"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(item.text.encode(), media_type="application/statuslist+jwt", headers=headers)


def bundle_response(items: Iterable[SignedList]) -> Response[bytes]:
    """Return the lists of all licensors to a node."""
    return json_response({"status_lists": [item.text for item in items]})


def read_bundle(
    text: str, issuers: Mapping[str, Keys], known: Mapping[str, SignedList], now: datetime
) -> dict[str, SignedList]:
    """Return {address: list} of what came and what is `known`, of each list the newer.

    A list that is not good is left out, so that one licensor stops no other's; so is one whose
    time is over, or whose licensor or key is not trusted any more, also if it was held: a site
    refuses a policy in which one list is not good. Raises PeerAnswerError for what is no bundle.
    """
    try:
        came = msgspec.json.decode(text, type=Bundle).status_lists
    except msgspec.MsgspecError as error:
        raise PeerAnswerError(f"no status lists: {error}") from error
    found: dict[str, SignedList] = {}
    for signed in [*(item.text for item in known.values()), *came]:
        keep_newer(found, signed, issuers)
    return {uri: item for uri, item in found.items() if now.timestamp() < item.read.expires_at}


def keep_newer(held: dict[str, SignedList], text: str, issuers: Mapping[str, Keys]) -> None:
    """Hold a signed list if it is good and no older than the one that is held."""
    try:
        read = read_status_list(text, issuers)
    except InvalidTokenError as error:
        log.warning("a status list is left out", reason=str(error.reason))
        return
    known = held.get(read.uri)
    if known is None or known.read.issued_at <= read.issued_at:
        held[read.uri] = SignedList(text, read)


def lists_named(text: str) -> int:
    """Return how many lists a server says it has; raises PeerAnswerError."""
    try:
        return min(len(msgspec.json.decode(text, type=Bundle).status_lists), LISTS_MAX)
    except msgspec.MsgspecError as error:
        raise PeerAnswerError(f"no status lists: {error}") from error
