"""A licence as its licensor signs it."""

from datetime import UTC, date, datetime

from federation.licensing.objects import (
    Acceptance,
    ComponentTerms,
    Fee,
    Grant,
    LicenceObject,
    Licensee,
    Licensor,
    Reporting,
    Term,
    TermsReference,
)

SOLD = datetime(2026, 8, 20, 12, tzinfo=UTC)


def a_licence(**changes):
    values = {
        "number": "HUB-000001",
        "version": 1,
        "licensor": Licensor("HUB"),
        "licensee": Licensee("lab-one"),
        "grant": Grant([ComponentTerms(uses=["TRAIN"], fee="1000")]),
        "term": Term(date(2026, 9, 1), date(2026, 9, 30)),
        "fee": Fee("EUR", "1000"),
        "reporting": Reporting("site"),
        "terms": TermsReference("urn:terms", "0" * 64),
        "acceptance": Acceptance("ada", "lab", SOLD),
    }
    return LicenceObject(**(values | changes))
