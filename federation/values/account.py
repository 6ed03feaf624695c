"""An account that money is paid from or to."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PaymentAccount:
    """Where money is paid from or to; `scheme` is how the account is identified.

    `clearing_id` names the bank of an account that is no IBAN: system and member, `GBDSC/040004`.
    """

    name: str
    scheme: Literal["IBAN", "OTHER"]
    account: str
    bic: str | None
    country: str | None
    clearing_id: str | None = None
