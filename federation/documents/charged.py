"""What an invoice says beside its fee: both sides, the VAT, the account it is paid to. Pure.

A credit note repeats what the invoice said that it corrects, whatever was stated since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from federation.documents.vat import Vat
from federation.values.invoicing import InvoiceParty

_FIELDS: Final = InvoiceParty.__struct_fields__


@dataclass(frozen=True, slots=True)
class Charged:
    """Who invoices whom, with which VAT; `account` and `bic` are where it is paid to."""

    seller: InvoiceParty
    buyer: InvoiceParty
    vat: Vat
    account: str | None = None
    bic: str | None = None

    def head(self) -> dict[str, str]:
        """Return what the head of a document says of it."""
        said = {
            **_said("issuer", self.seller),
            **_said("recipient", self.buyer),
            "vat_category": self.vat.category,
            "vat_bps": str(self.vat.bps),
            "vat_reason": self.vat.reason,
            "account": self.account,
            "bic": self.bic,
        }
        return {name: text for name, text in said.items() if text is not None}

    @classmethod
    def read(cls, head: Mapping[str, str]) -> "Charged | None":
        """Return what a document says of it, None if it is one without."""
        if "vat_category" not in head:
            return None
        vat = Vat(head["vat_category"], int(head["vat_bps"]), head.get("vat_reason"))
        seller, buyer = (_read(side, head) for side in ("issuer", "recipient"))
        return cls(seller, buyer, vat, head.get("account"), head.get("bic"))


def _said(side: str, party: InvoiceParty) -> dict[str, str | None]:
    return {f"{side}_{name}": getattr(party, name) for name in _FIELDS}


def _read(side: str, head: Mapping[str, str]) -> InvoiceParty:
    known = {name: head[f"{side}_{name}"] for name in _FIELDS if f"{side}_{name}" in head}
    return InvoiceParty(**known)
