"""The hub as trust anchor: what it says of every admitted node (OpenID Federation 1.0).

A stranger who holds the hub's keys asks for the list of nodes, for the hub's statement of one, or
for what follows of a node's own word and the hub's (`resolve`).
"""

from functools import partial
from typing import Any, ClassVar, Final

from litestar import Request, Response, Router, get, post

from federation.edge.doors import Doors
from federation.edge.http import json_response
from federation.errors import LaterError, RefusalError
from federation.messaging.peers import PeerClient
from federation.messaging.pulls import Pull
from federation.oauth.entity import (
    CONFIGURATION_PATH,
    LISTED_PATH,
    STATEMENT_TYPE,
    Metadata,
    entity_routes,
    own_configuration,
)
from federation.server import Server
from federation.signing.entity_statements import (
    ADDRESS,
    SERVER,
    STATEMENT_BYTES_MAX,
    Signed,
    read_configuration,
    sign_resolved,
    sign_subordinate,
)
from federation.trust.parties import (
    collective_terms,
    entity_keys,
    get_party,
    listed,
    token_jwks,
)
from federation.trust.store import find_party_by_entity, trusted_nodes
from federation.trust.tables import Party
from federation.values.roles import PEER

RESOLVED_TYPE: Final = "application/resolve-response+jwt"
RETRY_SECONDS: Final = 15
ENDPOINTS: Final = ("fetch", "list", "resolve")


class UnknownEntityError(RefusalError):
    """No node of this federation has this entity id."""

    code: ClassVar[str] = "UNKNOWN_ENTITY"


class BadQuestionError(RefusalError):
    """A parameter is missing, or there twice."""

    code: ClassVar[str] = "BAD_QUESTION"


class OtherAnchorError(RefusalError):
    """This server is the trust anchor of one federation: its own."""

    code: ClassVar[str] = "OTHER_ANCHOR"


class EntityDownError(LaterError):
    """The node does not say who it is at the moment."""

    code: ClassVar[str] = "ENTITY_DOWN"


class Anchor:
    """What the hub says of its nodes, and holds of what they say themselves."""

    def __init__(self, server: Server, peers: PeerClient) -> None:
        self._server, self._peers = server, peers
        self._pulls: dict[str, tuple[tuple[str, ...], Pull[Signed]]] = {}

    @property
    def endpoints(self) -> dict[str, str]:
        """Return where the hub answers as an anchor."""
        under = f"{self._server.url}/federation"
        return {f"federation_{name}_endpoint": f"{under}/{name}" for name in ENDPOINTS}

    async def members(self) -> list[str]:
        """Return the entity ids of all admitted nodes that are not suspended."""
        async with self._server.db.read() as session:
            return [party.entity_id for party in await trusted_nodes(session)]

    async def statement(self, node: str) -> Signed:
        """Sign what the hub says of a node: its keys, and the country it was admitted with."""
        party = await self._party(node)
        return sign_subordinate(
            self._server.key,
            self._server.config.entity_id,
            node,
            jwks=[key.public_jwk() for key in entity_keys(party).values()],
            metadata=_asserted(party),
            now=self._server.clock(),
        )

    async def resolved(self, node: str) -> str:
        """Sign what follows of a node: where it and the hub differ, the hub's word counts."""
        party, server = await self._party(node), self._server
        now, hub = server.clock(), server.config.entity_id
        own, statement = await self._configuration(party), await self.statement(node)
        chain = [own, statement, await own_configuration(server, self.endpoints, now)]
        asserted = statement.says.metadata
        metadata = {
            kind: {**own.says.metadata.get(kind, {}), **asserted.get(kind, {})}
            for kind in own.says.metadata | asserted
        }
        return sign_resolved(server.key, hub, chain, metadata, now)

    async def _party(self, entity: str) -> Party:
        async with self._server.db.read() as session:
            party = await find_party_by_entity(session, entity)
        if party is None or party.suspended_at is not None:
            raise UnknownEntityError(entity)
        return party

    async def _configuration(self, party: Party) -> Signed:
        """Return a node's own word, in force; raises EntityDownError.

        What is held from another address, or was signed when it had other keys, counts no more.
        """
        entity, known = party.entity_id, (party.url, *entity_keys(party))
        held_as, pull = self._pulls.get(entity, (None, None))
        if pull is None or held_as != known:
            pull = Pull(partial(self._asked, entity), self._is_in_force)
            self._pulls[entity] = known, pull
        held = await pull.current()
        if held is None or not self._is_in_force(held):
            raise EntityDownError(party.entity_id, retry_after=RETRY_SECONDS)
        return held

    def _is_in_force(self, held: Signed) -> bool:
        return self._server.clock().timestamp() < held.says.exp

    async def _asked(self, entity: str, held: Signed | None) -> Signed | None:
        """Return what a node says of itself, if it is signed with a key the hub knows as its."""
        del held
        party = await self._party(entity)
        text = await self._peers.get_text(
            party.url + CONFIGURATION_PATH, bytes_max=STATEMENT_BYTES_MAX
        )
        return read_configuration(text, entity, entity_keys(party), self._server.clock())


