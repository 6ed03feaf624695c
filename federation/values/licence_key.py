"""Licence numbers, and licence keys, under which weights, shares and fees are kept (§0.6).

A key is the licence number, such as `HUB-000001`, or number and component id as `HUB-000001/train`
where the licence has components. This module alone puts keys together and takes them apart; a
`LicenceKey` is the text itself, so that it may be a column or a field of a message as it is.
Neither part holds a `/`.
"""

from typing import NewType

LicenceKey = NewType("LicenceKey", str)
_DIGITS_MAX = 12


def licence_number(licensor: str, count: int) -> str:
    """Return the number of a licensor's n-th licence: `<licensor>-<six digits>`."""
    return f"{licensor}-{count:06d}"


def licensor_of(number: str) -> str:
    """Return the licensor's code in a licence number."""
    return number.rpartition("-")[0]


def count_of(number: str) -> int | None:
    """Return which of its licensor's licences a number is, from 1; None if it is no number."""
    licensor, _, digits = number.rpartition("-")
    if not (licensor and digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS_MAX):
        return None
    count = int(digits)
    return count if number == licence_number(licensor, count) and count else None


def licence_key(number: str, component: str | None) -> LicenceKey:
    """Return the key of a component; `component` is None where the licence has none."""
    return LicenceKey(number if component is None else f"{number}/{component}")


def number_of(key: LicenceKey) -> str:
    """Return the licence number in a key."""
    return key.partition("/")[0]


def component_of(key: LicenceKey) -> str | None:
    """Return the component id in a key, None where the licence has no components."""
    return key.partition("/")[2] or None
