"""Puts the parts together for a publisher: one call around the application."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from federation.access.bearers import Bearer, ClientBearer, ClientCredential, GivenBearer
from federation.access.wire import Fetch, fetch
from federation.clock import Clock, system_clock
from federation.signing.keys import key_set
from federation.site import asgi, wsgi
from federation.site.asks import Scope
from federation.site.background import Background, Round
from federation.site.callers import ClientAddress, connection_address
from federation.site.events import Unit
from federation.site.gate import Gate, GateConfig, Mode, is_crawler
from federation.site.guesses import NOTICE_SECONDS
from federation.site.nonces import NonceStore
from federation.site.policy_source import POLL_SECONDS, Pins, PolicySource
from federation.site.reporter import REPORT_SECONDS, Reporter
from federation.site.spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """What a collective hands its member: where the node is, who the member is, two pinned keys.

    `origins` are the public addresses of the site, `https://host` each. `client` is the site as a
    client of its node: the gate fetches its tokens for itself. `node_token` instead is a token that
    somebody else looks after, or a function that returns the present one. `client_address` is by
    which address callers are counted (`callers`).
    """

    node: str
    member_id: str
    node_jwks: Sequence[Mapping[str, Any]]
    hub_jwks: Sequence[Mapping[str, Any]]
    directory: Path
    origins: Sequence[str]
    client: ClientCredential | None = None
    node_token: str | Callable[[], str] | None = field(default=None, repr=False)
    licence_xml: str | None = None
    unit: Unit = Unit.REQUEST
    mode: Mode = Mode.ENFORCE
    is_bot: Callable[[Scope], bool] = is_crawler
    client_address: ClientAddress = connection_address
    clock: Clock = system_clock
    fetch: Fetch = fetch

    def __post_init__(self) -> None:
        if (self.client is None) == (self.node_token is None):
            raise ValueError("a site has either a client or a node_token")


def protect(app: asgi.App, site: SiteConfig) -> asgi.AsgiGate:
    """Return an ASGI application behind its gate, reporting to the node while it runs."""
    return asgi.AsgiGate(app, *_gate(site))


def protect_wsgi(app: wsgi.App, site: SiteConfig) -> wsgi.WsgiGate:
    """Return a WSGI application behind its gate, reporting to the node while it runs."""
    return wsgi.WsgiGate(app, *_gate(site))


def _gate(site: SiteConfig) -> tuple[Gate, Background]:
    spool = Spool(site.directory / "spool")
    bearer = _bearer(site)
    source = PolicySource(
        Pins(site.node, site.member_id, key_set(site.node_jwks), key_set(site.hub_jwks)),
        path=site.directory / "policy.jwt",
        clock=site.clock,
        bearer=bearer,
        fetch=site.fetch,
    )
    config = GateConfig(
        policy=source,
        spool=spool,
        nonces=NonceStore(site.directory / "nonces.sqlite"),
        clock=site.clock,
        origins=site.origins,
        licence_xml=site.licence_xml,
        unit=site.unit,
        mode=site.mode,
        is_bot=site.is_bot,
        client_address=site.client_address,
    )
    reporter = Reporter(spool, node=site.node, bearer=bearer, fetch=site.fetch)
    rounds = {
        "policy": Round(POLL_SECONDS, source.refresh),
        "usage": Round(REPORT_SECONDS, reporter.tick),
        "notices": Round(NOTICE_SECONDS, config.guesses.tell),
    }
    return Gate(config), Background(rounds)


def _bearer(site: SiteConfig) -> Bearer:
    if site.client is not None:
        return ClientBearer(site.client, server=site.node, clock=site.clock, fetch=site.fetch)
    assert site.node_token is not None  # noqa: S101 - one of the two is there
    return GivenBearer(site.node_token)
