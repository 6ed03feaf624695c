"""What an offer must satisfy before anybody may accept it (SETTLEMENT §0, §1)."""

from collections.abc import Collection
from datetime import date
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.licensing.objects import (
    COMPONENTS_MAX,
    ComponentTerms,
    Grant,
    LicenceObject,
    OfferTerms,
)
from federation.money import exponent
from federation.values.ids import is_plain_id

UNITS = frozenset({"TOKEN", "REQUEST", "BYTE", "WORK"})
FEE_DIGITS_MAX = 30
YEARS_MAX = 10


class BadOfferError(RefusalError):
    """These terms cannot be offered."""

    code: ClassVar[str] = "BAD_OFFER"


def check_offer(offer: OfferTerms, *, uses: Collection[str]) -> None:
    """Refuse terms that break a rule, naming it."""
    _check_frame(offer)
    if not 1 <= len(offer.components) <= COMPONENTS_MAX:
        raise BadOfferError(f"1 to {COMPONENTS_MAX} components")
    _check_ids(offer.components)
    _check_uses(offer.components, uses)
    for component in offer.components:
        _check_fee(component)
    _check_grant(offer)


def check_uncovered(offer: OfferTerms) -> None:
    """Refuse what breaks a rule in a quote that covers nothing: it is kept like any other."""
    _check_frame(offer)
    _check_grant(offer)


def _check_frame(offer: OfferTerms) -> None:
    exponent(offer.currency)
    if offer.ends_on < offer.starts_on:
        raise BadOfferError("the term ends before it starts")
    if offer.ends_on >= _years_after(offer.starts_on, YEARS_MAX):
        raise BadOfferError(f"a term is of at most {YEARS_MAX} years")
    if offer.usage_basis not in {"site", "lab"}:
        raise BadOfferError("usage_basis is site or lab")
    if offer.unclaimed not in {"exclude", "hold"}:
        raise BadOfferError("unclaimed is exclude or hold")


def _check_grant(offer: OfferTerms) -> None:
    """Refuse a grant that receivers of the licence would not read: `objects.py` has its limits."""
    try:
        msgspec.convert(msgspec.to_builtins(offer.grant), Grant)
    except msgspec.ValidationError as error:
        raise BadOfferError(f"the grant: {error}") from error


def check_licence(licence: LicenceObject) -> None:
    """Refuse a licence that another server signed and that breaks a rule, naming it."""
    grant: Grant = licence.grant
    check_offer(
        OfferTerms(
            licensee=licence.licensee.party,
            components=grant.components,
            currency=licence.fee.currency,
            starts_on=licence.term.starts_on,
            ends_on=licence.term.ends_on,
            usage_basis=licence.reporting.usage_basis,
            unclaimed=grant.unclaimed,
            territories=grant.territories,
            repertoire=grant.repertoire,
        ),
        uses={use for component in grant.components for use in component.uses},
    )
    if int(licence.fee.total) != sum(int(component.fee) for component in grant.components):
        raise BadOfferError("the fee is not the sum of its components")
    if licence.ended_on is not None and licence.ended_on > licence.term.ends_on:
        raise BadOfferError("ended after its term")


def years_started(starts_on: date, ends_on: date) -> int:
    """Return how many periods of twelve months a term has begun, at least one."""
    years = 1
    while years < YEARS_MAX and ends_on >= _years_after(starts_on, years):
        years += 1
    return years


def _years_after(day: date, years: int) -> date:
    """Return the same day some years later; 29 February becomes 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        if day.year + years > date.max.year:
            return date.max
        return date(day.year + years, 3, 1)


def _check_ids(components: list[ComponentTerms]) -> None:
    ids = [component.id for component in components]
    if ids == [None]:
        return
    if len(set(ids)) != len(ids) or None in ids:
        raise BadOfferError("each of several components has an id of its own")
    for name in ids:
        if not name or not is_plain_id(name) or len(name) > 32:  # noqa: PLR2004
            raise BadOfferError(f"no component id: {name!r}")
        if not name.isprintable():  # it becomes part of keys that PostgreSQL keeps as text
            raise BadOfferError(f"no component id: {name!r}")


def _check_uses(components: list[ComponentTerms], known: Collection[str]) -> None:
    seen: set[str] = set()
    for component in components:
        if not component.uses:
            raise BadOfferError("a component without a use")
        for use in component.uses:
            if use not in known:
                raise BadOfferError(f"unknown use: {use!r}")
            if use in seen:
                raise BadOfferError(f"use in two components or twice: {use}")
            seen.add(use)


def _check_fee(component: ComponentTerms) -> None:
    if component.unit not in UNITS:
        raise BadOfferError(f"unknown unit: {component.unit!r}")
    if (
        not (component.fee.isascii() and component.fee.isdigit())
        or len(component.fee) > FEE_DIGITS_MAX
    ):
        raise BadOfferError(f"no fee in minor units: {component.fee!r}")
