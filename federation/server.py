"""One running server as its parts see it: configuration, keys, database, clock, and who to ask."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

from federation.accounts.passwords import Hasher
from federation.addresses.urls import UrlKey
from federation.claimindex.messages import NOTHING, Slice
from federation.clients.last_use import LastUse
from federation.clients.secret import Pepper
from federation.clock import Clock
from federation.config import Calendar, HubConfig, NodeConfig
from federation.counters import Counters
from federation.errors import RefusalError
from federation.federated.asking import Asker, no_call
from federation.federated.documents import Documents
from federation.federated.earlier import Earlier
from federation.holdings.service import Filters
from federation.licensing.service import Licensing
from federation.payments.payees import account_in
from federation.people.known import Known
from federation.quotas import Quotas
from federation.signing.keys import Keys, SigningKey
from federation.store.database import Database
from federation.store.inbox import UnknownMessageError
from federation.store.sessions import ReadSession, WriteSession
from federation.store.tables import ParkedMessage
from federation.trust.admission import particulars
from federation.trust.membership import HubTerms, Peer
from federation.trust.own_keys import KeyRing
from federation.trust.parties import hub_terms
from federation.values.account import PaymentAccount
from federation.values.month import Month
from federation.values.party import HUB


class PeerDownError(RefusalError):
    """The other server did not answer in time."""

    code: ClassVar[str] = "PEER_DOWN"


class PeerOlderError(PeerDownError):
    """The other server does not know what it was asked: it is of an earlier version."""


class Peers(Protocol):
    """How a resolver asks another server, with a deadline; raises PeerDownError."""

    async def graphql(
        self, code: str, document: str, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the `data` of a query to an admitted party; raises PeerOlderError as well."""
        ...


class OwnKeys(Protocol):
    """This server's own keys; the composition root reads them before anything is answered."""

    @property
    def held(self) -> KeyRing:
        """Return the keys as they were read last."""
        ...

    async def current(self) -> KeyRing:
        """Return the keys, read again if that was seconds ago: others may change them."""
        ...


class Retry(Protocol):
    """How staff have parked messages handled; the composition root knows the handlers."""

    async def message(self, message_id: int) -> str:
        """Handle a parked message again, and those behind it; return the state it came to."""
        ...

    async def stream(self, sender: str, stream: str) -> None:
        """Handle what waits behind a message that was dropped."""
        ...

    async def dropped(self, session: WriteSession, row: ParkedMessage) -> None:
        """Do what follows where staff drop a message, in the transaction in which they do."""
        ...


class Speaking(Protocol):
    """With which voice this server speaks, and whether it may (`store/voices.py`)."""

    @property
    def is_silenced(self) -> bool:
        """Tell whether it stopped: another database was heard in its name."""
        ...

    @property
    def text(self) -> str:
        """Return the voice as it is sent; empty before the start was counted."""
        ...

    async def look(self, session: ReadSession) -> None:
        """Learn what other processes of this server were told, and with which voice they speak."""
        ...

    async def refused(self, entity_id: str, sent: str) -> None:
        """Hear that another server has heard another voice than the one that was sent."""
        ...


class _NoHandlers:
    """A server that takes no messages: nothing is parked there."""

    async def message(self, message_id: int) -> str:
        raise UnknownMessageError(str(message_id))

    async def stream(self, sender: str, stream: str) -> None:
        del sender, stream

    async def dropped(self, session: WriteSession, row: ParkedMessage) -> None:
        del session, row


class KnownPeer(NamedTuple):
    """An admitted server as its calls are checked.

    `numbered_as` is the thumbprint of the key it was admitted with: its messages are numbered under
    that whatever key it has now. `read_at` is in monotonic seconds.
    """

    code: str
    keys: Keys
    numbered_as: str
    read_at: float


def _nothing() -> None:
    """Do nothing."""


async def _knows_all(keys: Collection[UrlKey]) -> Slice:
    """Return nothing: a server whose own rows are all that is known of addresses, as the hub."""
    del keys
    return NOTHING


async def _nowhere(url: str) -> None:
    """Refuse no address: a server that calls none."""
    del url


