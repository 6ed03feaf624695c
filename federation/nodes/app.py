"""Compose a node."""

from functools import partial
from typing import Final

from litestar import Litestar
from litestar.exceptions import NotFoundException

from federation.clock import Clock
from federation.config import NodeConfig
from federation.console.pages import pages_of
from federation.console.routes import console_routes, unknown_page
from federation.distribution.disputed import itemise_old_months, months_to_itemise
from federation.edge.api.openapi import openapi_routes
from federation.edge.client_upkeep import LastUseWorker
from federation.edge.context import context_getter, graphql_body
from federation.edge.doors import Doors
from federation.edge.explorer import explorer_routes
from federation.edge.files import OF_A_NODE, file_at
from federation.edge.http import EXCEPTION_HANDLERS
from federation.edge.routes import common_routes
from federation.edge.status_lists import OwnLists, status_routes
from federation.federated.asking import Asker
from federation.logs import get_logger
from federation.mandates.following import follower
from federation.messaging.inbox import Retries
from federation.messaging.parked import ParkedWorker
from federation.messaging.peers import PeerClient
from federation.messaging.relay import Relay
from federation.messaging.webhooks import webhooks_of
from federation.metering.node_month import DUE
from federation.nodes.consent_files import ConsentFileWorker
from federation.nodes.entity import EntityWorker
from federation.nodes.handlers import HANDLERS, ON_DROP
from federation.nodes.identifiers import IdentifierWorker
from federation.nodes.index import elsewhere
from federation.nodes.joining import AdmissionWorker
from federation.nodes.member_papers import member_paper_routes
from federation.nodes.month import MonthWorker
from federation.nodes.registry_files import registry_file_routes
from federation.nodes.reservations import reservation_routes
from federation.nodes.routes import node_routes
from federation.nodes.terms import CounterHolder, Terms
from federation.oauth.entity import entity_routes
from federation.oauth.olp_routes import olp_routes
from federation.oauth.routes import oauth_routes
from federation.process import Background, Parts, Service, WorkerOf, no_boundary
from federation.proposals.planning import FILE_CONFIRMED
from federation.registry import adopting
from federation.registry.edit_store import members_without_versions
from federation.registry.edits import REGISTRY_CHANGED
from federation.registry.entering import keep_history
from federation.registry.store import is_all_read
from federation.schema.controller import graphql_controller
from federation.schema.in_process import asking
from federation.schema.node import schema
from federation.server import Server, node_config
from federation.signin.routes import SignIn, sign_in_routes
from federation.store.database import Boundary
from federation.store.inbox import KEPT
from federation.trust.admission import JOINING
from federation.values.party import HUB
from federation.works.store import WORKS_SAID

KNOCKED: Final = "hub.knocked"
log = get_logger("node")


def create_node(
    config: NodeConfig,
    clock: Clock,
    *,
    boundary: Boundary = no_boundary,
    worker: WorkerOf | None = None,
) -> Service:
    """Return a node bound to its port, or a worker of one, not yet started."""
    return Service(config, clock, compose, boundary=boundary, worker=worker)


def compose(server: Server, peers: PeerClient) -> Parts:
    """Put a node together. It speaks to the hub only; the hub speaks to the others."""
    config = node_config(server)

    async def resolve(target: str) -> str | None:
        return config.hub.url if target == config.hub.entity_id else None

    async def find(code: str) -> tuple[str, str] | None:
        return (config.hub.entity_id, config.hub.url) if code == HUB else None

    peers.find = find
    server.asker = Asker(peers.ask, server.monotonic)
    server.elsewhere = partial(elsewhere, server, peers)
    server.retry = Retries(server, HANDLERS, ON_DROP)
    files = partial(file_at, server, monthly=OF_A_NODE)
    doors, own = Doors(server), OwnLists(server)
    sign_in = SignIn(doors)
    counter = CounterHolder(server, peers)
    terms = Terms(server, counter)
    ask, pages = asking(schema), pages_of("node")
    app = Litestar(
        route_handlers=[
            graphql_controller(schema, context_getter(server), graphql_body(doors)),
            *explorer_routes(doors),
            *openapi_routes(doors),
            *common_routes(doors, HANDLERS, files),
            *oauth_routes(doors),
            *olp_routes(doors, counter.current),
            *sign_in_routes(sign_in),
            *console_routes(doors, ask, pages),
            *status_routes(doors, own),
            *entity_routes(doors, {}),
            *node_routes(doors, peers, own, terms),
            *registry_file_routes(doors),
            *reservation_routes(doors),
            *member_paper_routes(doors, config),
        ],
        exception_handlers={
            **EXCEPTION_HANDLERS,
            NotFoundException: unknown_page(doors, ask, pages),
        },
        logging_config=None,
        openapi_config=None,
        request_max_body_size=None,  # each door has a limit of its own
    )
    relay, worker = Relay(server, peers, resolve), MonthWorker(server, peers)
    server.db.follow(follower(server.code))
    server.db.listen(DUE, worker.wake)
    server.db.listen(REGISTRY_CHANGED, terms.look_again)
    joining = AdmissionWorker(server, peers)
    server.db.listen(JOINING, joining.wake)
    entity = EntityWorker(server, peers)
    server.db.listen(KNOCKED, partial(_wake_all, joining, entity))
    server.knocked = partial(server.db.say, KNOCKED)
    consent_files = ConsentFileWorker(server)
    server.db.listen(FILE_CONFIRMED, consent_files.wake)
    identifiers = IdentifierWorker(server)
    server.db.listen(WORKS_SAID, identifiers.wake)
    parked, last_use = ParkedWorker(server, HANDLERS), LastUseWorker(server)
    told = webhooks_of(server)
    server.db.listen(KEPT, parked.wake)
    scheduled: list[Background] = [
        told.run,
        worker.run,
        joining.run,
        entity.run,
        consent_files.run,
        identifiers.run,
        parked.run,
    ]
    in_each: list[Background] = [last_use.run, sign_in.refused.run]
    return Parts(app, relay, scheduled, in_each, prepare=partial(_adopt, server))


def _wake_all(*workers: AdmissionWorker | EntityWorker) -> None:
    for worker in workers:
        worker.wake()


async def _adopt(server: Server) -> None:
    """Bring what an earlier version left to what this one keeps."""
    await adopt_rules(server)
    async with server.db.read() as session:
        if not await months_to_itemise(session):
            return
    async with server.db.write("distribution.itemise") as session:
        await itemise_old_months(session, server.code, server.clock())


async def adopt_rules(server: Server) -> None:
    """After an upgrade, read again what earlier rules of addresses took; log what ended.

    Members whom an earlier version registered get the beginning of their history.
    """
    async with server.db.read() as session:
        is_all_kept = not await members_without_versions(session, "", 1)
        if is_all_kept and await is_all_read(session):
            return
    async with server.db.write("registry.adopt") as session:
        await keep_history(session)
        ended = await adopting.adopt_rules(session, node=server.code, now=server.clock())
    for row in ended:
        log.warning(
            "a row of the registry ended: the rules of addresses refuse it by now",
            member=row.member_id,
            subject=row.text,
            reason=row.reason,
        )
