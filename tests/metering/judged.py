"""A licence and a claim to judge a line by."""

from datetime import date

from federation.addresses.urls import normalise_canonical, normalise_claim
from federation.claimindex.index import IndexedClaim
from federation.licensing.facts import Component, LicenceFacts
from federation.metering.verdicts import Terms

TERMS = Terms({"premium": 3000, "standard": 1000, "commodity": 500}, {"TRAIN": 1000, "INDEX": 500})


def a_licence(**changes):
    values = {
        "number": "HUB-000001",
        "licensor": "HUB",
        "licensee": "lab",
        "currency": "EUR",
        "starts_on": date(2026, 9, 1),
        "ends_on": date(2026, 9, 30),
        "revoked_at": None,
        "usage_basis": "site",
        "unclaimed": "exclude",
        "components": (Component(None, frozenset({"TRAIN"}), "TOKEN", 100),),
    }
    return LicenceFacts(**{**values, **changes})


def a_claim(claim="x.example/", *, node="DE", holder="m1", canonical=None, tier="standard"):
    return IndexedClaim(
        node=node,
        claim_id=f"{node}/{holder}",
        holder_id=holder,
        key=normalise_claim(claim),
        counts_from=date(2025, 1, 1),
        counts_to=None,
        content_tier=tier,
        canonical=normalise_canonical(canonical) if canonical else None,
    )
