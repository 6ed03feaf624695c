"""The routes only a node has: imports, policies and visits of sites, the validity of a token."""

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from federation.edge.bodies import BodyLimit
from federation.edge.doors import Doors
from federation.edge.files import NoSuchFileError
from federation.edge.http import decoded, json_response, log
from federation.edge.status_lists import OwnLists, SignedList, keep_newer
from federation.gate.refusals import SiteRefusalError
from federation.gate.visit_report import REPORT_BYTES_MAX, VisitReport
from federation.history.kinds import Saying
from federation.messaging.peers import PeerClient
from federation.nodes.enrolling import enrolling_routes
from federation.nodes.originals import OriginalsHolder
from federation.nodes.site_memory import SiteMemory
from federation.nodes.site_terms import SiteTermsHolder
from federation.nodes.terms import Terms, terms_routes
from federation.nodes.trust import Trust, TrustHolder
from federation.nodes.validating import Validate, opens
from federation.oauth.entity import own_configuration
from federation.registry import service as registry
from federation.registry.entering import enter_table
from federation.server import Server
from federation.signing.jose import InvalidTokenError
from federation.signing.policy import SiteTerms, sign_site_policy
from federation.signing.statuslist import StatusLists
from federation.signing.tokens import BoundTokenError, OutsideAudienceError
from federation.store.canonical import digest
from federation.store.messages import KIB, MIB
from federation.trust.key_life import Purpose
from federation.trust.principals import NotAllowedError
from federation.values.roles import (
    MAY_KEEP_THE_REGISTRY,
    MAY_READ_SITE_POLICY,
    MAY_TELL_VISITS,
)
from federation.visits import service as visits

TABLE = BodyLimit(64 * MIB, seconds=300)
QUESTION = BodyLimit(64 * KIB, seconds=10)
VISITS = BodyLimit(REPORT_BYTES_MAX, seconds=30)
RESIGN_SECONDS = 600
CONFLICTS_SHOWN = 100


def node_routes(doors: Doors, peers: PeerClient, own: OwnLists, terms: Terms) -> list[Any]:
    """Return the routes only a node has: of registry, sites, tokens, and members' terms."""
    server = doors.server
    memory = SiteMemory(server)
    trust, sites = TrustHolder(server, peers), SiteTermsHolder(server, memory)
    originals = OriginalsHolder(server, peers, memory)

    @post("/registry/{table:str}", status_code=200)
    async def imports(request: Request[Any, Any, Any], table: FromPath[str]) -> Response[bytes]:
        """Import `members`, `works` or `optouts` from CSV: all rows or none."""
        who = await doors.known(request, "files", *MAY_KEEP_THE_REGISTRY)
        async with doors.body(request, who.subject, TABLE) as body:
            return json_response(await _import(server, table, body, who.subject))

    @get("/sites/{member:str}/policy")
    async def policy(request: Request[Any, Any, Any], member: FromPath[str]) -> Response[bytes]:
        """Give a member site its signed policy: whom to trust, what is withheld."""
        who = await doors.known(request, "files")
        if who.whose(MAY_READ_SITE_POLICY, member) != member:
            raise NotAllowedError("another member's site")
        held = await trust.current()
        lists = [item.text for item in await _all_lists(held, own)]
        here = await _terms_of(server, sites, originals, member)
        now = server.clock()
        signed_at = now - timedelta(seconds=now.timestamp() % RESIGN_SECONDS)
        own_keys = (await server.keys.current()).published(Purpose.FEDERATION, now)
        within = [held.text, *lists, server.key.kid, *own_keys]  # sites learn the next one
        etag = f'"{digest([msgspec.to_builtins(here), within, str(signed_at)])[:32]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(b"", status_code=304, headers={"ETag": etag})
        signed = sign_site_policy(
            server.key,
            node=server.url,
            member=member,
            terms=here,
            trust=held.text,
            status_lists=lists,
            configuration=(await own_configuration(server, {}, now)).text,
            now=now,
        )
        return Response(
            signed.encode(),
            media_type="application/jwt",
            headers={"ETag": etag, "Cache-Control": "no-cache"},
        )

    @post("/visits", status_code=200)
    async def told(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take what a member's site counted of its visits: all of it, or nothing."""
        who = await doors.known(request, "usage", *MAY_TELL_VISITS)
        async with doors.body(request, who.subject, VISITS) as body:
            report = decoded(body, VisitReport)
        now = server.clock()
        async with server.db.write("visits.note") as session:
            await visits.note(session, report, who, now)
        async with server.db.write("visits.take") as session:
            changed = await visits.take(session, report, who, now)
        return json_response({"rows": len(report.counts), "changed": changed})

    @post("/validate")
    async def validate(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Say whether a token opens a publisher's page for a use: 200, or 403 with the reason.

        Of a bound token nobody can tell who does not see the request: BOUND_TOKEN.
        """
        site = doors.stranger(request, "validate")
        async with doors.body(request, site, QUESTION) as body:
            asked = decoded(body, Validate)
        held = await trust.current()
        statuses = StatusLists.of(item.read for item in await _all_lists(held, own))
        try:
            token, use = await opens(server, asked, held.document, statuses)
        except (
            InvalidTokenError,
            BoundTokenError,
            OutsideAudienceError,
            SiteRefusalError,
        ) as refusal:
            why = refusal.message
            if isinstance(refusal, InvalidTokenError):  # why is no stranger's to learn
                log.info("not valid", code=refusal.code, why=why)
                why = refusal.headline
            return json_response({"valid": False, "code": refusal.code, "reason": why}, 403)
        answer = {"valid": True, "licence": token.licence, "uses": list(token.uses), "use": use}
        return json_response(answer)

    return [
        imports,
        policy,
        told,
        validate,
        *terms_routes(doors, terms),
        *enrolling_routes(doors, terms),
    ]


async def _terms_of(
    server: Server, sites: SiteTermsHolder, originals: OriginalsHolder, member: str
) -> SiteTerms:
    """Return what a site must know; no transaction is open while the hub is asked."""
    async with server.db.read() as session:
        about = await sites.asked_elsewhere(session, member)
    elsewhere = await originals.elsewhere(member, about)
    async with server.db.read() as session:
        return await sites.terms(session, member, elsewhere)


async def _all_lists(held: Trust, own: OwnLists) -> list[SignedList]:
    """Return every licensor's lists as it signed them, our own as they are now, by address.

    Our own is left as it was where the hub's document does not name its key yet: with a list that
    is not good a site would refuse the whole policy.
    """
    lists = dict(held.lists)
    for item in await own.all():
        keep_newer(lists, item.text, held.issuers)
    return [lists[uri] for uri in sorted(lists)]


async def _import(server: Server, table: str, body: bytes, by: str) -> dict[str, object]:
    """Read the file before the writer's turn: a long or a wrong one keeps nobody waiting."""
    if table not in registry.TABLES:
        raise NoSuchFileError(f"registry/{table}: {', '.join(registry.TABLES)}")
    node = server.code
    async with server.db.read() as session:
        found = await registry.read_table(session, table, body, node=node)
    async with server.db.write(f"registry.{table}") as session:
        if not await registry.is_as_read(session, found):
            found = await registry.read_table(session, table, body, node=node)
        saying = Saying(by, f"from a file of {table}", server.clock())
        imported, written = await enter_table(session, found, node=node, saying=saying)
    contested = [conflict.key.text for conflict in written.conflicts]
    if not contested:
        return {"imported": imported}
    shown = contested[:CONFLICTS_SHOWN]  # claims that another member holds as well
    return {"imported": imported, "conflicts": shown, "conflictCount": len(contested)}
