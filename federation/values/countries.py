"""Countries as ISO 3166-1 writes them in two letters."""

from functools import cache
from typing import Final

import pycountry

_BESIDE: Final = frozenset({"XK"})
"""Kosovo: no code of the standard, but the one that banks, in IBANs, and the EU write."""


def country_code(text: str) -> str:
    """Return the two letters of a country, such as GB; ValueError where they are none's."""
    if text not in _known():
        raise ValueError(f"{text[:40]!r} is no country code of ISO 3166, such as GB")
    return text


@cache
def _known() -> frozenset[str]:
    return _BESIDE.union(country.alpha_2 for country in pycountry.countries)
