"""I9 to I13 and I17: order, the chain, closed months, events counted once, bank statements."""

import json
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses.urls import normalise_claim
from federation.bankfiles.entries import BankEntry, Place, Statement
from federation.bankstatements.checks import BalanceMismatchError, check_balances
from federation.claimindex.index import ClaimIndex
from federation.ledger.chain import GENESIS, digest_of, link
from federation.ledger.entries import RunName, run_entries
from federation.metering.ingest import Desk, decode_lines, repeated, sort_batch
from federation.metering.tally import CountedLine, Placer
from federation.metering.verdicts import Terms
from federation.settlement.computed import read_run
from federation.settlement.recompute import Corrected, difference
from federation.settlement.run import compute
from federation.settlement.run_document import decode, encode, run_id
from federation.store.base import to_micros
from tests.metering.good_lines import GOOD
from tests.metering.good_lines import LICENCES as KNOWN
from tests.metering.judged import TERMS, a_claim, a_licence
from tests.opt_outs import an_opt_out
from tests.properties.months import (
    PARTIES,
    POSTED_ON,
    balances,
    documents,
    entries_of_month,
    with_rates,
)
from tests.settlement.runs import RATES, build, licence_parts

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
parties = st.sampled_from(PARTIES)


def head(entries):
    found = GENESIS
    for entry in entries:
        found = link(found, digest_of(entry))
    return found


@given(documents, st.randoms(), parties)
def test_i9_shuffled_inputs_give_the_same_run_and_the_same_head(document, random, party):
    rows, licences = list(document.shares_by), list(document.licences.items())
    random.shuffle(rows)
    random.shuffle(licences)
    shuffled = msgspec.structs.replace(document, shares_by=rows, licences=dict(licences))

    assert run_id(encode(shuffled)) == run_id(encode(document))
    assert compute(decode(encode(shuffled))) == compute(document)
    assert head(entries_of_month(shuffled, compute(shuffled), party)) == head(
        entries_of_month(document, compute(document), party)
    )


@given(documents, parties, st.data())
def test_i10_a_head_commits_to_every_entry_and_to_their_order(document, party, data):
    entries = entries_of_month(document, compute(document), party)
    if len(entries) < 2:
        return
    first, second = sorted(data.draw(st.permutations(range(len(entries))))[:2])
    swapped = list(entries)
    swapped[first], swapped[second] = swapped[second], swapped[first]

    assert head(swapped) != head(entries)
    assert head(entries[:first] + entries[first + 1 :]) != head(entries)


def entered(party, document, result, corrects=None):
    return run_entries(
        party=party,
        run=RunName(document.period, "1" * 64 if corrects else "0" * 64, corrects),
        posted_on=POSTED_ON,
        licences=result.licences,
        cleared=result.cleared,
        clearing_currency="EUR",
    )


weights = st.dictionaries(
    st.sampled_from(["DE", "GB", "JP", "~UNMATCHED", "~DISPUTED"]),
    st.integers(1, 10**12),
    min_size=1,
    max_size=5,
)


@given(st.lists(st.tuples(licence_parts, weights), min_size=1, max_size=5), parties)
def test_i11_originals_and_corrections_are_a_recomputation(parts, party):
    published = {name: (rate.date, rate.rate) for name, rate in RATES.items()}
    old = with_rates(build([(*part[:3], part[3] or {"DE": 1}) for part, _ in parts]))
    new = with_rates(build([(*part[:3], other) for part, other in parts]))
    item = Corrected(read_run(encode(old)), read_run(encode(new)))
    moved = difference(item, published)

    original = entered(party, old, item.old.result)
    correction = entered(party, new, moved, corrects="0" * 64)
    from_scratch = entered(party, new, item.new.result)
    assert balances([*original, *correction]) == balances(from_scratch)
    documents_ = [entry.document for entry in (*original, *correction)]
    assert len(set(documents_)) == len(documents_)
    for entry in correction:
        assert {row.meta["corrects_run"] for row in entry.postings} == {"0" * 16}
        assert {row.meta["period"] for row in entry.postings} == {"2026-09"}


pages = st.sampled_from(["a", "b", "c", "wild", "nobody"])

lines = st.lists(
    st.tuples(pages, st.sampled_from(["TRAIN", "INDEX"]), st.integers(1, 10**6)), max_size=20
)

claims = st.sets(st.sampled_from(["a", "b", "c", "both"]))


