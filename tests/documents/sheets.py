"""A licence as the sheet of a run names it."""

from datetime import date

from federation.licensing.facts import Component, LicenceFacts


def a_licence(**changes):
    values = {
        "number": "HUB-000001",
        "licensor": "HUB",
        "licensee": "lab-one",
        "currency": "EUR",
        "starts_on": date(2026, 9, 1),
        "ends_on": date(2027, 8, 31),
        "revoked_at": None,
        "usage_basis": "site",
        "unclaimed": "hold",
        "components": (
            Component("train", frozenset({"TRAIN", "FINE_TUNE"}), "TOKEN", 800_000),
            Component("ground", frozenset({"GROUND"}), "REQUEST", 200_001),
        ),
    }
    return LicenceFacts(**{**values, **changes})