def anchor_routes(doors: Doors, anchor: Anchor) -> list[Any]:
    """Return the routes of the trust anchor: its own word, and fetch, list and resolve."""

    @get("/federation/list")
    async def members(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Name every node."""
        doors.stranger(request, "anonymous")
        return json_response(await anchor.members())

    @get("/federation/fetch")
    async def fetch(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give the hub's statement of the node named by `sub`."""
        doors.stranger(request, "anonymous")
        signed = await anchor.statement(_one(request, "sub"))
        return Response(signed.text.encode(), media_type=STATEMENT_TYPE)

    @get("/federation/resolve")
    async def resolve(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give what follows of the node named by `sub`, from this hub as `trust_anchor`."""
        doors.stranger(request, "anonymous")
        node = _one(request, "sub")
        if _one(request, "trust_anchor") != doors.server.config.entity_id:
            raise OtherAnchorError
        return Response((await anchor.resolved(node)).encode(), media_type=RESOLVED_TYPE)

    @post(LISTED_PATH, status_code=200)
    async def own(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Tell a node which address and keys of its own this hub holds, suspended or not."""
        who = await doors.known(request, "messages", PEER)
        async with doors.server.db.read() as session:
            return json_response(listed(await get_party(session, who.require_party())))

    under = Router(
        "/",
        route_handlers=[members, fetch, resolve],
        exception_handlers=dict.fromkeys(_REFUSALS, _refused),
    )
    return [*entity_routes(doors, anchor.endpoints), own, under]


def _one(request: Request[Any, Any, Any], name: str) -> str:
    """Return a parameter of the question, which it has once; others are passed over."""
    values: list[str] = request.query_params.getall(name, [])
    if len(values) != 1:
        raise BadQuestionError(f"{name} once")
    return values[0]


def _refused(request: Request[Any, Any, Any], refusal: Any) -> Response[bytes]:
    """Answer as OpenID Federation §8.9 has it."""
    del request
    status, word = _REFUSALS[type(refusal)]
    return json_response({"error": word, "error_description": refusal.message}, status)


def _asserted(party: Party) -> Metadata:
    """Return what the hub says of a node itself: what it was admitted with, and its keys."""
    terms = collective_terms(party)
    return {
        "federation_entity": {"organization_name": party.name},
        SERVER: {
            "issuer": party.entity_id,
            "jwks": {"keys": token_jwks(party)},
            ADDRESS: party.url,
            "federation_territory": [terms.country],
        },
    }


_REFUSALS: dict[int | type[Exception], tuple[int, str]] = {
    UnknownEntityError: (404, "not_found"),
    OtherAnchorError: (404, "invalid_trust_anchor"),
    BadQuestionError: (400, "invalid_request"),
}
