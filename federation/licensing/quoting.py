"""A published tariff, and the price a lab is quoted from it."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.licensees import licensee_of
from federation.licensing.objects import ComponentTerms, OfferTerms
from federation.licensing.rules import BadOfferError, check_offer, check_uncovered, years_started
from federation.licensing.service import get_offer
from federation.licensing.tables import Offer, Tariff
from federation.licensing.tariff import Expected, QuoteLines, TariffBody, price, read_tariff
from federation.money import exponent
from federation.store import idempotency
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.membership import HubTerms
from federation.trust.principals import Principal
from federation.trust.store import node_parties

LINES_MAX = 1_000
QUOTE_FIELD = "requestQuote"
NAME_LENGTH_MAX = 64  # of a use or a tier as terms name it, of a collective's code


class NoTariffError(RefusalError):
    """No tariff is published."""

    code: ClassVar[str] = "NO_TARIFF"


class BadTariffError(RefusalError):
    """This tariff cannot be published."""

    code: ClassVar[str] = "BAD_TARIFF"


async def publish_tariff(
    session: WriteSession, body: TariffBody, terms: HubTerms, who: Principal, now: datetime
) -> Tariff:
    """Publish the next version of the prices, of uses and content tiers the terms weigh."""
    exponent(body.currency)
    unknown = body.per_1000.keys() - terms.use_weight.keys()
    for tiers in body.per_1000.values():
        unknown |= tiers.keys() - terms.tier_weight.keys()
    if unknown:
        raise BadTariffError(f"the terms do not weigh {', '.join(sorted(unknown))}")
    if body.minimum_fee < 0 or body.valid_days < 1:
        raise BadTariffError("minimum_fee and valid_days")
    if any(amount < 0 for tiers in body.per_1000.values() for amount in tiers.values()):
        raise BadTariffError("a negative price")
    latest = await store.latest_tariff(session)
    row = Tariff(
        version=(latest.version if latest else 0) + 1,
        body=msgspec.json.encode(body).decode(),
        published_by=who.subject,
        published_at=now,
    )
    session.add(row)
    return row


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """Usage a lab expects, the days it is for, and whose count (site or lab) is the basis."""

    expected: tuple[Expected, ...]
    starts_on: date
    ends_on: date
    usage_basis: str
    territories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Priced:
    """A request by the newest tariff: its version and days, the lines, and the terms they make."""

    version: int
    valid_days: int
    lines: QuoteLines
    terms: OfferTerms

    @property
    def uses(self) -> list[str]:
        """Return the uses that have a price, none where nothing is covered."""
        return [use for component in self.terms.components for use in component.uses]


async def priced(session: ReadSession, request: QuoteRequest, licensee: str) -> Priced:
    """Price a request from the published tariff; nothing is kept (BAD_OFFER, NO_TARIFF)."""
    _require_readable(request)
    row = await store.latest_tariff(session)
    if row is None:
        raise NoTariffError
    tariff = read_tariff(row.body)
    nodes = {party.code for party in await node_parties(session)}
    years = years_started(request.starts_on, request.ends_on)
    lines = price(tariff, request.expected, nodes=nodes, years=years)
    uses = sorted({line.use for line in lines.lines})
    terms = OfferTerms(
        licensee=licensee,
        components=[ComponentTerms(uses=uses, fee=lines.total)],
        currency=tariff.currency,
        starts_on=request.starts_on,
        ends_on=request.ends_on,
        usage_basis=request.usage_basis,
        territories=list(request.territories),
        repertoire=sorted({line.node for line in lines.lines if line.node}),
    )
    if uses:
        check_offer(terms, uses=uses)
    else:
        check_uncovered(terms)
    return Priced(row.version, tariff.valid_days, lines, terms)


def _require_readable(request: QuoteRequest) -> None:
    """Refuse a request whose lines cannot be priced (BAD_OFFER)."""
    if not 1 <= len(request.expected) <= LINES_MAX:
        raise BadOfferError(f"1 to {LINES_MAX} lines")
    if any(item.units < 1 for item in request.expected):
        raise BadOfferError("units of at least 1")
    for number, item in enumerate(request.expected, start=1):
        if max(len(item.node), len(item.use), len(item.content_tier)) > NAME_LENGTH_MAX:
            raise BadOfferError(f"line {number}: names of at most {NAME_LENGTH_MAX} characters")


async def quote(
    session: WriteSession,
    request: QuoteRequest,
    who: Principal,
    now: datetime,
    *,
    key: str | None = None,
) -> Offer:
    """Price a request from the published tariff; the quote pins its version and expires.

    The same request with the same `key` is answered with the quote it was given the first time.
    """
    licensee = await licensee_of(session, who)
    if key is None:
        return await _quoted(session, request, licensee, now)
    _require_readable(request)
    value = msgspec.to_builtins(request)
    known = await idempotency.find_result(
        session, principal=who.subject, field=QUOTE_FIELD, key=key, value=value
    )
    if known is not None:
        return await get_offer(session, known)
    offer = await _quoted(session, request, licensee, now)
    idempotency.remember_result(
        session,
        principal=who.subject,
        field=QUOTE_FIELD,
        key=key,
        value=value,
        result_id=offer.id,
        now=now,
    )
    return offer


async def _quoted(
    session: WriteSession, request: QuoteRequest, licensee: str, now: datetime
) -> Offer:
    found = await priced(session, request, licensee)
    offer = Offer(
        id=f"Q-{secrets.token_hex(8)}",
        kind="TARIFF",
        state="OFFERED" if found.uses else "REFUSED",
        licensee=licensee,
        body=msgspec.json.encode(found.terms).decode(),
        lines=msgspec.json.encode(found.lines).decode(),
        tariff_version=found.version,
        reason=None if found.uses else "nothing that was asked for is covered",
        offered_by="tariff",
        offered_at=now,
        expires_at=now + timedelta(days=found.valid_days),
    )
    session.add(offer)
    return offer
