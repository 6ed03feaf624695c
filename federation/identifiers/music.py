"""The numbers of musical works (ISWC, ISO 15707) and of interested parties (IPI, CISAC).

Each function returns the plain form or raises ValueError with the check that failed.
"""

import re
from typing import Final

_SPELLED: Final = re.compile(r"[\s.\-]")
_ISWC: Final = re.compile(r"T[0-9]{10}")
_IPI_NAME: Final = re.compile(r"[0-9]{9,11}")
_IPI_BASE: Final = re.compile(r"I[0-9]{10}")
_WEIGHTED_DIGITS: Final = 9
_ISWC_START, _IPI_BASE_START = 1, 2
_NAME_MODULUS: Final = 101
_NAME_DIGITS: Final = 11


def iswc(text: str) -> str:
    """Return T and ten digits, the last of them the check digit: T0345246801."""
    found = _SPELLED.sub("", text.upper()).removeprefix("ISWC")
    if _ISWC.fullmatch(found) is None:
        raise ValueError("an ISWC is T and ten digits")
    _require(found[1:10], _ISWC_START, found[10])
    return found


def ipi(text: str) -> str:
    """Return an IPI name number of eleven digits, or a base number `I0012345678`."""
    found = _SPELLED.sub("", text.upper())
    if _IPI_BASE.fullmatch(found):
        _require(found[1:10], _IPI_BASE_START, found[10])
        return found
    if _IPI_NAME.fullmatch(found) is None:
        raise ValueError("an IPI is nine to eleven digits, or I and ten digits")
    found = found.zfill(_NAME_DIGITS)
    weighted = sum(int(digit) * (10 - place) for place, digit in enumerate(found[:9]))
    rest = weighted % _NAME_MODULUS
    check = (_NAME_MODULUS - rest) % 100 if rest else 0
    if found[9:] != f"{check:02d}":
        raise ValueError("its check digits are wrong")
    return found


def _require(digits: str, start: int, check: str) -> None:
    """Hold ten digits to their last one, as ISO 15707 has it: places times digits, modulo ten."""
    total = start + sum(place * int(digit) for place, digit in enumerate(digits, start=1))
    if int(check) != -total % 10:
        raise ValueError("its check digit is wrong")
