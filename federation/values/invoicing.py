"""Who stands on an invoice, when it is due, and the rates of VAT: facts, and no rule. Pure."""

from datetime import date
from typing import Annotated, Final

from msgspec import Meta, Struct

from federation.values.bps import Bps

Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A\S(.*\S)?\Z")]
Country = Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
TaxId = Annotated[str, Meta(pattern=r"\A[A-Z]{2}[A-Z0-9+*]{2,13}\Z")]

_PREFIXES: Final = {"GR": ("EL",), "GB": ("GB", "XI")}  # others begin with their country's code


class InvoiceParty(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One side of an invoice: its legal name, its address, and what tax offices know it by.

    `vat_id` begins with its country's code (Greece: EL), without blanks. `registration` is its
    number in a register of companies. ValueError where the two contradict each other, or a text
    holds what cannot be printed.
    """

    name: Line
    """The legal name."""
    street: Line
    """The street and number."""
    city: Line
    """The city."""
    country: Country
    """The ISO 3166 code of the country."""
    postcode: Line | None = None
    """The postcode."""
    registration: Line | None = None
    """The number in a register of companies."""
    vat_id: TaxId | None = None
    """The VAT id, which begins with its country's code (Greece: EL), without blanks."""

    def __post_init__(self) -> None:
        for text in (self.name, self.street, self.city, self.postcode, self.registration):
            if text is not None and not text.isprintable():
                raise ValueError(f"{text[:40]!r} has characters that cannot be printed")
        prefixes = _PREFIXES.get(self.country, (self.country,))
        if self.vat_id is not None and not self.vat_id.startswith(prefixes):
            expected = " or ".join(prefixes)
            raise ValueError(f"`vat_id` of {self.country} begins with {expected}: {self.vat_id}")


class VatRate(Struct, frozen=True, forbid_unknown_fields=True):
    """The rate of VAT in a country from a day on, in hundredths of a percent: 1900 is 19 %."""

    country: Country
    from_day: date
    bps: Bps


class Invoicing(Struct, frozen=True, forbid_unknown_fields=True):
    """Who invoices labs here, when they have to pay, and the rates of VAT.

    `payment_days` are counted from the day of issue. A seller with a VAT id names the rates of its
    own country.
    """

    seller: InvoiceParty
    """Who invoices."""
    payment_days: Annotated[int, Meta(ge=0, le=365)] = 30
    """When an invoice is due, from the day of issue."""
    vat: Annotated[list[VatRate], Meta(max_length=1_000)] = []
    """The rates of VAT by country and first day: `{ country, from_day, bps }`."""

    def __post_init__(self) -> None:
        days = [(rate.country, rate.from_day) for rate in self.vat]
        if len(set(days)) < len(days):
            raise ValueError("`vat` names two rates of one country and day")
        if self.seller.vat_id is not None and self.seller.country not in dict(days):
            raise ValueError(f"`vat` names no rate of {self.seller.country}, where the seller is")
