"""The routes only the hub has: the claim index for nodes, whom to trust for everybody."""

import asyncio
from typing import Any

from litestar import Request, Response, get, post

from federation.addresses.urls import URLS_MAX, TooManyUrlsError
from federation.claimindex import near_store
from federation.claimindex.messages import Slice, SliceRequest
from federation.claimindex.shared_hosts import SharedHosts
from federation.edge.admission import BYTES_MAX as ADMISSION_BYTES_MAX
from federation.edge.admission import apply, call_token
from federation.edge.bodies import BodyLimit
from federation.edge.doors import Doors
from federation.edge.http import decoded, json_response
from federation.edge.status_lists import BUNDLE_PATH, bundle_response
from federation.hub.statuses import StatusHolder
from federation.licensing.counter import COUNTER_PATH, Counter, counter_of
from federation.months.published_rates import publish_rates, read_rates
from federation.oauth.entity import own_configuration
from federation.server import Server
from federation.signing.policy import Issuer, sign_trust_document
from federation.store.canonical import digest
from federation.store.messages import MIB
from federation.store.sessions import ReadSession
from federation.trust.key_life import Purpose
from federation.trust.parties import token_jwks
from federation.trust.store import trusted_nodes
from federation.values.roles import MAY_PREPARE, PEER

QUESTION = BodyLimit(16 * MIB, seconds=10)
RATES = BodyLimit(16 * MIB, seconds=60)
APPLICATION = BodyLimit(ADMISSION_BYTES_MAX, seconds=10)
TRUST_BUCKET_SECONDS = 30
COUNTER_KEPT = {"Cache-Control": "max-age=60"}


def hub_routes(doors: Doors, statuses: StatusHolder) -> list[Any]:
    """Return the routes only the hub has: index, rates, trust document, status lists, counter."""
    server, shared = doors.server, SharedHosts()

    @post("/federation/index", status_code=200)
    async def index(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Tell a node all the index knows about up to 1,000 addresses, and as many places."""
        who = await doors.known(request, "graphql", PEER)
        async with doors.body(request, who.subject, QUESTION) as body:
            asked = decoded(body, SliceRequest)
        if len(asked.keys) > URLS_MAX or len(asked.places) > URLS_MAX:
            raise TooManyUrlsError
        async with server.db.read() as session:
            return json_response(await _of_index(session, shared, asked, who.party or ""))

    @post("/settlement/rates", status_code=200)
    async def rates(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Record published rates from CSV; a day's rate that differs is refused."""
        who = await doors.known(request, "files", *MAY_PREPARE)
        async with doors.body(request, who.subject, RATES) as body:
            found = await asyncio.to_thread(read_rates, body)  # before the writer's turn
        async with server.db.write("rates.publish") as session:
            return json_response({"recorded": await publish_rates(session, found, who)})

    signed: dict[str, bytes] = {}

    @get("/trust")
    async def trust(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give everybody the signed list of issuers."""
        doors.stranger(request, "anonymous")
        content = await _trust_content(server)
        bucket = int(server.clock().timestamp()) // TRUST_BUCKET_SECONDS
        etag = f'"{digest([content, bucket])[:32]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(b"", status_code=304, headers={"ETag": etag})
        if etag not in signed:  # once for everybody who asks
            document = (await trust_document(server)).encode()
            signed.clear()
            signed[etag] = document
        return Response(
            signed[etag],
            media_type="application/jwt",
            headers={"ETag": etag, "Cache-Control": "max-age=30"},
        )

    @get(BUNDLE_PATH)
    async def status_lists(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give every licensor's status lists, as each signed them."""
        doors.stranger(request, "anonymous")
        return bundle_response(await statuses.all())

    @get(COUNTER_PATH)
    async def counter(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Tell everybody what can be bought here, and how."""
        doors.stranger(request, "anonymous")
        return json_response(await current_counter(server), headers=COUNTER_KEPT)

    @post("/federation/admission", status_code=200)
    async def admission(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take an application, or say where it stands."""
        applicant = doors.stranger(request, "admission")
        token = call_token(server, request.headers.get("authorization"))
        async with doors.body(request, applicant, APPLICATION) as body:
            return json_response(await apply(server, token, body))

    return [index, rates, trust, status_lists, counter, admission]


async def _of_index(
    session: ReadSession, shared: SharedHosts, asked: SliceRequest, node: str
) -> Slice:
    if asked.hosts:
        return await shared.of(session, node)
    return await near_store.answer(session, asked, node)


async def current_counter(server: Server) -> Counter:
    """Return what is sold here by the newest tariff."""
    async with server.db.read() as session:
        return await counter_of(
            session, hub=server.config.entity_id, name=server.config.name, url=server.url
        )


async def _trust_content(server: Server) -> list[Any]:
    async with server.db.read() as session:
        codes = [
            (party.code, party.jwk, party.url, party.token_jwks)
            for party in await trusted_nodes(session)
        ]
    ring = await server.keys.current()
    named = sorted(ring.published(Purpose.FEDERATION, server.clock()))
    return [codes, await _own_token_jwks(server), ring.federation.kid, named]


async def _own_token_jwks(server: Server) -> list[dict[str, str]]:
    ring = await server.keys.current()
    return [key.public_jwk() for key in ring.published(Purpose.TOKEN, server.clock()).values()]


async def trust_document(server: Server) -> str:
    """Sign the issuers that are trusted, the hub among them, and who the hub itself is."""
    async with server.db.read() as session:
        found = await trusted_nodes(session)
    peer = server.peer
    own = await _own_token_jwks(server)
    issuers = [Issuer(peer.entity_id, peer.code, peer.name, own, peer.url)]
    issuers += [
        Issuer(party.entity_id, party.code, party.name, token_jwks(party), party.url)
        for party in found
    ]
    return sign_trust_document(
        server.key,
        hub=server.config.entity_id,
        issuers=issuers,
        configuration=(await own_configuration(server, {}, server.clock())).text,
        now=server.clock(),
    )
