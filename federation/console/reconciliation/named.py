"""What the codes of the bank desk and of held money are called."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from federation.console.page import N_

ITEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "INVOICE": N_("invoice"),
        "REMITTANCE_IN": N_("remittance to us"),
        "PAYMENT": N_("payment of ours"),
        "RETURN": N_("payment that came back"),
        "CONVERSION": N_("deal in currency"),
        "BANK_CHARGE": N_("bank charge"),
        "FX_DIFFERENCE": N_("exchange difference"),
        "TAX_WITHHELD": N_("tax withheld"),
        "SHORT_PAYMENT": N_("short payment"),
        "OVERPAYMENT": N_("overpayment"),
        "VAT": N_("VAT"),
        "OWN_TRANSFER": N_("transfer between own accounts"),
        "RECORDED_RECEIPT": N_("receipt entered by hand"),
    }
)
# Those that name a difference, not something expected.
DIFFERENCES: Final = (
    "BANK_CHARGE",
    "FX_DIFFERENCE",
    "TAX_WITHHELD",
    "SHORT_PAYMENT",
    "OVERPAYMENT",
    "VAT",
    "OWN_TRANSFER",
    "RECORDED_RECEIPT",
)
LIMITED: Final = ("BANK_CHARGE", "FX_DIFFERENCE", "TAX_WITHHELD")
ENTRY_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "OPEN": N_("open"),
        "PROPOSED": N_("waits for approval"),
        "SETTLED": N_("settled"),
        "NONE": N_("not booked by the bank"),
    }
)
ACTS: Final[Mapping[str, str]] = MappingProxyType(
    {"PROPOSED": N_("proposed"), "SETTLED": N_("settled"), "UNDONE": N_("taken back")}
)
TONES: Final[Mapping[str, str]] = MappingProxyType(
    {"OPEN": "", "PROPOSED": "wait", "SETTLED": "good", "UNDONE": "bad", "NONE": ""}
)
HELD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "UNMATCHED": N_("nobody claims the address"),
        "DISPUTED": N_("several claim the address"),
        "LATE": N_("usage report missing"),
        "NO_RECIPIENT": N_("nobody to share with"),
        "NO_USAGE": N_("licence without usage"),
        "NOT_COLLECTED": N_("not paid by the licensee"),
        "BELOW_MINIMUM": N_("below the least that is paid"),
        "SET_OFF": N_("kept for debits"),
        "ACCOUNT_MISSING": N_("no account known"),
        "ACCOUNT_INVALID": N_("account cannot be paid to"),
        "ACCOUNT_CHANGED": N_("account was changed"),
        "TAX_DATA_MISSING": N_("tax data missing"),
    }
)
OVERPAYMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {"OVERPAYMENT": N_("an entry of the bank"), "LEFT_NET": N_("a debtor that had left the net")}
)
SET_AGAINST: Final = ("INVOICE", "REMITTANCE_IN")  # what an overpayment may be set off against
SET_OFF_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PROPOSED": N_("waits for another person"),
        "APPROVED": N_("approved"),
        "WITHDRAWN": N_("withdrawn"),
        "UNDONE": N_("taken back"),
    }
)
SET_OFF_TONES: Final[Mapping[str, str]] = MappingProxyType(
    {"PROPOSED": "wait", "APPROVED": "good", "WITHDRAWN": "", "UNDONE": "bad"}
)
CLAIM_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {"FILED": N_("filed"), "ACCEPTED": N_("accepted"), "REFUSED": N_("refused")}
)
CLAIM_TONES: Final[Mapping[str, str]] = MappingProxyType(
    {"FILED": "wait", "ACCEPTED": "good", "REFUSED": "bad"}
)
CLOCKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "distribute_by": N_("distribute by"),
        "list_by": N_("list by"),
        "public_by": N_("publish by"),
        "non_distributable_on": N_("not distributable from"),
        "pay_by": N_("pay by"),
    }
)
