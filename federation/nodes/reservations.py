"""Published sources at a node: a file handed over, and its exact text sent again as evidence."""

import asyncio
from typing import Any, ClassVar

from litestar import Request, Response, get, post
from litestar.params import FromPath

from federation.addresses.urls import normalise_url
from federation.edge.bodies import BodyLimit
from federation.edge.doors import Doors
from federation.edge.http import json_response
from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.published.reading import FILE_BYTES_MAX
from federation.published.rules import Kind
from federation.reservations import service
from federation.reservations.service import HandedOver, Taken
from federation.reservations.telling import tell
from federation.server import Server
from federation.tabular import parse_instant
from federation.trust.store import find_party
from federation.values.ids import BadIdError
from federation.values.party import HUB
from federation.values.roles import MAY_KEEP_THE_REGISTRY, MAY_READ_MEMBERS

SOURCE = BodyLimit(FILE_BYTES_MAX, seconds=60)
_ASKED = frozenset({"kind", "site", "seenAt", "fetchedFrom", "reason"})
_DIGITS_MAX = 18

HttpRequest = Request[Any, Any, Any]


class BadHandingOverError(RefusalError):
    """A published source is handed over with kind and site, and with no word that is not known."""

    code: ClassVar[str] = "BAD_HANDING_OVER"


def reservation_routes(doors: Doors) -> list[Any]:
    """Return the routes of a node by which published sources come, and are shown."""
    server = doors.server

    @post("/reservations", status_code=200)
    async def handed_over(request: HttpRequest) -> Response[bytes]:
        """Keep a robots.txt or another published source, and take its rules."""
        who = await doors.known(request, "files", *MAY_KEEP_THE_REGISTRY)
        asked = dict(request.query_params)
        async with doors.body(request, who.subject, SOURCE) as body:
            handed = _read_query(server, asked, body)
        reading = await asyncio.to_thread(
            service.read_handed_over, handed, await _hosts_of_ours(server)
        )
        async with server.db.write("reservation.hand_over") as session:
            now = server.clock()
            taken = await service.hand_over_source(session, handed, reading, who=who, now=now)
            saying = Saying(who.subject, handed.reason, now)
            await tell(session, server.code, taken.version.source_id, saying)
        return json_response(shown(taken) | {"notExpressed": len(reading.not_expressed)})

    @get("/reservations/{version:str}")
    async def text(request: HttpRequest, version: FromPath[str]) -> Response[bytes]:
        """Send a file as it came, byte for byte, to be saved and not shown."""
        await doors.known(request, "files", *MAY_READ_MEMBERS.staff)
        if not (version.isascii() and version.isdigit() and len(version) <= _DIGITS_MAX):
            raise BadIdError(repr(version[:40]))
        async with server.db.read() as session:
            row, content = await service.exact_text(session, int(version))
        return Response(
            content,
            media_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="reservation-{row.version_id}"',
                "ETag": f'"{row.sha256}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    return [handed_over, text]


def _read_query(server: Server, asked: dict[str, str], body: bytes) -> HandedOver:
    """Return what is handed over, or refuse what it is not said of (BAD_HANDING_OVER)."""
    unknown = sorted(set(asked) - _ASKED)
    if unknown:
        raise BadHandingOverError(f"unknown: {unknown[0][:40]}")
    try:
        kind = Kind(asked.get("kind", "").upper())
    except ValueError as error:
        known = ", ".join(each.value for each in Kind)
        raise BadHandingOverError(f"kind: one of {known}") from error
    if not asked.get("site"):
        raise BadHandingOverError("site: the address of the site, or of the page")
    try:
        seen_at = parse_instant(asked["seenAt"]) if asked.get("seenAt") else server.clock()
    except ValueError as error:
        raise BadHandingOverError(f"seenAt: {error}") from error
    return HandedOver(
        kind=kind,
        site=asked["site"],
        data=bytes(body),
        seen_at=seen_at,
        fetched_from=asked.get("fetchedFrom") or None,
        reason=asked.get("reason", ""),
    )


async def _hosts_of_ours(server: Server) -> frozenset[str]:
    """Return where licences of ours are sold: here and at the hub."""
    async with server.db.read() as session:
        hub = await find_party(session, HUB)
    urls = [server.url, *([] if hub is None else [hub.url])]
    return frozenset(normalise_url(url).host for url in urls)


def shown(taken: Taken) -> dict[str, Any]:
    """Say what came of a file."""
    return {
        "source": str(taken.version.source_id),
        "version": str(taken.version.version_id),
        "sha256": taken.version.sha256,
        "isNew": taken.is_new,
        "listsThatCame": taken.came,
        "listsThatEnded": taken.ended,
        "listsThatWait": taken.waiting,
    }
