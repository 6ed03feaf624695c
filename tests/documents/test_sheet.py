import csv
import io
import json
from datetime import date
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.documents.credits import credit_entry
from federation.documents.sheet import AccountRows, Sheet, SheetError
from federation.documents.writers import credit_note, invoice
from federation.settlement.revenue import (
    allocated,
    allocated_to,
    credited,
    fee_owed,
    recognise,
    still_owed,
)
from federation.values.month import months_of_term
from tests.documents.sheets import a_licence


def rows_of(body):
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def test_an_invoice_asks_for_the_whole_fee():
    sheet = invoice("INV-HUB-000001", a_licence(), date(2026, 8, 31), date(2026, 9, 1))
    found = json.loads(sheet.as_json())
    assert found["due_on"] == "2026-09-01"
    assert found["reference"] == "INV-HUB-000001"
    assert "never rights revenue" in found["vat"]
    assert [(line["component"], line["uses"], line["amount"]) for line in found["lines"]] == [
        ("train", "FINE_TUNE TRAIN", "800000"),
        ("ground", "GROUND", "200001"),
    ]
    assert found["accounts"] == [
        {"currency": "EUR", "rows": [["invoiced", "1000001"], ["closing_to_pay", "1000001"]]}
    ]
    assert found["control"]["lines"] == 2
    assert found["control"]["sums"] == {"EUR": {"amount": "1000001"}}


def test_the_csv_says_the_same_and_hashes_its_lines():
    sheet = invoice("INV-HUB-000001", a_licence(), date(2026, 8, 31), date(2026, 9, 1))
    body = sheet.as_csv()
    rows = rows_of(body)
    header = rows[0]
    assert header[:2] == ["row", "name"]
    assert header[-2:] == ["amount", "amount_minor"]
    lines = [row for row in rows if row[0] == "line"]
    assert [row[-2:] for row in lines] == [["8000.00", "800000"], ["2000.01", "200001"]]
    assert {len(row) for row in rows} == {len(header)}
    raw = b"".join(line for line in body.splitlines(keepends=True) if line.startswith(b"line,"))
    [stated] = [row[2] for row in rows if row[:2] == ["control", "sha256"]]
    assert stated == sha256(raw).hexdigest() == json.loads(sheet.as_json())["control"]["sha256"]
    assert [row[2] for row in rows if row[:2] == ["control", "lines"]] == ["2"]


def test_an_account_that_does_not_add_up_is_not_written():
    with pytest.raises(SheetError):
        AccountRows(currency="EUR", rows={"opening": 1, "received": 2, "closing": 4})


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_control_sums_are_those_of_the_lines(amounts):
    lines = [{"currency": "JPY", "amount": amount} for amount in amounts]
    sheet = Sheet(number="X-1", head={}, texts=("currency",), amounts=("amount",), lines=lines)
    found = json.loads(sheet.as_json())
    assert found["control"]["sums"]["JPY"]["amount"] == str(sum(amounts))
    assert [row[-1] for row in rows_of(sheet.as_csv()) if row[0] == "line"] == [
        str(amount) for amount in amounts
    ]


MONTHS = sorted(months_of_term(date(2026, 9, 1), date(2027, 8, 31)))
ENDS = st.dates(date(2026, 9, 1), date(2027, 8, 31))


@given(st.integers(0, 10**9), ENDS)
def test_what_an_early_end_keeps_and_credits_is_the_fee_and_no_past_month_moves(fee, ended_on):
    whole = a_licence()
    facts = a_licence(ends_on=ended_on, fee_ends_on=whole.ends_on)
    if ended_on == whole.ends_on:
        facts = whole
    kept, back = allocated_to(facts, fee), credited(facts, fee)
    assert sum(kept.values()) + sum(back.values()) == fee
    months = allocated(fee, whole.starts_on, whole.ends_on)
    final = f"{ended_on:%Y-%m}"
    assert all(kept.get(month, 0) == months.get(month, 0) for month in months if month < final)
    assert all(month >= final for month in back)
    assert all(month <= final for month in kept)


@given(ENDS, st.integers(0, 1_200_000))
def test_months_after_an_early_end_recognise_nothing_and_no_money_is_lost(ended_on, received):
    facts = a_licence(ends_on=ended_on, fee_ends_on=date(2027, 8, 31))
    before = {facts.key(item): 0 for item in facts.components}
    for month in MONTHS:
        revenue = recognise(
            facts,
            period=month,
            first_period="2026-09",
            received=received,
            recognised_before=before,
            brought_forward={},
            clearing_fee_bps=0,
            collecting_fee_bps=0,
        )
        assert month <= f"{ended_on:%Y-%m}" or not any(r.allocated for r in revenue.values())
        before = {key: before[key] + revenue[key].recognised for key in before}
    assert sum(before.values()) == min(received, fee_owed(facts))


def test_the_month_it_ended_in_keeps_its_part_by_days():
    facts = a_licence(ends_on=date(2026, 10, 10), fee_ends_on=date(2027, 8, 31))
    months = allocated(365_000, date(2026, 9, 1), date(2027, 8, 31))
    assert months["2026-10"] == 31_000
    assert allocated_to(facts, 365_000) == {"2026-09": 30_000, "2026-10": 10_000}
    assert sum(credited(facts, 365_000).values()) == 325_000


def test_a_credit_note_is_negative_and_leads_to_what_is_still_to_pay():
    facts = a_licence(ends_on=date(2026, 10, 31), fee_ends_on=date(2027, 8, 31))
    parts = {facts.key(item): credited(facts, item.fee) for item in facts.components}
    total = sum(amount for by_month in parts.values() for amount in by_month.values())
    sheet = credit_note(
        "CN-HUB-000001",
        facts,
        date(2026, 10, 5),
        invoice_number="INV-HUB-000007",
        reason="the lab closed",
        credited=parts,
        received=1_000_001,
    )
    found = json.loads(sheet.as_json())
    assert found["corrects"] == "INV-HUB-000007"
    assert found["control"]["sums"]["EUR"]["amount"] == str(-total)
    assert found["accounts"][0]["rows"] == [
        ["opening_invoiced", "1000001"],
        ["credited", str(-total)],
        ["received", "-1000001"],
        ["closing_to_pay", str(-total)],
    ]
    assert still_owed(facts, 1_000_001) == -total
    assert still_owed(facts, 5) == 1_000_001 - total - 5


def test_a_credit_takes_the_unearned_fee_off_what_is_owed():
    facts = a_licence(ends_on=date(2026, 10, 31), fee_ends_on=date(2027, 8, 31))
    parts = {facts.key(item): credited(facts, item.fee) for item in facts.components}
    entry = credit_entry(facts, parts, "CN-HUB-000001", date(2026, 10, 5))
    assert entry.document == "credit/HUB-000001"
    sums = {}
    for posting in entry.postings:
        sums[posting.debit] = sums.get(posting.debit, 0) + posting.amount
        sums[posting.credit] = sums.get(posting.credit, 0) - posting.amount
    total = sum(amount for by_month in parts.values() for amount in by_month.values())
    assert sums == {
        "Liabilities:HUB:Unearned": total,
        "Assets:HUB:NotCollected": 0,
        "Assets:HUB:Receivable": -total,
    }
