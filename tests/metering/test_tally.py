"""Lines that entered at a node: decided there, or sent on to whom they belong."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as replaced

from federation.addresses.urls import normalise_url
from federation.claimindex.index import ClaimIndex
from federation.licensing.facts import Component
from federation.metering.tally import CountedLine
from federation.metering.verdicts import Terms
from federation.store.base import to_micros
from tests.metering.tallies import AT, CLAIMS, HOSTS, LICENCE, WITHHELD, a_claim, a_placer


class CountingIndex(ClaimIndex):
    """Counts how often the claims on an address are looked up."""

    def __init__(self, claims, reservations):
        super().__init__(claims, reservations)
        self.asked = []

    def claimants(self, key, at):
        self.asked.append(key)
        return super().claimants(key, at)


def a_line(host):
    url = f"https://{host}.example/"
    return CountedLine("DE", "r", host, "HUB-000001", url, "TRAIN", 7, to_micros(AT))


def test_a_line_owned_here_is_decided_when_it_enters_and_no_other_is_kept_back():
    placer = a_placer(ClaimIndex(CLAIMS, [WITHHELD]))

    tally = placer.enter([a_line(host) for host in HOSTS])

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

    a_placer(index).enter([a_line(host) for host in HOSTS])

    looked_up = [key.host.removesuffix(".example") for key in index.asked]
    assert looked_up == ["de", "fr", "both", "copy", "fr", "withheld", "nobody"]


def test_a_line_taken_back_is_looked_up_once():
    line = a_line("withheld")
    counted = a_placer(ClaimIndex(CLAIMS, [])).own([line]).portions
    index = CountingIndex(CLAIMS, [WITHHELD])
    placer = a_placer(index)
    tally = placer.own([])

    left = placer.withdraw(tally, [line], {key: weight for key, (weight, _) in counted.items()})

    assert left == []
    assert tally.verdicts == [(line, "RESERVED")]
    assert index.asked == [normalise_url(line.url)]


UNIT = 1_000 * 1_000 * 10_000
MORE_CLAIMS = [
    *CLAIMS,
    replaced(a_claim("twins.example", "DE"), holder_id="h-DE"),
    replaced(a_claim("twins.example", "DE"), claim_id="DE-twins-2", holder_id="h-bert"),
    replaced(a_claim("strange.example", "DE"), holder_id="h-unknown"),
    a_claim("of-both.example", "DE", copies="both.example"),
    a_claim("of-nobody.example", "DE", copies="nobody.example"),
    a_claim("of-rivals.example", "DE", copies="rivals.example"),
    replaced(a_claim("rivals.example", "FR"), claim_id="FR-r-1"),
    replaced(a_claim("rivals.example", "FR"), claim_id="FR-r-2", holder_id="h-FR-2"),
]


def tallied(host, *, use="TRAIN", licence=LICENCE, repertoire=None):
    """Return the class, the totals and the portions of a line that entered here."""
    placer = replace(
        a_placer(ClaimIndex(MORE_CLAIMS, [WITHHELD])),
        licences={"HUB-000001": licence},
        repertoire=repertoire or {},
        terms=Terms({"standard": 1_000}, {"TRAIN": 1_000, "GROUND": 1_500}),
        member_of={"h-DE": "anna", "h-bert": "bert"}.get,
    )
    line = replace(a_line(host), use=use)
    tally = placer.enter([line])
    [(_, verdict)] = tally.verdicts
    return verdict, tally.totals, tally.portions


def totals(host, verdict, member):
    return {("HUB-000001", f"{host}.example/", "TRAIN", verdict, member): (1, 7)}


def portion(party, member, claim_id, host):
    return ("HUB-000001", "TRAIN", party, member, claim_id, f"{host}.example/")


@pytest.mark.parametrize(
    ("host", "verdict", "member", "portions"),
    [
        ("de", "MATCHED", "anna", {portion("DE", "anna", None, "de"): (7 * UNIT, 7)}),
        (
            "copy",
            "MATCHED",
            "anna",
            {
                portion("DE", "anna", None, "copy"): (7 * UNIT * 6 // 10, 7),
                portion("FR", None, "FR-fr.example", "copy"): (7 * UNIT * 4 // 10, 0),
            },
        ),
        (
            "of-rivals",
            "MATCHED",
            "anna",
            {
                portion("DE", "anna", None, "of-rivals"): (7 * UNIT * 6 // 10, 7),
                portion("FR", None, "~DISPUTED", "of-rivals"): (7 * UNIT * 4 // 10, 0),
            },
        ),
        (
            "of-both",
            "MATCHED",
            "anna",
            {
                portion("DE", "anna", None, "of-both"): (7 * UNIT * 6 // 10, 7),
                portion("~DISPUTED", None, None, "both"): (7 * UNIT * 4 // 10, 0),
            },
        ),
        (
            "of-nobody",
            "MATCHED",
            "anna",
            {
                portion("DE", "anna", None, "of-nobody"): (7 * UNIT * 6 // 10, 7),
                portion("~UNMATCHED", None, None, "nobody"): (7 * UNIT * 4 // 10, 0),
            },
        ),
        ("twins", "MATCHED", "", {portion("DE", "~DISPUTED", None, "twins"): (7 * UNIT, 7)}),
        ("strange", "MATCHED", "", {portion("DE", None, None, "strange"): (7 * UNIT, 7)}),
        ("both", "DISPUTED", "", {portion("~DISPUTED", None, None, "both"): (7 * UNIT, 7)}),
        ("nobody", "UNMATCHED", "", {portion("~UNMATCHED", None, None, "nobody"): (7 * UNIT, 7)}),
        ("withheld", "RESERVED", "anna", {}),
    ],
)
def test_a_line_is_counted_once_for_whom_it_weighs_and_at_the_address_it_is_of(
    host, verdict, member, portions
):
    """Of a copy, what is held is held at the original's address; its units count once."""
    assert tallied(host) == (verdict, totals(host, verdict, member), portions)


