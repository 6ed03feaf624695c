"""Words for the codes of licensing: what a state means, and whether it is good, waits or is bad."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from federation.console.page import N_

Words = Mapping[str, tuple[str, str]]
"""By a code its words, to be translated, and the tone of `parts.state`."""


def _words(**of: tuple[str, str]) -> Words:
    return MappingProxyType(of)


LICENCE_STATES: Final = _words(
    ACTIVE=(N_("active"), "good"),
    SUSPENDED=(N_("suspended"), "wait"),
    REVOKED=(N_("revoked"), "bad"),
)
REGISTRATION_STATES: Final = _words(
    REGISTERED=(N_("registered"), "good"),
    PENDING=(N_("pending"), "wait"),
    REFUSED=(N_("refused"), "bad"),
)
OFFER_STATES: Final = _words(
    OFFERED=(N_("can be accepted"), "wait"),
    ACCEPTED=(N_("accepted"), "good"),
    EXPIRED=(N_("has run out"), ""),
    REFUSED=(N_("nothing is covered"), "bad"),
)
OFFER_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"TARIFF": N_("by the tariff"), "INDIVIDUAL": N_("individual agreement")}
)
CLIENT_STATES: Final = _words(LIVE=(N_("live"), "good"), REVOKED=(N_("revoked"), "bad"))
WEBHOOK_STATES: Final = _words(
    ACTIVE=(N_("active"), "good"),
    PAUSED=(N_("paused"), "wait"),
    ENDED=(N_("ended"), "bad"),
)
DELIVERY_STATES: Final = _words(
    WAITING=(N_("waiting"), "wait"),
    DELIVERED=(N_("delivered"), "good"),
    FAILED=(N_("failed"), "bad"),
    DROPPED=(N_("dropped"), ""),
)
UNCLAIMED: Final[Mapping[str, str]] = MappingProxyType(
    {"exclude": N_("left out"), "hold": N_("paid for, and held")}
)
USAGE_BASES: Final[Mapping[str, str]] = MappingProxyType(
    {"site": N_("as sites count it"), "lab": N_("as the lab counts it")}
)
GAPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "WITHHELD": N_("withheld: no licence opens it"),
        "OUTSIDE_GRANT": N_("can be licensed; no licence of yours grants it then"),
        "NOT_REPRESENTED": N_("nobody claims it"),
        "DISPUTED": N_("several claim it"),
        "UNKNOWN": N_("its collective did not answer: an unknown right is no right"),
        "MALFORMED": N_("no address that can be read"),
    }
)
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "OPTED_OUT": N_("opted out"),
        "RESERVED_EX_ANTE": N_("reserved, and not opened"),
        "PUBLISHED": N_("reserved on the site"),
        "WITHDRAWN": N_("consent withdrawn"),
        "WITHHELD": N_("consent withheld"),
        "NOT_MANDATED": N_("outside the mandate"),
    }
)
