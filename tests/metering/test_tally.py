"""Lines that entered at a node: decided there, or sent on to whom they belong."""

from datetime import UTC, date, datetime

from federation.licensing.facts import Component, LicenceFacts
from federation.metering.tally import CountedLine, Counter
from federation.metering.verdicts import Terms
from federation.registry.index import ClaimIndex, IndexedClaim, IndexedOptOut
from federation.registry.urls import normalise_canonical, normalise_claim, normalise_url
from federation.store.base import to_micros

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


class CountingIndex(ClaimIndex):
    """Counts how often the claims on an address are looked up."""

    def __init__(self, claims, reservations):
        super().__init__(claims, reservations)
        self.asked = []

    def claimants(self, key, at):
        self.asked.append(key)
        return super().claimants(key, at)


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
WITHHELD = IndexedOptOut("DE", "*", datetime(2026, 9, 1, tzinfo=UTC), CLAIMS[-1].key, None)
HOSTS = ["de", "fr", "both", "copy", "withheld", "nobody"]


def a_line(host):
    url = f"https://{host}.example/"
    return CountedLine("DE", "r", host, "HUB-000001", url, "TRAIN", 7, to_micros(AT))


def a_counter(index):
    return Counter(
        here="DE",
        licences={"HUB-000001": LICENCE},
        repertoire={},
        index=index,
        terms=Terms({"standard": 1_000}, {"TRAIN": 1_000}),
        owner_bps=lambda _: 4_000,
        member_of={"h-DE": "anna"}.get,
    )


def test_a_line_owned_here_is_decided_when_it_enters_and_no_other_is_kept_back():
    counter = a_counter(ClaimIndex(CLAIMS, [WITHHELD]))

    tally = counter.enter([a_line(host) for host in HOSTS])

    assert [(line.event_id, verdict) for line, verdict in tally.verdicts] == [
        ("de", "MATCHED"),
        ("fr", "FORWARDED"),
        ("both", "DISPUTED"),
        ("copy", "MATCHED"),
        ("withheld", "RESERVED"),
        ("nobody", "UNMATCHED"),
    ]
    assert tally.elsewhere == {"FR": [a_line("fr")]}


def test_each_line_is_looked_up_once_and_so_is_the_original_of_its_page():
    index = CountingIndex(CLAIMS, [WITHHELD])

    a_counter(index).enter([a_line(host) for host in HOSTS])

    looked_up = [key.host.removesuffix(".example") for key in index.asked]
    assert looked_up == ["de", "fr", "both", "copy", "fr", "withheld", "nobody"]


def test_a_line_taken_back_is_looked_up_once():
    line = a_line("withheld")
    counted = a_counter(ClaimIndex(CLAIMS, [])).own([line]).portions
    index = CountingIndex(CLAIMS, [WITHHELD])
    counter = a_counter(index)
    tally = counter.own([])

    left = counter.withdraw(tally, [line], {key: weight for key, (weight, _) in counted.items()})

    assert left == []
    assert tally.verdicts == [(line, "RESERVED")]
    assert index.asked == [normalise_url(line.url)]
