"""Puts the parts together for a publisher: one call around the application."""

from os import PathLike
from pathlib import Path

from federation import __version__
from federation.access.bearers import Bearer, ClientBearer, GivenBearer
from federation.access.kept import Pace
from federation.gate import asgi, wsgi
from federation.gate.background import AWAITED_SECONDS_MAX, Background, Round
from federation.gate.gate import Gate, GateConfig
from federation.gate.guesses import NOTICE_SECONDS
from federation.gate.nonces import NonceStore
from federation.gate.spool import Spool
from federation.gate.visits import VisitCounts
from federation.signing.keys import key_set
from federation.site.policy_source import POLL_SECONDS, Pins, PolicySource
from federation.site.reporter import REPORT_SECONDS, Reporter
from federation.site.settings import read_site
from federation.site.site_config import SiteConfig
from federation.site.terms import TERMS_SECONDS, TermsSource
from federation.site.visit_teller import TELL_SECONDS, AboutSite, VisitTeller

Site = SiteConfig | PathLike[str] | str
"""A site, or the file `federation-site.json` that describes it."""


def protect(app: asgi.App, site: Site) -> asgi.AsgiGate:
    """Return an ASGI application behind its gate, reporting to the node while it runs."""
    return asgi.AsgiGate(app, *gate_of(site))


def protect_wsgi(app: wsgi.App, site: Site) -> wsgi.WsgiGate:
    """Return a WSGI application behind its gate, reporting to the node while it runs."""
    return wsgi.WsgiGate(app, *gate_of(site))


def gate_of(site: Site) -> tuple[Gate, Background]:
    """Return the gate of a site, and what goes on beside it."""
    if not isinstance(site, SiteConfig):
        site = read_site(Path(site))
    spool = Spool(site.directory / "spool")
    bearer = _bearer(site)
    source = PolicySource(
        Pins(site.node, site.member_id, key_set(site.node_jwks), key_set(site.hub_jwks)),
        path=site.directory / "policy.jwt",
        clock=site.clock,
        bearer=bearer,
        fetch=site.fetch,
    )
    terms = TermsSource(
        site.node, site.member_id, path=site.directory / "license.xml", fetch=site.fetch
    )
    visits = VisitCounts(site.directory / "visits.json", site.clock)
    config = GateConfig(
        policy=source,
        terms=terms,
        visits=visits,
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
    itself = AboutSite(f"federation-site {__version__}", site.mode, source.signed_at, spool.waiting)
    teller = VisitTeller(visits, itself, node=site.node, bearer=bearer, fetch=site.fetch)
    rounds = {
        "policy": Round(POLL_SECONDS, source.refresh, lambda: source.current() is None),
        "usage": Round(REPORT_SECONDS, reporter.tick),
        "visits": Round(TELL_SECONDS, teller.tick),
        "terms": Round(TERMS_SECONDS, terms.refresh),
        "notices": Round(NOTICE_SECONDS, config.guesses.tell),
    }
    return Gate(config), Background(rounds)


def _bearer(site: SiteConfig) -> Bearer:
    if site.client is not None:
        pace = Pace(unanswered_max=AWAITED_SECONDS_MAX)  # the rounds have pauses of their own
        return ClientBearer(
            site.client, server=site.node, clock=site.clock, fetch=site.fetch, pace=pace
        )
    assert site.node_token is not None  # noqa: S101 - one of the two is there
    return GivenBearer(site.node_token)
