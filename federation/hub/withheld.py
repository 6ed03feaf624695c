"""What is withheld from labs, over all collectives: parts that are kept current by their changes.

A part is what the claim index has of one collective. Which parts there are, how old each is and
who did not answer stands in one answer beside them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import msgspec
from litestar import Request, Response, get
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath
from litestar.response import Stream

from federation.claimindex import followed_store
from federation.claimindex.delta_store import versions_of
from federation.claimindex.followed_store import STAGES, Asked, Stage
from federation.claimindex.following import Of, Resumed, Seal, check_since, line_of, mark, resumed
from federation.consent.listed import Claim, End, Gone, Head, Line, Ruling, written
from federation.documents.csv_bytes import csv_bytes
from federation.edge.doors import Doors
from federation.edge.files import NoSuchFileError
from federation.edge.http import json_response
from federation.errors import RefusalError
from federation.federated.asking import Node
from federation.licensing import licensees
from federation.licensing import service as licensing
from federation.licensing.objects import decode
from federation.licensing.rights import ANSWERED, Reply, UnknownUseError
from federation.quotas import QuotaExceededError
from federation.schema.asking_rights import registry_versions
from federation.server import Server
from federation.store.canonical import digest
from federation.store.database import Database
from federation.store.sessions import ReadSession
from federation.trust.principals import Principal
from federation.trust.store import find_party, node_parties
from federation.trust.tables import Party
from federation.values.party import HUB
from federation.values.roles import MAY_READ_WITHHELD

MEDIA_TYPES: Final = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
PAGE: Final = 1_000
"""So many entries are in memory at once, and count as one of the quota."""
AT_ONCE_MAX: Final = 2  # parts that are sent to one lab
PRIVATE: Final = "private, no-cache"
_PARAMETERS: Final = frozenset({"use", "licence", "since", "after"})
_VERSION_MAX: Final = 2**31 - 1
CURRENT, BEHIND, SUSPENDED = "CURRENT", "BEHIND", "SUSPENDED"
COLUMNS: Final = (
    *("kind", "node", "host", "path", "subdomains", "use", "state", "reason", "starts", "ends"),
    *("said_from", "holder", "source", "original", "id", "entries", "version", "after"),
)

HttpRequest = Request[Any, Any, Any]


class BadPartError(RefusalError):
    """This is not how the list of what is withheld is asked for."""

    code: ClassVar[str] = "BAD_PART"


class TooManyDownloadsError(QuotaExceededError):
    """Too many parts are being sent to the same lab at once."""


class Downloads:
    """How many parts are being sent to whom."""

    def __init__(self) -> None:
        self._sent: Counter[str] = Counter()

    @contextmanager
    def place_for(self, lab: str) -> Iterator[None]:
        """Count a part that is sent to a lab, or refuse (TOO_MANY_REQUESTS)."""
        if self._sent[lab] >= AT_ONCE_MAX:
            raise TooManyDownloadsError(f"at most {AT_ONCE_MAX}")
        self._sent[lab] += 1
        try:
            yield
        finally:
            self._sent[lab] -= 1
            if not self._sent[lab]:
                del self._sent[lab]


class PartState(msgspec.Struct, frozen=True, rename="camel"):
    """How old a part is: the change of a registry up to which it goes, and when that came.

    `state` is CURRENT where the collective says that there is no later one, BEHIND where there is,
    TIMEOUT or ERROR where it did not answer, SUSPENDED where it is not asked.
    """

    node: str
    state: str
    version: int
    as_of: datetime | None
    registry_version: int | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part as it is asked for: which, in which form, and where it is gone on with."""

    asked: Asked
    as_of: datetime | None
    form: str = "ndjson"
    at: Resumed | None = None
    after: str | None = None

    @property
    def etag(self) -> str:
        """Name what is in it: nothing else changes before the version or the UTC day does."""
        asked = self.asked
        uses, said = sorted(asked.uses), [asked.node, asked.since, asked.until, str(asked.day)]
        return f'"{digest([*said, uses, self.form])[:32]}"'


