"""What whoever watches a server asks: does it run, can it serve, of which version is it."""

from collections.abc import Mapping
from typing import Any

from litestar import MediaType, Request, Response, get

from federation import __version__
from federation.edge.doors import Doors
from federation.edge.http import json_response
from federation.errors import RefusalError
from federation.server import Server
from federation.store.migrations import current_revision, head_revision


def health_routes(doors: Doors) -> list[Any]:
    """Return the routes, each also under the name by which orchestrators look for it."""
    server = doors.server

    @get(["/health/live", "/healthz"], media_type=MediaType.JSON)
    async def live() -> dict[str, str]:
        """Say that the process answers; nothing else is looked at."""
        return {"status": "live", "version": __version__}

    @get(["/health/ready", "/readyz"])
    async def ready(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Say whether requests can be served, by the name of each check."""
        doors.stranger(request, "anonymous")
        checks = await readiness(server)
        is_ready = all(checks.values())
        said = {"ready": is_ready, "version": __version__, "checks": checks}
        return json_response(said, 200 if is_ready else 503)

    @get("/version")
    async def version() -> Response[bytes]:
        """Say of which version the code is, and at which revision it wants its database."""
        return json_response({"version": __version__, "revision": head_revision()})

    return [live, ready, version]


async def readiness(server: Server) -> Mapping[str, bool]:
    """Return by name whether each thing is there that requests need; it never raises.

    `database`: it answers. `revision`: it is at that of this code. `keys`: they are held.
    `voice`: nobody else was heard to speak for this server.
    """
    checks, voice = {"database": False, "revision": False, "keys": False}, server.voice
    try:
        async with server.db.read() as session:
            connection = await session.connection()
            revision = await connection.run_sync(current_revision)
            checks |= {"database": True, "revision": revision == head_revision()}
            if voice is not None and checks["revision"]:
                await voice.look(session)
        checks["keys"] = bool(server.keys.held.token.kid)
    except RefusalError:
        pass
    return {**checks, "voice": voice is None or not voice.is_silenced}