def placer_of(names, withheld):
    found = [a_claim(f"{name}.example/", holder=f"m-{name}") for name in sorted(names - {"both"})]
    if "both" in names:
        found += [
            a_claim("c.example/", node="FR", holder="f"),
            a_claim("a.example/", holder="m-2"),
        ]
    optouts = [
        an_opt_out("DE", "*", LONG_AGO, normalise_claim(f"{name}.example/"), None)
        for name in sorted(withheld)
    ]
    licence = a_licence(unclaimed="hold")
    return Placer(
        here="DE",
        licences={licence.number: licence},
        repertoire={},
        index=ClaimIndex(found, optouts),
        terms=Terms(TERMS.tier_weight, TERMS.use_weight),
        owner_bps=lambda _: 0,
        member_of=lambda holder: holder,
    )


@given(lines, claims, st.sets(pages))
def test_i12_each_event_is_in_one_class_and_one_total(rows, names, withheld):
    at = to_micros(datetime(2026, 9, 10, 12, tzinfo=UTC))
    events = [
        CountedLine("DE", "r", str(n), "HUB-000001", f"https://{page}.example/x", use, units, at)
        for n, (page, use, units) in enumerate(rows)
    ]
    tally = placer_of(names, withheld).own(events)

    assert [line.event_id for line, _ in tally.verdicts] == [line.event_id for line in events]
    assert sum(count for count, _ in tally.totals.values()) == len(events)
    assert sum(units for _, units in tally.totals.values()) == sum(e.units for e in events)
    for verdict in {verdict for _, verdict in tally.verdicts}:
        counted = [line.units for line, found in tally.verdicts if found == verdict]
        totals = [total for key, total in tally.totals.items() if key[3] == verdict]
        assert sum(count for count, _ in totals) == len(counted)
        assert sum(units for _, units in totals) == sum(counted)


ids = st.sampled_from(["e-1", "e-2", "e-3"])

reported = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "event_id": ids,
            "units": st.sampled_from([0, 1, 7, "3", "x"]),
            "use": st.sampled_from(["TRAIN", "SEARCH", "NONE"]),
            "licence": st.sampled_from(["HUB-000001", "HUB-000002", "HUB-000009"]),
            "occurred_at": st.sampled_from(["2026-09-10T12:00:00Z", "2026-11-10T12:00:00Z", "?"]),
        },
    ),
    max_size=12,
)


@given(reported)
def test_i13_every_line_received_is_accepted_repeated_or_refused_with_a_code(rows):
    body = b"\n".join(json.dumps(GOOD | row).encode() for row in rows)
    uses = ("GROUND", "SEARCH", "TRAIN")
    desk = Desk("site", {row.number: row for row in KNOWN}, None, uses, "2026-09")
    batch = sort_batch(decode_lines(body), desk)
    again = [repeated(line, batch.accepted[line.event_id].content) for line in batch.repeats]

    assert len(batch.accepted) + len(again) + len(batch.refused) == len(rows)
    seen = [*(line.line_no for line in batch.accepted.values()), *(r.line_no for r in again)]
    assert sorted([*seen, *(r.line_no for r in batch.refused)]) == list(range(1, len(rows) + 1))
    assert {refusal.verdict for refusal in batch.refused} <= {"MALFORMED", "UNKNOWN_LICENCE"}
    assert {refusal.verdict for refusal in again} <= {"DUPLICATE", "CONFLICT"}


amounts = st.lists(st.integers(-(10**12), 10**12).filter(bool), max_size=8)


def a_statement(opening, moved, closing):
    place = Place(1, 1)
    entries = tuple(
        BankEntry(
            place=place,
            amount=abs(amount),
            currency="EUR",
            direction="CREDIT" if amount > 0 else "DEBIT",
            status="BOOK",
            booked_on=date(2026, 10, 1),
            value_on=None,
        )
        for amount in moved
    )
    return Statement(
        place=place,
        id="S",
        account="DE89370400440532013000",
        currency="EUR",
        sequence=1,
        page=None,
        from_on=None,
        to_on=None,
        opening=opening,
        closing=closing,
        entries=entries,
    )


@given(st.integers(-(10**12), 10**12), amounts, st.integers(-5, 5))
def test_i17_a_statement_whose_entries_miss_its_closing_balance_is_refused(opening, moved, off):
    statement = a_statement(opening, moved, opening + sum(moved) + off)

    if off:
        with pytest.raises(BalanceMismatchError):
            check_balances(statement, "EUR")
    else:
        check_balances(statement, "EUR")