def test_lines_of_one_address_are_added_up():
    placer = a_placer(ClaimIndex(CLAIMS, []))
    second = replace(a_line("de"), event_id="e-2", units=5)

    tally = placer.own([a_line("de"), second])

    assert tally.totals == {("HUB-000001", "de.example/", "TRAIN", "MATCHED", "anna"): (2, 12)}
    assert tally.portions == {portion("DE", "anna", None, "de"): (12 * UNIT, 12)}
    assert placer.keys == {"https://de.example/": normalise_url("https://de.example/")}


@pytest.mark.parametrize(
    ("host", "repertoire", "verdict"),
    [
        ("de", {"HUB-000001": frozenset({"DE", "FR"})}, "MATCHED"),
        ("de", {"HUB-000001": frozenset({"FR"})}, "OUT_OF_SCOPE"),
        ("de", {"HUB-000002": frozenset({"FR"})}, "MATCHED"),
        ("fr", {"HUB-000001": frozenset({"DE"})}, "OUT_OF_SCOPE"),
        ("fr", {"HUB-000001": frozenset({"FR"})}, "FORWARDED"),
        ("nobody", {"HUB-000001": frozenset()}, "UNMATCHED"),
    ],
)
def test_a_page_of_a_collective_that_the_licence_leaves_out_is_out_of_scope(
    host, repertoire, verdict
):
    found, of_line, portions = tallied(host, repertoire=repertoire)

    assert found == verdict
    if verdict == "OUT_OF_SCOPE":
        assert of_line == totals(host, "OUT_OF_SCOPE", "")
        assert portions == {}


def test_a_portion_lies_in_the_component_of_its_use():
    parts = (
        Component("train", frozenset({"TRAIN"}), "TOKEN", 1),
        Component("ground", frozenset({"GROUND"}), "TOKEN", 1),
    )
    licence = replace(LICENCE, components=parts)

    for use, key, weight in (
        ("TRAIN", "HUB-000001/train", 7 * UNIT),
        ("GROUND", "HUB-000001/ground", 7 * UNIT * 3 // 2),
    ):
        _, _, portions = tallied("de", use=use, licence=licence)
        assert portions == {(key, use, "DE", "anna", None, "de.example/"): (weight, 7)}


def test_a_use_that_no_component_has_weighs_nothing():
    _, _, portions = tallied("de", use="GROUND")

    assert portions == {}


def test_an_address_that_was_read_once_is_not_read_again():
    known = {"https://de.example/": normalise_url("https://fr.example/")}
    placer = replace(a_placer(ClaimIndex(CLAIMS, [])), keys=known)

    assert placer.enter([a_line("de")]).elsewhere == {"FR": [a_line("de")]}
