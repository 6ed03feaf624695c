"""Words of settlement for the codes that the server speaks in."""

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from federation.console.page import N_

MONTH_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "OPEN": N_("to be cut off"),
        "CUT_OFF": N_("cut off"),
        "FORWARDED": N_("cut off, usage of others sent on"),
        "COMPLETE": N_("cut off, usage complete"),
        "REPORTED": N_("reported"),
    }
)
RUN_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CALCULATED": N_("calculated"),
        "ADVISED": N_("shown to the nodes"),
        "APPROVED": N_("approved"),
        "WITHDRAWN": N_("withdrawn"),
    }
)
PAYMENT_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PROPOSED": N_("to be approved"),
        "OUTSTANDING": N_("without an account"),
        "APPROVED": N_("to be exported"),
        "EXPORTED": N_("in a file for the bank"),
        "ACCEPTED": N_("taken by the bank"),
        "BOOKED": N_("paid"),
        "REJECTED": N_("refused by the bank"),
        "RETURNED": N_("came back"),
        "CANCELLED": N_("cancelled"),
        "SET_OFF": N_("taken up by debits"),
    }
)
# Of which nothing is left to do.
SETTLED_PAYMENTS: Final = frozenset({"BOOKED", "CANCELLED", "SET_OFF"})
TONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BOOKED": "good",
        "APPROVED": "wait",
        "PROPOSED": "wait",
        "EXPORTED": "wait",
        "ACCEPTED": "wait",
        "OUTSTANDING": "bad",
        "REJECTED": "bad",
        "RETURNED": "bad",
    }
)
PAYMENT_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "REMITTANCE": N_("remittance"),
        "MEMBER": N_("to a member"),
        "ADJUSTMENT": N_("adjustment"),
        "REFUND": N_("refund"),
    }
)
SERIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "INV": N_("invoice"),
        "CN": N_("credit note"),
        "FEE": N_("clearing-fee note"),
        "STM": N_("node statement"),
        "ADV": N_("remittance advice"),
        "RUN": N_("run document"),
        "PAY": N_("file for the bank"),
    }
)
REPLIES: Final[Mapping[str, str]] = MappingProxyType(
    {"CONCURRED": N_("concurs"), "OBJECTED": N_("objects")}
)


def month_before(day: date) -> str:
    """Return the month before that of a day, `2026-09`: the one that is settled."""
    return (day.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
