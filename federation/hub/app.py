"""Compose the hub."""

from functools import partial

from litestar import Litestar
from litestar.exceptions import NotFoundException

from federation.clock import Clock
from federation.config import HubConfig
from federation.console.pages import pages_of
from federation.console.routes import console_routes, unknown_page
from federation.edge.api.openapi import openapi_routes
from federation.edge.client_upkeep import LastUseWorker
from federation.edge.context import context_getter, graphql_body
from federation.edge.doors import Doors
from federation.edge.explorer import explorer_routes
from federation.edge.files import OF_THE_HUB, file_at
from federation.edge.http import EXCEPTION_HANDLERS
from federation.edge.routes import common_routes
from federation.edge.status_lists import OwnLists, status_routes
from federation.federated.asking import Asker
from federation.federated.earlier import Earlier
from federation.hub.entities import Anchor, anchor_routes
from federation.hub.handlers import HANDLERS
from federation.hub.moves import MoveWorker
from federation.hub.routes import current_counter, hub_routes
from federation.hub.statuses import StatusHolder
from federation.hub.withheld import withheld_routes
from federation.messaging.inbox import Retries
from federation.messaging.parked import ParkedWorker
from federation.messaging.peers import PeerClient
from federation.messaging.relay import Relay
from federation.messaging.webhooks import webhooks_of
from federation.oauth.olp_routes import olp_routes
from federation.oauth.routes import oauth_routes
from federation.process import Background, Parts, Service, WorkerOf, no_boundary
from federation.schema.controller import graphql_controller
from federation.schema.hub import schema
from federation.schema.in_process import asking
from federation.server import Server
from federation.signin.routes import SignIn, sign_in_routes
from federation.store.database import Boundary
from federation.store.inbox import KEPT
from federation.trust import roster
from federation.trust.moves import MOVED, MOVING
from federation.trust.store import find_party, find_party_by_entity


def create_hub(
    config: HubConfig,
    clock: Clock,
    *,
    boundary: Boundary = no_boundary,
    worker: WorkerOf | None = None,
) -> Service:
    """Return a hub bound to its port, or a worker of one, not yet started."""
    return Service(config, clock, compose, boundary=boundary, worker=worker)


def compose(server: Server, peers: PeerClient) -> Parts:
    """Put the hub's routes, schema and relay together."""

    async def resolve(target: str) -> str | None:
        """Return where an admitted party is."""
        async with server.db.read() as session:
            party = await find_party_by_entity(session, target)
        return party.url if party is not None else None

    async def find(code: str) -> tuple[str, str] | None:
        """Return (entity id, URL) of an admitted node, None for an unknown code."""
        async with server.db.read() as session:
            party = await find_party(session, code)
        return (party.entity_id, party.url) if party else None

    peers.find = find
    server.asker = Asker(peers.ask, server.monotonic)
    server.earlier = Earlier(server.monotonic)
    server.retry = Retries(server, HANDLERS)
    files = partial(file_at, server, monthly=OF_THE_HUB)
    doors, own = Doors(server), OwnLists(server)
    sign_in = SignIn(doors)
    ask, pages = asking(schema), pages_of("hub")
    app = Litestar(
        route_handlers=[
            graphql_controller(schema, context_getter(server), graphql_body(doors)),
            *explorer_routes(doors),
            *openapi_routes(doors),
            *common_routes(doors, HANDLERS, files),
            *oauth_routes(doors),
            *olp_routes(doors, partial(current_counter, server)),
            *sign_in_routes(sign_in),
            *console_routes(doors, ask, pages),
            *status_routes(doors, own),
            *anchor_routes(doors, Anchor(server, peers)),
            *hub_routes(doors, StatusHolder(server, peers, own)),
            *withheld_routes(doors),
        ],
        exception_handlers={
            **EXCEPTION_HANDLERS,
            NotFoundException: unknown_page(doors, ask, pages),
        },
        logging_config=None,
        openapi_config=None,
        request_max_body_size=None,  # each door has a limit of its own
    )
    relay, moving = Relay(server, peers, resolve, roster.taken), MoveWorker(server, peers)
    server.db.listen(MOVING, moving.wake)
    server.db.listen(MOVED, relay.hurry)
    parked, last_use = ParkedWorker(server, HANDLERS), LastUseWorker(server)
    server.db.listen(KEPT, parked.wake)
    told = webhooks_of(server)
    scheduled: list[Background] = [parked.run, moving.run, told.run]
    return Parts(app, relay, scheduled, [last_use.run, sign_in.refused.run])