def withheld_routes(doors: Doors) -> list[Any]:
    """Return the routes of the list of what is withheld."""
    server, downloads = doors.server, Downloads()

    @get("/withheld")
    async def parts(request: HttpRequest) -> Response[bytes]:
        """Say which parts the list has, how old each is, and whose is missing."""
        who = await doors.known(request, "files", *MAY_READ_WITHHELD.roles)
        async with server.db.read() as session:
            await count(server, session, who)
            found = await node_parties(session)
        asked = sum(party.suspended_at is None for party in found)
        server.quotas.take(who.subject, "graphql", max(1, asked))
        states = await part_states(server, found)
        is_whole = all(each.state == CURRENT for each in states)
        told = {"complete": is_whole, "parts": states}
        return json_response(told, headers={"Cache-Control": "private, no-store"})

    @get("/withheld/{name:str}")
    async def part(request: HttpRequest, name: FromPath[str]) -> Response[bytes] | Stream:
        """Send a part, or what came and went in it `since` a version: `<code>.ndjson`, `.csv`."""
        who = await doors.known(request, "files", *MAY_READ_WITHHELD.roles)
        async with server.db.read() as session:
            lab = await count(server, session, who)
            wanted = await _wanted(server, session, who, name, request.query_params.multi_items())
        headers = {"Cache-Control": PRIVATE}
        if wanted.at is None:
            headers["ETag"] = wanted.etag
            if request.headers.get("if-none-match") == wanted.etag:
                return Response(b"", status_code=304, headers=headers)
        place = ExitStack()
        place.enter_context(downloads.place_for(lab))
        lines = part_lines(
            server.db,
            server.pepper.seal,
            wanted,
            lambda: server.quotas.take(lab, "lists"),
        )
        return Stream(
            _in_form(lines, wanted.form, place),
            media_type=MEDIA_TYPES[wanted.form],
            headers=headers,
            # Who hangs up while a page is sent leaves a stream that ends only when it is collected.
            background=BackgroundTask(_leave, place),
        )

    return [parts, part]


async def _leave(place: ExitStack) -> None:
    place.close()


async def count(server: Server, session: ReadSession, who: Principal) -> str:
    """Count what a lab asks for, whoever of it asks; return by which name it is counted.

    Refused are UNKNOWN_LICENSEE and TOO_MANY_REQUESTS.
    """
    lab = who.whose(MAY_READ_WITHHELD)
    if lab is not None:
        await licensees.get_licensee(session, lab)
    name = lab or who.subject
    server.quotas.take(name, "lists")
    return name


async def part_states(server: Server, parties: Sequence[Party]) -> list[PartState]:
    """Ask each collective how far its registry is, and compare it with the index."""
    trusted = [party for party in parties if party.suspended_at is None]
    async with server.db.read() as session:
        use = min((await server.terms(session)).use_weight)
    nodes = [Node(party.code, party.entity_id, party.url) for party in trusted]
    replies = {
        reply.node: reply for reply in await registry_versions(server, nodes, use, server.clock())
    }
    async with server.db.read() as session:  # after they have answered: the index may have gone on
        index = await versions_of(session, [party.code for party in parties])
    return [
        _state(party.code, replies.get(party.code), *index.get(party.code, (0, None)))
        for party in parties
    ]


def _state(node: str, reply: Reply | None, version: int, as_of: datetime | None) -> PartState:
    if reply is None:
        return PartState(node, SUSPENDED, version, as_of, None, None)
    if reply.state != ANSWERED:
        return PartState(node, reply.state, version, as_of, None, reply.message)
    state = CURRENT if reply.registry_version <= version else BEHIND
    return PartState(node, state, version, as_of, reply.registry_version, None)


async def _wanted(
    server: Server,
    session: ReadSession,
    who: Principal,
    name: str,
    parameters: Iterable[tuple[str, Any]],
) -> Wanted:
    """Read what is asked for (NO_SUCH_FILE, BAD_PART, UNKNOWN_USE, LIST_GAP, BAD_CURSOR)."""
    node, _, form = name.partition(".")
    if form not in MEDIA_TYPES or node == HUB or await find_party(session, node) is None:
        raise NoSuchFileError(f"withheld/{name[:80]}")
    said: dict[str, list[str]] = {}
    for key, value in parameters:
        said.setdefault(key, []).append(str(value))
    for key, values in said.items():
        if key not in _PARAMETERS or (key != "use" and len(values) > 1):
            raise BadPartError(f"{key[:40]}: use (as often as you like), licence, since, after")
    uses = await _uses(server, session, who, said)
    since = _version(said["since"][0]) if "since" in said else None
    now = await followed_store.followed(session, node)
    check_since(since, now)
    after = said.get("after", [None])[0]
    at = resumed(after, Of(node, since, uses), server.pepper.seal)
    until = now.version if at is None else at.until
    day = server.clock().astimezone(UTC).date()
    as_of = now.changed_at if until == now.version else None
    return Wanted(Asked(node, since, until, uses, day), as_of, form, at, after)


