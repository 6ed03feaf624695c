"""Licence keys: what weights, shares and fees are kept under (SETTLEMENT §0.6).

A key is the licence number, such as `HUB-000001`, or number and component id as `HUB-000001/train`
where the licence has components. This module alone puts keys together and takes them apart; a
`LicenceKey` is the text itself, so that it may be a column or a field of a message as it is.
Neither part holds a `/`.
"""

from typing import NewType

LicenceKey = NewType("LicenceKey", str)


def licence_key(number: str, component: str | None) -> LicenceKey:
    """Return the key of a component; `component` is None where the licence has none."""
    return LicenceKey(number if component is None else f"{number}/{component}")


def number_of(key: LicenceKey) -> str:
    """Return the licence number in a key."""
    return key.partition("/")[0]


def component_of(key: LicenceKey) -> str | None:
    """Return the component id in a key, None where the licence has no components."""
    return key.partition("/")[2] or None
