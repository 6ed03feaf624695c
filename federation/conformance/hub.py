"""The hub that the kit plays: what a node asks of its hub, answered and signed with a trial's key.

It admits whoever applies, since the trial is with one node alone. What the node tells it is kept in
memory, up to a limit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple, Self

import msgspec
from aiohttp import web
from msgspec import Meta

from federation.clock import system_clock as now
from federation.conformance.papers import Papers
from federation.conformance.verdicts import BadTrialError
from federation.signing.entity_statements import ADDRESS, SERVER, sign_configuration
from federation.signing.jose import InvalidTokenError, sign
from federation.signing.keys import InvalidKeyError, Keys, PublicKey, key_set
from federation.signing.policy import Issuer, sign_trust_document
from federation.signing.statuslist import sign_status_list
from federation.signing.tokens import check_server_token, mint_server_token

BODY_BYTES_MAX: Final = 41 * 1024 * 1024  # as the hub's inbox: one message, and what is around it
HEARD_MAX, HEARD_BYTES_MAX = 10_000, 256 * 1024 * 1024
HUB: Final = "HUB"
GRANT_TYP: Final = "admission+jwt"
GRANT_SECONDS: Final = 300
TERMS: Final = {
    "name": "Hub of a trial",
    "clearing_currency": "EUR",
    "fee_bps": 300,
    "national_fee_bps": 100,
    "fee_band_bps": [0, 5000],
    "tier_weight": {"premium": 3000, "standard": 1000},
    "use_weight": {"TRAIN": 1000, "GROUND": 1500},
}
_Jwk = dict[str, str]
_Text = Annotated[str, Meta(max_length=1_024)]


class Message(msgspec.Struct, frozen=True):
    """One message as the node sent it."""

    stream: _Text
    sequence: int
    kind: _Text
    body: msgspec.Raw


class _Terms(msgspec.Struct, frozen=True):
    code: _Text
    name: _Text


class _Apply(msgspec.Struct, frozen=True):
    """What an application has to say; the rest of it is for a real hub."""

    entity_id: _Text
    url: _Text
    jwk: _Jwk
    terms: _Terms


class _Keys(msgspec.Struct, frozen=True):
    jwks: list[_Jwk]


class Node(NamedTuple):
    """The node as its application told of it."""

    code: str
    entity_id: str
    url: str


class TrialHub:
    """Plays the hub while the block lasts: `async with`."""

    def __init__(self, papers: Papers) -> None:
        self.papers, self.key = papers, papers.key
        self.entity_id, self.url = papers.settings.entity_id, papers.settings.url
        self.heard: list[Message] = []
        self.refused: list[str] = []
        """Why a call of the node was not taken."""
        self._heard_bytes, self._places = 0, set[tuple[str, int]]()
        self._news = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def node(self) -> Node | None:
        """Return the node, once it has applied."""
        told = self.papers.node
        return Node(told["code"], told["entity_id"], told["url"]) if told else None

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/federation/admission", self._answering(self._admission))
        app.router.add_post("/federation/inbox", self._answering(self._inbox))
        app.router.add_post("/federation/listed", self._answering(self._listed))
        app.router.add_post("/federation/index", self._answering(self._index))
        app.router.add_get("/trust", self._trust)
        app.router.add_get("/federation/statuslists", self._status_lists)
        app.router.add_get("/.well-known/openid-federation", self._configuration)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        settings = self.papers.settings
        try:
            await web.TCPSite(self._runner, settings.host, settings.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise BadTrialError(f"the trial's hub cannot listen: {error.strerror}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def token(
        self, *, key: Any = None, callee: str | None = None, at: datetime | None = None
    ) -> str:
        """Return a token for a call to the node; with other arguments, one that is not good."""
        to = callee or (self.node.entity_id if self.node else "")
        return mint_server_token(key or self.key, caller=self.entity_id, callee=to, now=at or now())

    async def hear(self, wanted: Callable[[Message], bool], seconds: float) -> Message | None:
        """Return the first message of the node that is wanted, waiting for it; None in vain."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._news.clear()
                    for message in self.heard:
                        if wanted(message):
                            return message
                    await self._news.wait()
        except TimeoutError:
            return None

    def _answering(
        self, act: Callable[[web.Request, bytes], Any]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Answer with JSON, or say why a call was not taken."""

        async def handler(request: web.Request) -> web.Response:
            try:
                answer = act(request, await request.read())
            except (InvalidTokenError, InvalidKeyError, msgspec.MsgspecError, ValueError) as error:
                self.refused.append(f"{request.path}: {error}"[:300])
                del self.refused[:-100]
                return _json({"code": "NOT_TAKEN", "message": str(error)[:300]}, 401)
            return _json(answer)

        return handler

    def _admission(self, request: web.Request, body: bytes) -> Mapping[str, Any]:
        """Admit whoever applies with a call signed by the key that it names."""
        said = msgspec.json.decode(body, type=_Apply)
        key = PublicKey.from_jwk(said.jwk)
        self._check(request, said.entity_id, {key.kid: key})
        self.papers.keep(
            code=said.terms.code,
            name=said.terms.name,
            entity_id=said.entity_id,
            url=said.url,
            jwk=said.jwk,
        )
        hub = {
            "code": HUB,
            "entity_id": self.entity_id,
            "url": self.url,
            "name": TERMS["name"],
            "jwk": self.key.public_jwk(),
        }
        issued = int(now().timestamp())
        life = {"iat": issued, "exp": issued + GRANT_SECONDS}
        claims = {"iss": self.entity_id, "aud": said.entity_id, **life}
        granted = {"granted": {"hub": hub, "terms": TERMS, "former": []}}
        return {"state": "ADMITTED", "granted": sign(claims | granted, typ=GRANT_TYP, key=self.key)}

    def _inbox(self, request: web.Request, body: bytes) -> Mapping[str, Any]:
        """Take every message of the node, and keep what there is room for."""
        self._check_node(request)
        messages = msgspec.json.decode(body, type=list[Message])
        self.take(messages)
        return {"up_to": {message.stream: message.sequence for message in messages}}

    def take(self, messages: Iterable[Message]) -> None:
        """Keep each message once, however often it is delivered, while there is room."""
        for message in messages:
            place = message.stream, message.sequence
            if place in self._places:
                continue
            self._heard_bytes += len(message.body)
            if len(self.heard) >= HEARD_MAX or self._heard_bytes > HEARD_BYTES_MAX:
                raise ValueError("the trial's hub has heard all that it keeps")
            self._places.add(place)
            self.heard.append(message)
            if message.kind == "keys.published":
                jwks = msgspec.json.decode(message.body, type=_Keys).jwks
                self.papers.keep(token_jwks=jwks)
        self._news.set()

    def _listed(self, request: web.Request, _: bytes) -> Mapping[str, Any]:
        """Tell the node what is held of it."""
        self._check_node(request)
        keys = sorted(self.node_keys())
        return {
            "url": self.papers.node["url"],
            "keys": keys,
            "token_keys": sorted(self.token_keys()),
        }

    def _index(self, request: web.Request, _: bytes) -> Mapping[str, Any]:
        """Know nothing of others' addresses: the trial is with one node."""
        self._check_node(request)
        return {"claims": [], "reservations": [], "shares": []}

    def node_keys(self) -> Keys:
        """Return the key that the node applied with."""
        return key_set([self.papers.node["jwk"]])

    def token_keys(self) -> Keys:
        """Return the keys of the node's tokens: those it published, else its first."""
        told = self.papers.node
        return key_set(told.get("token_jwks") or [told["jwk"]])

    def _check_node(self, request: web.Request) -> None:
        if self.node is None:
            raise ValueError("nobody was admitted")
        self._check(request, self.node.entity_id, self.node_keys())

    def _check(self, request: web.Request, caller: str, keys: Keys) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        check_server_token(token, callers={caller: keys}, callee=self.entity_id, now=now())

    async def _trust(self, _: web.Request) -> web.Response:
        return web.Response(text=self.trust_document(), content_type="application/jwt")

    def trust_document(self) -> str:
        """Sign whom to trust: the hub, and the node that was admitted."""
        own = [self.key.public_jwk()]
        issuers = [Issuer(self.entity_id, HUB, str(TERMS["name"]), own, self.url)]
        if self.node is not None:
            jwks = [key.public_jwk() for key in self.token_keys().values()]
            told, name = self.node, self.papers.node["name"]
            issuers.append(Issuer(told.entity_id, told.code, name, jwks, told.url))
        return sign_trust_document(
            self.key,
            hub=self.entity_id,
            issuers=issuers,
            now=now(),
            configuration=self._own_configuration(),
        )

    async def _status_lists(self, _: web.Request) -> web.Response:
        """Nothing is said against a licence of the trial."""
        return _json({"status_lists": [sign_status_list(self.key, self.entity_id, 0, {}, now())]})

    async def _configuration(self, _: web.Request) -> web.Response:
        kind = "application/entity-statement+jwt"
        return web.Response(text=self._own_configuration(), content_type=kind)

    def _own_configuration(self) -> str:
        jwks = [self.key.public_jwk()]
        metadata = {SERVER: {ADDRESS: self.url, "jwks": {"keys": jwks}}}
        signed = sign_configuration(
            self.key, self.entity_id, jwks=jwks, metadata=metadata, above=[], now=now()
        )
        return signed.text


def _json(value: Any, status: int = 200) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json")
