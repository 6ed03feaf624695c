"""What a server says of itself to everybody: its entity configuration (OpenID Federation 1.0)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from litestar import Request, Response, get

from federation.edge.auth import published_keys
from federation.edge.doors import Doors
from federation.oauth.routes import metadata_of
from federation.server import Server
from federation.signing.entity_statements import ADDRESS, SERVER, Signed, sign_configuration
from federation.trust.key_life import Purpose
from federation.values.party import HUB

STATEMENT_TYPE: Final = "application/entity-statement+jwt"
CONFIGURATION_PATH: Final = "/.well-known/openid-federation"
LISTED_PATH: Final = "/federation/listed"  # at the hub: what it holds of the node that asks
Metadata = dict[str, dict[str, Any]]


def entity_routes(doors: Doors, more: Mapping[str, Any]) -> list[Any]:
    """Return the route of this server's configuration.

    `more` is what it says as a member of the federation: the endpoints of the hub.
    """
    server = doors.server

    @get(CONFIGURATION_PATH)
    async def configuration(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Say who this server is, which keys it has, and where its endpoints are."""
        doors.stranger(request, "anonymous")
        signed = await own_configuration(server, more, server.clock())
        return Response(signed.text.encode(), media_type=STATEMENT_TYPE)

    return [configuration]


async def own_configuration(server: Server, more: Mapping[str, Any], now: datetime) -> Signed:
    """Sign what this server says of itself."""
    federation = (await server.keys.current()).published(Purpose.FEDERATION, now)
    above = [] if server.code == HUB else [server.hub_entity_id]
    return sign_configuration(
        server.key,
        server.config.entity_id,
        jwks=[key.public_jwk() for key in federation.values()],
        metadata=await own_metadata(server, more),
        above=above,
        now=now,
    )


async def own_metadata(server: Server, more: Mapping[str, Any]) -> Metadata:
    """Return the metadata of this server: as a member, and as one that gives tokens."""
    keys = [key.public_jwk() for key in (await published_keys(server)).values()]
    return {
        "federation_entity": {"organization_name": server.config.name, **more},
        SERVER: {**metadata_of(server), "jwks": {"keys": keys}, ADDRESS: server.url},
    }
