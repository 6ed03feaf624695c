"""An account that money is paid from or to."""

from dataclasses import dataclass
from typing import ClassVar, Literal, cast

from federation.errors import RefusalError

Scheme = Literal["IBAN", "OTHER"]


class BadSchemeError(RefusalError):
    """An account is an IBAN or OTHER."""

    code: ClassVar[str] = "BAD_SCHEME"


@dataclass(frozen=True, slots=True)
class PaymentAccount:
    """Where money is paid from or to; `scheme` is how the account is identified.

    `clearing_id` names the bank of an account that is no IBAN: system and member, `GBDSC/040004`.
    """

    name: str
    scheme: Scheme
    account: str
    bic: str | None
    country: str | None
    clearing_id: str | None = None


def scheme_of(text: str) -> Scheme:
    """Return how an account is identified, or refuse what is no scheme (BAD_SCHEME)."""
    if text not in {"IBAN", "OTHER"}:
        raise BadSchemeError(text)
    return cast("Scheme", text)
