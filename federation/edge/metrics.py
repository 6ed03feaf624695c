"""`/metrics`: what a server counted, and how it stands at this instant, for Prometheus."""

import hmac
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from litestar import Request, Response, get

from federation import __version__
from federation.accounts.worklist import of_accounts
from federation.banking import store as banking
from federation.banking.worklist import of_banking
from federation.config import LOOPBACK
from federation.counters import OTHER, Labels, exposition
from federation.disputes.worklist import of_disputes, of_releases
from federation.edge.doors import Doors
from federation.edge.health import readiness
from federation.errors import RefusalError
from federation.ledger import service as ledger
from federation.metering import store as metering
from federation.months import store as months
from federation.people.worklist import of_people
from federation.proposals.worklist import of_proposals
from federation.releases.worklist import of_suspense
from federation.reservations.worklist import of_reservations
from federation.runs.worklist import of_months
from federation.server import Server
from federation.store import inbox, outbox
from federation.store.sessions import ReadSession
from federation.treasury.worklist import of_payments
from federation.trust.store import parties
from federation.trust.worklist import of_messages, of_nodes
from federation.values.work_item import WorkItem
from federation.webhooks.worklist import of_webhooks

STREAMS_MAX: Final = 20  # kinds of one sender that are told apart: it names its streams itself
TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
Gauges = dict[str, tuple[str, Mapping[Labels, float]]]


class MetricsNotHereError(RefusalError):
    """Metrics are for who presents the token of the configuration, or asks on this machine."""

    code: ClassVar[str] = "METRICS_NOT_HERE"


def metrics_routes(doors: Doors) -> list[Any]:
    """Return the one route; without `metrics_token` it answers this machine alone."""
    server = doors.server

    @get("/metrics")
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Say what was counted since the start, and how the server stands."""
        doors.stranger(request, "anonymous")
        _require_scraper(server, request)
        return Response(exposition(server.counters, await gauges(server)), media_type=TEXT)

    return [metrics]


def _require_scraper(server: Server, request: Request[Any, Any, Any]) -> None:
    token = server.config.metrics_token
    if token:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        is_good = hmac.compare_digest(shown.encode(), token.encode())
    else:
        # What a proxy of this machine passes on comes from this machine, and is somebody else's.
        passed_on = {"x-forwarded-for", "forwarded", "via"} & {*request.headers.keys()}
        host = request.client.host if request.client else ""
        is_good = host in LOOPBACK and not passed_on and not server.config.proxies
    if not is_good:
        raise MetricsNotHereError


async def gauges(server: Server) -> Gauges:
    """Return how the server stands; while its database is down, that it is."""
    checks = await readiness(server)
    found: Gauges = {
        "federation_build_info{version,server}": (
            "1, with the version of the code and the code of the server.",
            {(__version__, server.code): 1},
        ),
        "federation_ready{check}": (
            "Whether requests can be served, by check.",
            {(name,): float(is_good) for name, is_good in checks.items()},
        ),
    }
    if checks["revision"]:
        async with server.db.read() as session:
            found |= await _messages(session, server.clock())
            found |= await _books(session)
            found |= await _months(session, server.clock())
            kinds = Counter(item.kind for item in await _work(session, server))
            found["federation_work_items{kind}"] = (
                "What waits for somebody, by kind.",
                {(kind,): float(count) for kind, count in kinds.items()},
            )
    return found


async def _messages(session: ReadSession, now: datetime) -> Gauges:
    """Say what waits for and from others; a stream's kind is its name up to the first `/`."""
    codes = {party.entity_id: party.code for party in await parties(session)}
    waiting: Counter[Labels] = Counter()
    oldest: dict[Labels, float] = {}
    for target, stream, count, since in await outbox.backlog(session):
        code = codes.get(target, "?")
        waiting[code, _kind(stream)] += count
        oldest[(code,)] = max(oldest.get((code,), 0.0), (now - since).total_seconds())
    held: Counter[Labels] = Counter()
    for (sender, stream), count in (await inbox.waiting_by_code(session)).items():
        held[sender, _kind(stream)] += count
    return {
        "federation_outbox_messages{target,stream}": ("Messages not yet delivered.", dict(waiting)),
        "federation_outbox_oldest_age_seconds{target}": (
            "How long ago the oldest message was posted that is not delivered.",
            oldest,
        ),
        "federation_parked_messages{sender,stream}": (
            "Messages that could not be handled, with those behind them.",
            _few(held),
        ),
    }


def _few(held: Counter[Labels]) -> Mapping[Labels, float]:
    """Return {(sender, kind): messages}, the largest kinds of each sender, the others together."""
    found: Counter[Labels] = Counter()
    kinds: Counter[str] = Counter()
    for (sender, kind), count in sorted(held.items(), key=lambda one: (-one[1], one[0])):
        kinds[sender] += 1
        found[sender, kind if kinds[sender] <= STREAMS_MAX else OTHER] += count
    return found


def _kind(stream: str) -> str:
    return stream.partition("/")[0] or "(main)"


async def _books(session: ReadSession) -> Gauges:
    head = await ledger.head(session)
    open_amounts = await banking.unreconciled(session)
    return {
        "federation_ledger_entries": ("Entries of the journal.", {(): float(head.entries)}),
        "federation_ledger_head_info{hash}": (
            "1, with the hash of the journal's last entry.",
            {(head.hash,): 1},
        ),
        "federation_unreconciled_minor{currency}": (
            "Booked bank entries that nobody has settled, in minor units, both directions added.",
            {(currency,): float(amount) for currency, amount in open_amounts.items()},
        ),
    }


async def _months(session: ReadSession, now: datetime) -> Gauges:
    """Say where months stand that were cut off and are not over."""
    rows = await metering.periods_in(session, ["CUT_OFF", "FORWARDED", "COMPLETE"])
    locked = await months.locked_periods(session)
    under_way = [row for row in rows if row.period not in locked]
    states = Counter(row.state for row in under_way)
    ages = [(now - row.cut_off_at).total_seconds() for row in under_way]
    return {
        "federation_months_under_way{state}": (
            "Months that were cut off and are not over, by state.",
            {(state,): float(count) for state, count in states.items()},
        ),
        "federation_month_oldest_age_seconds": (
            "How long ago the oldest month was cut off that is not over; 0 if none is.",
            {(): max(ages, default=0.0)},
        ),
    }


async def _work(session: ReadSession, server: Server) -> list[WorkItem]:
    """Return all that waits here, whoever may see it: only its kinds are counted."""
    here, now = server.code, server.clock()
    return [
        *await of_months(session, here, server.calendar, now, server.failed_months),
        *await of_payments(session, here, now),
        *await of_suspense(session, here),
        *await of_banking(session, here),
        *await of_people(session, here),
        *await of_accounts(session, here, now),
        *await of_proposals(session, now),
        *await of_reservations(session),
        *await of_disputes(session, here, now),
        *await of_releases(session, here),
        *await of_messages(session, here),
        *await of_webhooks(session),
        *await of_nodes(session),
    ]
