"""What somebody typed to look for something, read once: words, and perhaps more than that; pure."""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from federation.addresses.urls import ClaimKey, MalformedClaimError, normalise_claim
from federation.errors import RefusalError
from federation.money import Money, UnknownCurrencyError, exponent
from federation.values.plain import require_plain_text

TEXT_LENGTH_MAX: Final = 200
ROW_NUMBER_MAX: Final = 2**31 - 1
MINOR_MAX: Final = 2**63 - 1  # of one amount; more is found nowhere

_AMOUNT: Final = re.compile(
    r"(?:(?P<before>[A-Za-z]{3})\s*)?(?P<number>[-+\u2212]?\d[\d.,'\u2019\s]{0,39})"
    r"(?:\s*(?P<after>[A-Za-z]{3}))?"
)
_GROUPED: Final = re.compile(r"\d{1,3}(?P<mark>[.,'\u2019 ])\d{3}(?:(?P=mark)\d{3})*")
_PLAIN: Final = re.compile(r"\d+")


class BadSearchError(RefusalError):
    """Look for a text of 1 to 200 characters."""

    code: ClassVar[str] = "BAD_SEARCH"


@dataclass(frozen=True)
class Sought:
    """A text that is looked for, without blanks around it."""

    text: str

    @property
    def spellings(self) -> tuple[str, ...]:
        """The text as a number or a code may be written: as it is, and in capitals."""
        return tuple(dict.fromkeys((self.text, self.text.upper())))

    @cached_property
    def row(self) -> int | None:
        """The text as the number of a row, where it is one."""
        is_number = self.text.isascii() and self.text.isdigit()
        return int(self.text) if is_number and int(self.text) <= ROW_NUMBER_MAX else None

    @cached_property
    def amount(self) -> Money | None:
        """The text as an amount with its currency, without its sign: `1,234.50 EUR`."""
        found = _AMOUNT.fullmatch(self.text)
        code = found and (found["before"] or found["after"])
        if not found or not code or (found["before"] and found["after"]):
            return None
        try:
            minor = minor_of(found["number"], code.upper())
        except UnknownCurrencyError:
            return None
        return None if minor is None or minor > MINOR_MAX else Money(minor, code.upper())

    @cached_property
    def address(self) -> ClaimKey | None:
        """The text as an address on the web, with or without its scheme."""
        if "." not in self.text or any(map(str.isspace, self.text)):
            return None
        with suppress(MalformedClaimError):
            return normalise_claim(self.text)
        return None


def read(text: str) -> Sought:
    """Return what is looked for (BAD_SEARCH, BAD_TEXT)."""
    found = require_plain_text(text, "text").strip()
    if not 1 <= len(found) <= TEXT_LENGTH_MAX:
        raise BadSearchError(f"it has {len(found)}")
    return Sought(found)


def minor_of(written: str, currency: str) -> int | None:
    """Return the minor units of a number as people write it, None where a currency has none such.

    The last mark is the decimal point where no more digits follow it than the currency has, and it
    stands there once; other marks part thousands. `1.234` is 1,234 EUR, and 1.234 KWD.
    """
    digits = exponent(currency)
    text = written.lstrip("-+\u2212").strip().replace("\u00a0", " ").replace("\u202f", " ")
    at = max(text.rfind("."), text.rfind(","))
    part = text[at + 1 :]
    if at >= 0 and text.count(text[at]) == 1 and part.isdigit() and len(part) <= digits:
        whole = text[:at]
    else:
        whole, part = text, ""
    if not (_PLAIN.fullmatch(whole) or _GROUPED.fullmatch(whole)):
        return None
    return int(re.sub(r"\D", "", whole) + part.ljust(digits, "0"))
