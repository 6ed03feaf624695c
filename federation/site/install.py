"""Puts the parts together for a publisher: one call around the application."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from federation.clock import Clock, system_clock
from federation.site.asks import Scope
from federation.site.background import Background
from federation.site.events import Unit
from federation.site.middleware import App, GateConfig, LicenceGate, is_crawler
from federation.site.nonces import NonceStore
from federation.site.policy_source import Pins, PolicySource
from federation.site.reporter import Reporter
from federation.site.spool import Spool
from federation.site.wire import Fetch, fetch
from federation.trust.keys import key_set


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """What a collective hands its member: where the node is, who the member is, two pinned keys.

    `origins` are the public addresses of the site, `https://host` each. `node_token` is the site's
    bearer token at its node, or a function that returns the present one.
    """

    node: str
    member_id: str
    node_jwks: Sequence[Mapping[str, Any]]
    hub_jwks: Sequence[Mapping[str, Any]]
    node_token: str | Callable[[], str] = field(repr=False)
    directory: Path
    origins: Sequence[str]
    licence_xml: str | None = None
    unit: Unit = Unit.REQUEST
    is_bot: Callable[[Scope], bool] = is_crawler
    clock: Clock = system_clock
    fetch: Fetch = fetch


def protect(app: App, site: SiteConfig) -> LicenceGate:
    """Return the application behind its gate, reporting to the node while it runs."""
    spool = Spool(site.directory / "spool")
    source = PolicySource(
        Pins(site.node, site.member_id, key_set(site.node_jwks), key_set(site.hub_jwks)),
        path=site.directory / "policy.jwt",
        clock=site.clock,
        bearer=_bearer(site),
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
        is_bot=site.is_bot,
    )
    reporter = Reporter(spool, node=site.node, bearer=_bearer(site), fetch=site.fetch)
    return LicenceGate(app, config, Background(source, reporter))


def _bearer(site: SiteConfig) -> Callable[[], str]:
    token = site.node_token
    return (lambda: token) if isinstance(token, str) else token
