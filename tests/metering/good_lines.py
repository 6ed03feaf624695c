"""A good line of usage, and the licences that it may name."""

from datetime import UTC, date, datetime

from federation.licensing.facts import Component, LicenceFacts

GOOD = {
    "event_id": "e-1",
    "licence": "HUB-000001",
    "url": "https://x.example/a",
    "use": "TRAIN",
    "units": 5,
    "occurred_at": "2026-09-10T12:00:00Z",
}


def a_licence(number="HUB-000001", **changes):
    values = {
        "licensor": "HUB",
        "licensee": "lab-one",
        "currency": "EUR",
        "starts_on": date(2026, 9, 1),
        "ends_on": date(2026, 9, 30),
        "revoked_at": None,
        "usage_basis": "site",
        "unclaimed": "exclude",
        "components": (
            Component("train", frozenset({"TRAIN"}), "TOKEN", 1),
            Component("search", frozenset({"SEARCH"}), "REQUEST", 1),
        ),
    }
    return LicenceFacts(number=number, **(values | changes))


LICENCES = [
    a_licence(),
    a_licence("HUB-000002", usage_basis="lab"),
    a_licence("HUB-000003", revoked_at=datetime(2026, 9, 15, 12, tzinfo=UTC)),
    a_licence("HUB-000004", licensee="lab-two"),
]
