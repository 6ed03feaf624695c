"""Licences of the trial's hub, signed, and the tokens that they let a crawler show."""

import secrets
from datetime import timedelta
from typing import Any, Final

from federation.clock import system_clock
from federation.conformance.hub import HUB, TrialHub
from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from federation.signing.statuslist import LICENCES_PER_LIST, reference_of
from federation.signing.tokens import Grant, mint_licence_token

LICENCE_TYP: Final = "licence+jwt"
LICENSEE: Final = "trial-lab"
NONE_SHA: Final = "0" * 64
KIND: Final = "licence.issued"


def number_of(licensor: str = HUB) -> str:
    """Draw the number of a licence that no run of the kit has had, but for chance."""
    return f"{licensor}-{secrets.randbelow(LICENCES_PER_LIST):06}"


def licence(number: str, *, version: int = 1, use: str, licensor: str = HUB) -> dict[str, Any]:
    """Return a version of a licence for one use, for a year around now."""
    instant = system_clock()
    return {
        "number": number,
        "version": version,
        "licensor": {"party": licensor},
        "licensee": {"party": LICENSEE},
        "grant": {"components": [{"uses": [use], "fee": "100000"}], "unclaimed": "exclude"},
        "term": {
            "starts_on": (instant - timedelta(days=30)).date().isoformat(),
            "ends_on": (instant + timedelta(days=330)).date().isoformat(),
        },
        "fee": {"currency": "EUR", "total": "100000"},
        "reporting": {"usage_basis": "site"},
        "terms": {"uri": "https://trial-hub.example/terms", "sha256": NONE_SHA},
        "acceptance": {"subject": "trial", "role": "lab", "at": instant.isoformat()},
    }


def issued(claims: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """Return the body of a message with a licence, signed with a key."""
    return {"number": claims["number"], "signed": sign(claims, typ=LICENCE_TYP, key=key)}


def crawler_token(hub: TrialHub, number: str, prefix: str, use: str) -> str:
    """Return a bearer token of the hub for one member's prefix and a use, for some minutes."""
    grant = Grant(
        issuer=hub.entity_id,
        licensee=LICENSEE,
        audience=[prefix],
        licence=number,
        uses=[use],
        status=reference_of(hub.entity_id, number),
    )
    return mint_licence_token(hub.key, grant, now=system_clock())
