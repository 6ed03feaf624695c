"""An opt-out found after the month: what counted is taken back, and nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime

from federation.addresses.urls import ClaimKey
from federation.claimindex.index import ClaimIndex, IndexedClaim
from federation.licensing.facts import Component, LicenceFacts
from federation.metering.tally import CountedLine, Placer
from federation.metering.verdicts import Terms
from federation.store.base import to_micros
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
LINE = CountedLine("DE", "r", "e-1", "HUB-000001", "https://a.example/1", "TRAIN", 7, to_micros(AT))
KEY = ("HUB-000001", "TRAIN", "DE", "anna", None, "a.example/1")
WEIGHT = 7 * 1_000 * 1_000 * 10_000


def a_claim(node, holder):
    day = date(2026, 1, 1)
    return IndexedClaim(
        node,
        f"{node}-1",
        holder,
        ClaimKey("a.example", "/", wildcard=False),
        day,
        None,
        "standard",
        None,
    )


def a_placer(*claims):
    withheld = an_opt_out("DE", "*", datetime(2026, 9, 1, tzinfo=UTC), claims[0].key, None)
    return Placer(
        here="DE",
        licences={"HUB-000001": LICENCE},
        repertoire={},
        index=ClaimIndex(claims, [withheld]),
        terms=Terms({"standard": 1_000}, {"TRAIN": 1_000}),
        owner_bps={}.__getitem__,
        member_of={"h-anna": "anna", "h-bert": "bert"}.get,
    )


def test_what_a_line_gave_is_taken_back_and_the_case_is_noted():
    placer = a_placer(a_claim("DE", "h-anna"))
    tally = placer.own([])

    left = placer.withdraw(tally, [LINE], {KEY: WEIGHT + 5})

    assert left == []
    assert tally.portions == {KEY: (-WEIGHT, -7)}
    assert tally.verdicts == [(LINE, "RESERVED")]
    assert tally.totals == {
        ("HUB-000001", "a.example/1", "TRAIN", "MATCHED", "anna"): (-1, -7),
        ("HUB-000001", "a.example/1", "TRAIN", "RESERVED", "anna"): (1, 7),
    }


def test_what_lines_rested_on_is_taken_back_with_them():
    placer = a_placer(a_claim("DE", "h-anna"))
    tally = placer.own([])
    logged = replace(LINE, evidence="AGENT_LOGGED")

    placer.withdraw(tally, [logged], {KEY: WEIGHT})

    assert tally.logged == {
        ("HUB-000001", "a.example/1", "TRAIN", "MATCHED", "anna"): (0, -1),
        ("HUB-000001", "a.example/1", "TRAIN", "RESERVED", "anna"): (0, 1),
    }


def test_a_line_whose_claims_have_changed_since_stays_as_it_is():
    another_node = a_placer(a_claim("DE", "h-anna"), a_claim("FR", "h-x"))
    another_member = a_placer(a_claim("DE", "h-anna"), a_claim("DE", "h-bert"))
    for placer in (another_node, another_member):
        tally = placer.own([])

        assert placer.withdraw(tally, [LINE, LINE], {KEY: WEIGHT}) == [LINE, LINE]
        assert (tally.portions, tally.totals, tally.verdicts) == ({}, {}, [])


def test_no_more_is_taken_back_than_was_counted():
    placer = a_placer(a_claim("DE", "h-anna"))
    tally = placer.own([])

    assert placer.withdraw(tally, [LINE, LINE], {KEY: WEIGHT}) == [LINE]
    assert tally.portions == {KEY: (-WEIGHT, -7)}


def test_a_line_that_no_opt_out_is_about_stays_and_the_next_one_is_looked_at():
    """The opt-out is for TRAIN: a line of another use before it, and after it, stands."""
    placer = a_placer(a_claim("DE", "h-anna"))
    since = datetime(2026, 9, 1, tzinfo=UTC)
    optout = an_opt_out("DE", "TRAIN", since, a_claim("DE", "h-anna").key, None)
    placer = replace(
        placer,
        index=ClaimIndex([a_claim("DE", "h-anna")], [optout]),
        terms=Terms({"standard": 1_000}, {"TRAIN": 1_000, "GROUND": 1_000}),
    )
    other = replace(LINE, event_id="e-0", use="GROUND")
    tally = placer.own([])

    left = placer.withdraw(tally, [other, LINE, other], {KEY: WEIGHT})

    assert left == []
    assert tally.verdicts == [(LINE, "RESERVED")]
    assert tally.portions == {KEY: (-WEIGHT, -7)}
