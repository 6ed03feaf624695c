"""Where a member's site shows its code and gets what it is installed with."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from msgspec import Meta

from federation.clients import site_codes
from federation.edge.bodies import BodyLimit
from federation.edge.doors import Doors
from federation.edge.http import decoded
from federation.nodes.terms import Terms
from federation.registry import service as registry
from federation.server import Server
from federation.signing.enrolment import CODE_CHARS_MAX, SITE_BITS, Enrolment, sign_enrolment
from federation.store.messages import KIB
from federation.trust.key_life import Purpose
from federation.trust.parties import entity_keys, get_party
from federation.values.party import HUB

LIMIT = BodyLimit(8 * KIB, seconds=10)


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The secret of a code, and the random bits of the credential that the site wants for it.

    Without them, as kits before them ask, the bits are the node's, and what it answers is lost if
    it does not arrive.
    """

    secret: Annotated[str, Meta(max_length=CODE_CHARS_MAX)]
    bits: Annotated[str, Meta(pattern=rf"\A{SITE_BITS}\Z")] | None = None


def enrolling_routes(doors: Doors, terms: Terms) -> list[Any]:
    """Return the door for sites that are being installed; a member's terms name their schemes."""
    server = doors.server

    @post("/sites/enrol", status_code=200)
    async def enrol(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take a code and answer, signed, with the member, a credential, and the keys to pin."""
        site = doors.stranger(request, "enrolment")
        async with doors.body(request, site, LIMIT) as body:
            shown = decoded(body, Shown)
        signed = await _enrolled(server, shown)
        terms.look_again()
        return Response(
            signed.encode(), media_type="application/jwt", headers={"Cache-Control": "no-store"}
        )

    return [enrol]


async def _enrolled(server: Server, shown: Shown) -> str:
    now = server.clock()
    async with server.db.write("site_code.use") as session:
        found = await site_codes.use(
            session, shown.secret, shown.bits, now=now, pepper=server.pepper
        )
        await registry.get_member(session, found.member)
        hub = entity_keys(await get_party(session, HUB))
        own = (await server.keys.current()).published(Purpose.FEDERATION, now)
        said = Enrolment(
            node=server.url,
            member=found.member,
            origins=tuple(found.origins),
            client_id=found.given.client.client_id,
            client_secret=found.given.secret or "",
            node_keys=tuple(key.public_jwk() for key in own.values()),
            hub_keys=tuple(key.public_jwk() for key in hub.values()),
        )
        return sign_enrolment(server.key, said, secret=shown.secret, now=now)
