"""What an offer must satisfy before anybody may accept it (SETTLEMENT §0, §1)."""

from collections.abc import Collection
from typing import ClassVar

from federation.errors import RefusalError
from federation.licensing.objects import ComponentTerms, OfferTerms
from federation.money import exponent
from federation.values.ids import is_plain_id

UNITS = frozenset({"TOKEN", "REQUEST", "BYTE", "WORK"})
FEE_DIGITS_MAX = 30
COMPONENTS_MAX = 50


class BadOfferError(RefusalError):
    """These terms cannot be offered."""

    code: ClassVar[str] = "BAD_OFFER"


def check_offer(offer: OfferTerms, *, uses: Collection[str]) -> None:
    """Refuse terms that break a rule, naming it."""
    exponent(offer.currency)
    if offer.ends_on < offer.starts_on:
        raise BadOfferError("the term ends before it starts")
    if offer.usage_basis not in {"site", "lab"}:
        raise BadOfferError("usage_basis is site or lab")
    if offer.unclaimed not in {"exclude", "hold"}:
        raise BadOfferError("unclaimed is exclude or hold")
    if not 1 <= len(offer.components) <= COMPONENTS_MAX:
        raise BadOfferError(f"1 to {COMPONENTS_MAX} components")
    _check_ids(offer.components)
    _check_uses(offer.components, uses)
    for component in offer.components:
        _check_fee(component)


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
