"""Whose an address is, and which licence it is used under, for a tally."""

from datetime import UTC, date, datetime

from federation.addresses.urls import normalise_canonical, normalise_claim
from federation.claimindex.index import IndexedClaim
from federation.licensing.facts import Component, LicenceFacts
from federation.metering.tally import Placer
from federation.metering.verdicts import Terms
from tests.opt_outs import an_opt_out

AT = datetime(2026, 9, 10, 12, tzinfo=UTC)


LICENCE = LicenceFacts(
    number="HUB-000001",
    licensor="HUB",
    licensee="lab",
    currency="EUR",
    starts_on=date(2026, 9, 1),
    ends_on=date(2026, 9, 30),
    revoked_at=None,
    usage_basis="site",
    unclaimed="hold",
    components=(Component(None, frozenset({"TRAIN"}), "TOKEN", 1),),
)


def a_claim(host, node, *, copies=None):
    return IndexedClaim(
        node,
        f"{node}-{host}",
        f"h-{node}",
        normalise_claim(host),
        date(2026, 1, 1),
        None,
        "standard",
        normalise_canonical(f"https://{copies}/") if copies else None,
    )


CLAIMS = [
    a_claim("de.example", "DE"),
    a_claim("fr.example", "FR"),
    a_claim("both.example", "DE"),
    a_claim("both.example", "FR"),
    a_claim("copy.example", "DE", copies="fr.example"),
    a_claim("withheld.example", "DE"),
]


WITHHELD = an_opt_out("DE", "*", datetime(2026, 9, 1, tzinfo=UTC), CLAIMS[-1].key, None)


HOSTS = ["de", "fr", "both", "copy", "withheld", "nobody"]


def a_placer(index):
    return Placer(
        here="DE",
        licences={"HUB-000001": LICENCE},
        repertoire={},
        index=index,
        terms=Terms({"standard": 1_000}, {"TRAIN": 1_000}),
        owner_bps=lambda _: 4_000,
        member_of={"h-DE": "anna"}.get,
    )
