"""Amounts as people at the desk write them."""

import re
from typing import ClassVar

from federation.errors import RefusalError
from federation.money import exponent

_DECIMAL = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]+))?")


class BadItemTextError(RefusalError):
    """An item is KIND[:REF[:AMOUNT[:NOTE]]]; the one that leaves out its amount gets the rest."""

    code: ClassVar[str] = "BAD_ITEM"


def read_amount(written: str, currency: str) -> str:
    """Return minor units of a decimal amount, `-10.00` EUR as -1000; never rounded."""
    found, digits = _DECIMAL.fullmatch(written.strip()), exponent(currency)
    if found is None or len(found.group(3) or "") > digits:
        raise BadItemTextError(f"{written!r} is no amount in {currency} ({digits} decimals)")
    sign, whole, part = found.group(1), found.group(2), found.group(3) or ""
    minor = int(whole + part.ljust(digits, "0"))
    return str(-minor if sign == "-" else minor)
