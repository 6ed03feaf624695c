"""Which value added tax an invoice bears: the one rule, over rates that are data. Pure.

VAT comes on top of the fee and is passed on to the state: it is no rights revenue and enters
neither a run nor clearing (SETTLEMENT §1: received is net of VAT).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.values.invoicing import InvoiceParty, VatRate

STANDARD, ZERO, REVERSE_CHARGE, OUTSIDE = "S", "Z", "AE", "O"  # UNCL 5305, as EN 16931 uses it
EU: Final = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)
NOT_REGISTERED = "The issuer is not registered for VAT"
EU_REVERSE_CHARGE = "Reverse charge: the recipient owes the VAT (Article 196 of 2006/112/EC)"
ABROAD_REVERSE_CHARGE = "Reverse charge: the recipient accounts for the tax of its country"
SUPPLIED_ABROAD = "Outside the scope of VAT: supplied where the recipient is established"


class NoVatRateError(RefusalError):
    """No rate of VAT is known here for this country and day."""

    code: ClassVar[str] = "NO_VAT_RATE"


@dataclass(frozen=True, slots=True)
class Vat:
    """The category of EN 16931 (S, Z, AE or O), its rate, and why it bears none where it does not.

    AE is the reverse charge, O outside the scope of the tax.
    """

    category: str
    bps: int = 0
    reason: str | None = None

    def of(self, net: int) -> int:
        """Return the tax on minor units of either sign: half a unit is rounded away from 0."""
        tax = (abs(net) * self.bps * 2 + 10_000) // 20_000
        return tax if net >= 0 else -tax


def vat_between(
    seller: InvoiceParty, buyer: InvoiceParty, on: date, rates: Iterable[VatRate]
) -> Vat:
    """Return the VAT of an invoice that `seller` issues to the lab `buyer` on a day.

    A lab in another country that has a VAT id owes the tax itself. Without one it is taxed like a
    customer at home if both are in the EU; elsewhere the licence is supplied outside the scope.
    """
    if seller.vat_id is None:
        return Vat(OUTSIDE, reason=NOT_REGISTERED)
    within_eu = {seller.country, buyer.country} <= EU
    if seller.country != buyer.country and buyer.vat_id is not None:
        return Vat(REVERSE_CHARGE, reason=EU_REVERSE_CHARGE if within_eu else ABROAD_REVERSE_CHARGE)
    if seller.country != buyer.country and not within_eu:
        return Vat(OUTSIDE, reason=SUPPLIED_ABROAD)
    bps = _rate(seller.country, on, rates)
    return Vat(STANDARD, bps) if bps else Vat(ZERO)


def _rate(country: str, on: date, rates: Iterable[VatRate]) -> int:
    """Return the rate of a country that began last, on a day or before."""
    known = [(rate.from_day, rate.bps) for rate in rates if rate.country == country]
    begun = [found for found in known if found[0] <= on]
    if not begun:
        raise NoVatRateError(f"{country} on {on}")
    return max(begun)[1]