async def _uses(
    server: Server, session: ReadSession, who: Principal, said: dict[str, list[str]]
) -> frozenset[str]:
    """Return of which uses: those named, or those of a licence; none where all are meant."""
    uses = set(said.get("use", ()))
    unknown = uses - (await server.terms(session)).use_weight.keys()
    if unknown:
        raise UnknownUseError(min(unknown)[:80])
    if "licence" not in said:
        return frozenset(uses)
    if uses:
        raise BadPartError("a use or a licence, not both")
    row = await licensing.licence_for(session, said["licence"][0], who)
    return frozenset(use for one in decode(row.body).grant.components for use in one.uses)


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_VERSION_MAX))):
        raise BadPartError(f"since: {text[:40]}: a version")
    return int(text)


async def part_lines(
    db: Database, seal: Seal, wanted: Wanted, take: Callable[[], None]
) -> AsyncGenerator[list[Line]]:
    """Write a part page by page, each in a transaction of its own: no reader holds anybody up.

    What changes meanwhile may be there or not; it is among the changes since the head's version.
    Each page but the first is taken from a quota; where that is used up the part breaks off behind
    a mark, without an end.
    """
    asked, at = wanted.asked, wanted.at
    of = Of(asked.node, asked.since, asked.uses)
    uses = sorted(asked.uses)
    yield [Head(asked.node, asked.until, asked.since, wanted.as_of, uses, wanted.after)]
    stages = STAGES if asked.since is not None else STAGES[2:]
    entries = begun = 0 if at is None else at.entries
    for stage in stages if at is None else stages[stages.index(at.stage) :]:
        after = (at.version, at.key) if at is not None and at.stage == stage else None
        while True:
            async with db.read() as session:
                rows = await followed_store.page(session, asked, stage, after, PAGE)
            if not rows:
                break
            if entries > begun:
                try:
                    take()
                except QuotaExceededError:
                    return
            entries += len(rows)
            after = followed_store.place_of(stage, rows[-1])
            lines = await asyncio.to_thread(_lines, stage, rows, seal)
            yield [*lines, mark(of, asked.until, stage, rows[-1], seal, entries)]
    yield [End(entries, asked.until)]


def _lines(stage: Stage, rows: Sequence[Any], seal: Seal) -> list[Line]:
    return [line_of(stage, row, seal) for row in rows]


async def _in_form(
    lines: AsyncGenerator[list[Line]], form: str, place: ExitStack
) -> AsyncGenerator[bytes]:
    """Write lines as they come, others being answered meanwhile, and leave the place at the end."""
    with place:
        if form == "csv":
            yield csv_bytes([COLUMNS])
        write = written if form == "ndjson" else _csv
        async for some in lines:
            yield await asyncio.to_thread(write, some)


def _csv(lines: list[Line]) -> bytes:
    return csv_bytes([_cells(line) for line in lines])


def _cells(line: Line) -> list[str]:
    """Return a line by columns; `gone` stands before the kind of what is no more."""
    entry, gone = (line.entry, "gone ") if isinstance(line, Gone) else (line, "")
    told: dict[str, Any] = msgspec.to_builtins(entry)
    kind = f"{gone}{told.pop('kind')}"
    if isinstance(entry, Claim | Ruling):
        starts, ends = (
            ("startsOn", "endsOn") if isinstance(entry, Claim) else ("startsAt", "endsAt")
        )
        told |= {"starts": told.get(starts), "ends": told.get(ends)}
        told |= {"subdomains": "yes" if entry.subdomains else "no"}
    told |= {"kind": kind, "said_from": told.get("saidFrom")}
    return [str(told[name]) if told.get(name) is not None else "" for name in COLUMNS]