@dataclass(slots=True)
class Server:
    """One hub or node: its name, keys, database and clock. Composition roots make it."""

    config: HubConfig | NodeConfig
    keys: OwnKeys
    db: Database
    clock: Clock
    peers: Peers
    pepper: Pepper
    url: str = ""
    counters: Counters = field(default_factory=Counters)
    last_use: LastUse = field(default_factory=LastUse)
    quotas: Quotas = field(default_factory=Quotas)
    monotonic: Callable[[], float] = time.monotonic  # by which documents are pulled again
    people: Known = field(default_factory=Known)
    hasher: Hasher = field(default_factory=Hasher)
    known_peers: dict[str, KnownPeer] = field(default_factory=dict[str, KnownPeer])
    failed_months: dict[Month, str] = field(default_factory=dict[Month, str])  # why a node is stuck
    asker: Asker = field(
        default_factory=lambda: Asker(no_call)
    )  # how the hub asks every node, and a node the hub
    earlier: Earlier = field(
        default_factory=lambda: Earlier(time.monotonic)
    )  # what nodes answered it
    filters: Filters = field(default_factory=Filters)  # of what nodes hold, at the hub
    documents: Documents = field(default_factory=Documents)  # that were sent with their ids
    trusted_documents: Mapping[str, str] = field(default_factory=dict[str, str])  # by id
    elsewhere: Callable[[Collection[UrlKey]], Awaitable[Slice]] = (
        _knows_all  # at a node: what other collectives hold and say of addresses (PEER_DOWN)
    )
    require_target: Callable[[str], Awaitable[None]] = _nowhere  # refuses what is not called
    knocked: Callable[[], None] = _nothing  # a node's hub called before the node knew it
    voice: Speaking | None = None  # None where it speaks to nobody
    retry: Retry = field(
        default_factory=_NoHandlers
    )  # handles a parked message, or what waits behind one

    @property
    def key(self) -> SigningKey:
        """Return the FEDERATION key: by it other servers and sites know this one."""
        return self.keys.held.federation

    @property
    def code(self) -> str:
        """Return `HUB` or the node's code."""
        return HUB if isinstance(self.config, HubConfig) else self.config.code

    @property
    def hub_entity_id(self) -> str:
        """Return the hub's entity id: our own, or that of the hub we joined."""
        config = self.config
        return config.entity_id if isinstance(config, HubConfig) else config.hub.entity_id

    @property
    def licensing(self) -> Licensing:
        """Return who licenses here, and how it invoices."""
        return Licensing(self.code, self.key, self.config.invoicing, self._paid_to)

    @property
    def _paid_to(self) -> PaymentAccount | None:
        config = self.config
        if not config.account:
            return None
        return PaymentAccount(
            config.name, config.account_scheme, config.account, config.bic, self.country
        )

    @property
    def country(self) -> str | None:
        """Return the country whose law applies: a collective's own; None at the hub."""
        return self.config.country if isinstance(self.config, NodeConfig) else None

    @property
    def calendar(self) -> Calendar | None:
        """Return when a month is closed, which the hub alone decides; None at a node."""
        return self.config.calendar if isinstance(self.config, HubConfig) else None

    @property
    def peer(self) -> Peer:
        """Return this server as others know it."""
        jwk = self.key.public_jwk()
        return Peer(self.code, self.config.entity_id, self.url, self.config.name, jwk)

    async def terms(self, session: ReadSession) -> HubTerms:
        """Return the hub's terms: our own, or those agreed at admission."""
        if isinstance(self.config, NodeConfig):
            return await hub_terms(session)
        config = self.config
        return HubTerms(
            name=config.name,
            clearing_currency=config.clearing_currency,
            fee_bps=config.fee_bps,
            national_fee_bps=config.national_fee_bps,
            fee_band_bps=config.fee_band_bps,
            tier_weight=dict(config.terms.tier_weight),
            use_weight=dict(config.terms.use_weight),
            account=config.account,
            account_scheme=config.account_scheme,
            bic=config.bic,
            payment_days=config.payment_days,
        )

    async def own_account(self, session: ReadSession) -> PaymentAccount | None:
        """Return the account this server is paid to and pays from, None if it named none."""
        if isinstance(self.config, NodeConfig):
            return account_in(particulars(self.config))
        return account_in(await self.terms(session))


def hub_config(server: Server) -> HubConfig:
    """Return the hub's configuration, for what only the hub's composition contains."""
    assert isinstance(server.config, HubConfig)  # noqa: S101 - the composition says so
    return server.config


def node_config(server: Server) -> NodeConfig:
    """Return a node's configuration, for what only a node's composition contains."""
    assert isinstance(server.config, NodeConfig)  # noqa: S101 - the composition says so
    return server.config
