"""The routes every server has: health, keys, inbox, usage, files."""

import asyncio
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from federation.bankfiles.camt import read_bank_file
from federation.bankfiles.xml import BYTES_MAX as BANK_FILE_BYTES_MAX
from federation.banking import service as banking
from federation.bankstatements.acting import At
from federation.edge import voices
from federation.edge.auth import published_keys
from federation.edge.bodies import BodyLimit
from federation.edge.documents import document_routes
from federation.edge.doors import Doors
from federation.edge.files import Files
from federation.edge.health import health_routes
from federation.edge.http import json_response
from federation.edge.metrics import metrics_routes
from federation.edge.press import files_in
from federation.edge.spooled import in_chunks
from federation.messaging import inbox
from federation.messaging.senders import authenticate_sender
from federation.metering import service as metering
from federation.metering.reporters import Reporter, check_batch_key, reporter_of
from federation.metering.service import BYTES_MAX
from federation.server import Server
from federation.signing.jose import InvalidTokenError
from federation.store.canonical import digest
from federation.store.voices import HEADER
from federation.trust.principals import NotAllowedError, NotAuthenticatedError
from federation.values.roles import MAY_PREPARE

DELIVERY = BodyLimit(inbox.BYTES_MAX, seconds=60)  # as long as its sender waits
BATCH = BodyLimit(BYTES_MAX, seconds=60)
BANK_FILE = BodyLimit(BANK_FILE_BYTES_MAX, seconds=120)
JWKS_SECONDS = 300  # far less than a key is published before it signs


def common_routes(doors: Doors, handlers: inbox.Handlers, files: Files) -> list[Any]:
    """Return the routes of hub and node alike; `files` knows the files of this one."""
    return [
        *health_routes(doors),
        *metrics_routes(doors),
        *_identity_routes(doors),
        *_intake_routes(doors, handlers),
        *_file_routes(doors, files),
        *document_routes(doors),
    ]


def _identity_routes(doors: Doors) -> list[Any]:
    """Who the server is, and its keys."""
    server = doors.server

    @get("/.well-known/federation")
    async def entity() -> Response[bytes]:
        """Who this server is, and the key it signs with."""
        peer = server.peer
        return json_response(
            {
                "entity_id": peer.entity_id,
                "code": peer.code,
                "name": peer.name,
                "url": peer.url,
                "jwks": [peer.jwk],
                "thumbprint": server.key.kid,
            }
        )

    @get(["/.well-known/jwks.json", "/.well-known/jwks.json/platform"])
    async def jwks(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The keys that this server's tokens are checked with, where stock verifiers look for them.

        RSL's ask for the second address.
        """
        found = (await published_keys(server)).values()
        keys = {"keys": [key.public_jwk() for key in found]}
        headers = {"ETag": f'"{digest(keys)[:32]}"', "Cache-Control": f"max-age={JWKS_SECONDS}"}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(b"", status_code=304, headers=headers)
        return json_response(keys, headers=headers)

    return [entity, jwks]


def _intake_routes(doors: Doors, handlers: inbox.Handlers) -> list[Any]:
    """Take in what others send: messages, usage, a bank's files."""
    server = doors.server

    @post("/federation/inbox", status_code=200)
    async def deliver(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take messages of another server."""
        authorization = request.headers.get("authorization")
        try:
            sender = await authenticate_sender(server, authorization)
        except (NotAuthenticatedError, NotAllowedError, InvalidTokenError):
            doors.stranger(request, "anonymous")
            raise
        server.quotas.take(sender.entity_id, "messages")
        await voices.hear(server, sender, request.headers.get(HEADER))
        async with doors.body(request, sender.entity_id, DELIVERY) as body:
            envelopes = inbox.read_envelopes(body, handlers)
            del body  # of what is large there is one in memory
            return json_response(await inbox.take(server, handlers, sender, envelopes))

    @post("/usage", status_code=200)
    async def usage(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take a batch of NDJSON usage lines: a lab's at the hub, a site's at its node."""
        who = await doors.known(request, "usage")
        reporter = reporter_of(who, server.code)
        key = request.headers.get("idempotency-key", "")
        check_batch_key(key)
        async with doors.body(request, who.subject, BATCH) as body:
            return json_response(await _ingest(server, reporter, key, body))

    @post("/banking/files", status_code=200)
    async def bank_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Take a bank's file (camt.053, camt.054, pain.002): all of it, or nothing."""
        who = await doors.known(request, "files", *MAY_PREPARE)
        async with doors.body(request, who.subject, BANK_FILE) as body:
            file = await asyncio.to_thread(read_bank_file, body)  # before the writer's turn
            async with server.db.write("bank.import") as session:
                at = At(session, server.code, who, server.clock())
                done = await banking.import_file(at, body, file)
                return json_response(banking.summary(done))

    return [deliver, usage, bank_file]


def _file_routes(doors: Doors, files: Files) -> list[Any]:
    """Send what this server writes."""

    @get("/files/{path:path}")
    async def file(request: Request[Any, Any, Any], path: FromPath[str]) -> Response[Any]:
        """Send a file of this server to who may read it, some of them in parts."""
        who = await doors.known(request, "files", count=files_in(path))
        media_type, content = await files(who, path.lstrip("/"))
        if isinstance(content, bytes):
            return Response(content, media_type=media_type)
        return Stream(in_chunks(content), media_type=media_type)

    return [file]


async def _ingest(
    server: Server, reporter: Reporter, key: str, body: bytes
) -> metering.BatchAnswer:
    batch = metering.read_batch(body)
    async with server.db.write("usage.ingest") as session:
        answer = await metering.ingest(
            session,
            batch,
            reporter,
            key,
            here=server.code,
            terms=await server.terms(session),
            licences=await metering.licences_named(session, batch.licences),
            now=server.clock(),
        )
    server.counters.lines({name: count for name, (count, _) in answer.classes.items()})
    return answer
