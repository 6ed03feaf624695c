import csv
import io
import json
from collections import defaultdict
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.documents.statement_files import AMOUNTS, COLUMNS, statement_csv, statement_json
from federation.documents.statements import (
    DEDUCTIONS,
    StatementError,
    StatementInputs,
    build_statement,
)
from federation.settlement import run_document as rd
from federation.settlement.arithmetic import largest_remainder
from federation.settlement.run import compute
from federation.tabular import read_table
from tests.documents.statements import (
    GB_LICENCE,
    RUN_ID,
    a_document,
    a_licence,
    a_statement,
    currencies,
    uses,
)
from tests.settlement.reference_scenario import walk

VECTORS = Path(__file__).parents[1] / "vectors"


MINOR = tuple(f"{name}_minor" for name in AMOUNTS)


HUB_LICENCE = a_document(
    {"HUB-000001": a_licence("HUB")}, [("HUB-000001", "GB", 3), ("HUB-000001", "JP", 7)]
)


def brief(line):
    return (
        f"{line.debtor}>{line.creditor} {line.licence}/{line.component} {line.use}",
        line.units,
        line.weight,
        (line.gross, line.clearing_fee, line.collecting_fee, line.admin_fee, line.net),
        f"{line.currency} {line.rate} {line.rate_date}",
        line.net_settlement,
    )


def test_a_share_from_the_hub_shows_the_way_from_gross_to_what_members_get():
    statement = a_statement(
        HUB_LICENCE,
        "GB",
        uses={"HUB-000001": {"TRAIN": 2, "GROUND": 1}},
        units={"HUB-000001": {"TRAIN": 20}},
    )

    assert [brief(line) for line in statement.lines] == [
        (
            "HUB>GB HUB-000001/ GROUND",
            None,
            1,
            (10_000, -300, 0, 0, 9700),
            "EUR 0.8338 2026-09-30",
            8088,
        ),
        (
            "HUB>GB HUB-000001/ TRAIN",
            20,
            2,
            (20_000, -600, 0, 0, 19_400),
            "EUR 0.8338 2026-09-30",
            16_176,
        ),
        ("HUB>GB HUB-000001/ GROUND", None, None, (0, 0, 0, -970, -970), "GBP 1 ", -970),
        ("HUB>GB HUB-000001/ TRAIN", None, None, (0, 0, 0, -1941, -1941), "GBP 1 ", -1941),
    ]
    assert statement.account == {
        "opening": 0,
        "received": 24_264,
        "owed": 0,
        "fx_rounding": 0,
        "remitted": 0,
        "closing": 24_264,
    }
    assert statement.for_members == 24_264 - 2911


def test_a_licensor_sees_its_own_share_and_what_it_owes_others_and_the_hub():
    statement = a_statement(GB_LICENCE, "GB", opening=70, remitted=-29_600)

    assert [brief(line) for line in statement.lines] == [
        (
            "GB>GB GB-000001/text ",
            None,
            5,
            (50_000, -500, -5000, 0, 44_500),
            "EUR 0.8338 2026-09-30",
            37_104,
        ),
        (
            "GB>JP GB-000001/text ",
            None,
            4,
            (-35_600, 0, 0, 0, -35_600),
            "EUR 0.8338 2026-09-30",
            -29_683,
        ),
        (
            "GB>HUB GB-000001/text ",
            None,
            None,
            (0, -1000, 0, 0, -1000),
            "EUR 0.8338 2026-09-30",
            -834,
        ),
    ]
    assert statement.account == {
        "opening": 70,
        "received": 0,
        "owed": -30_517,
        "fx_rounding": 0,
        "remitted": 29_600,
        "closing": -847,
    }
    assert statement.for_members == 37_104


def test_both_sides_of_a_share_state_the_same_net_and_the_creditor_what_was_taken_before():
    (line, admin_fee) = a_statement(GB_LICENCE, "JP").lines

    assert brief(line)[3:] == (
        (40_000, -400, -4000, 0, 35_600),
        "EUR 184.21 2026-09-29",
        65_579,
    )
    assert brief(admin_fee)[3:] == ((0, 0, 0, -7869, -7869), "JPY 1 ", -7869)


def test_a_cross_rate_names_both_published_rates_and_both_days():
    document = a_document(
        {
            "HUB-000001": a_licence("HUB", currency="USD"),
            "GB-000001": a_licence("GB", currency="JPY"),
        },
        [("HUB-000001", "GB", 1), ("HUB-000001", "DE", 1), ("GB-000001", "GB", 1)],
    )

    lines = a_statement(document, "GB").lines
    (german, _) = a_statement(document, "DE").lines

    assert {(line.currency, line.rate, line.rate_date) for line in lines} == {
        ("USD", "0.8338/1.1355", "2026-09-30"),
        ("JPY", "0.8338/184.21", "2026-09-30/2026-09-29"),
        ("GBP", "1", ""),
    }
    assert (german.rate, german.rate_date) == ("1/1.1355", "2026-09-30")


def test_what_conversion_leaves_is_a_row_of_its_own():
    document = a_document(
        {"GB-000001": a_licence("GB", currency="GBP", fee=110)},
        [("GB-000001", "GB", 1), ("GB-000001", "JP", 1)],
    )

    # 49 pence are 108.26 yen, but they clear as 59 cents, and those are 108.68 yen.
    line, admin_fee = a_statement(document, "JP").lines
    assert (line.net, line.net_settlement, admin_fee.net_settlement) == (49, 108, -12)
    assert a_statement(document, "JP").account == {
        "opening": 0,
        "received": 108,
        "owed": 0,
        "fx_rounding": 1,
        "remitted": 0,
        "closing": 109,
    }
    assert [(x.creditor, x.net, x.net_settlement) for x in a_statement(document, "GB").lines] == [
        ("GB", 49, 49),
        ("JP", -49, -49),
        ("HUB", -1, -1),
    ]


def test_what_clears_to_nothing_needs_no_rate_and_settles_nothing():
    document = a_document(
        {"GB-000001": a_licence("GB", currency="KWD", fee=1)},
        [("GB-000001", "DE", 1)],
    )

    (line,) = a_statement(document, "GB").lines

    # A thousandth of a dinar is a third of a cent.
    assert set(document.rates) == {"KWD"}
    assert (line.net, line.net_settlement, line.rate, line.rate_date) == (-1, 0, "", "")


def test_a_node_without_lines_gets_a_valid_statement():
    statement = a_statement(HUB_LICENCE, "DE", opening=5)

    rows = list(csv.DictReader(io.StringIO(statement_csv(statement).decode(), newline="")))
    assert [(row["use"], row["net_settlement"], row["units"]) for row in rows] == [
        ("opening", "0.05", ""),
        ("received", "0.00", ""),
        ("owed", "0.00", ""),
        ("fx_rounding", "0.00", ""),
        ("remitted", "0.00", ""),
        ("closing", "0.05", ""),
        ("control_for_members", "0.00", ""),
        ("control_lines", "", "0"),
        ("control_sha256", "", ""),
    ]


def test_the_csv_states_every_amount_twice_and_ends_with_its_totals():
    data = statement_csv(a_statement(GB_LICENCE, "JP"))

    header, *rows = data.decode().split("\r\n")
    assert header == (
        "statement_no,period,service_period,debtor,creditor,licence,component,use,units,weight,"
        "gross,clearing_fee,collecting_fee,admin_fee,tax_withheld,other_deduction,net,currency,"
        "rate,rate_date,net_settlement,run_id,corrects,gross_minor,clearing_fee_minor,"
        "collecting_fee_minor,admin_fee_minor,tax_withheld_minor,other_deduction_minor,net_minor,"
        "net_settlement_minor"
    )
    line, admin_fee, *totals = rows
    assert line == (
        "JP-1,2026-09,2026-09,GB,JP,GB-000001,text,,,4,400.00,-4.00,-40.00,0.00,0.00,0.00,356.00,"
        f"EUR,184.21,2026-09-29,65579,{RUN_ID},,40000,-400,-4000,0,0,0,35600,65579"
    )
    assert admin_fee == (
        "JP-1,2026-09,2026-09,GB,JP,GB-000001,text,,,,0,0,0,-7869,0,0,-7869,"
        f"JPY,1,,-7869,{RUN_ID},,0,0,0,-7869,0,0,-7869,-7869"
    )
    digest = sha256(f"{line}\r\n{admin_fee}\r\n".encode()).hexdigest()
    assert totals == [
        *(
            f"JP-1,2026-09,,,,,,{label},,,,,,,,,,JPY,,,{amount},{RUN_ID},,,,,,,,,{amount}"
            for label, amount in (
                ("opening", 0),
                ("received", 65_579),
                ("owed", 0),
                ("fx_rounding", 0),
                ("remitted", 0),
                ("closing", 65_579),
                ("control_for_members", 57_710),
            )
        ),
        f"JP-1,2026-09,,,,,,control_lines,2,,,,,,,,,,,,,{RUN_ID},,,,,,,,,",
        (
            f"JP-1,2026-09,,,,,,control_sum,,,400.00,-4.00,-40.00,0.00,0.00,0.00,356.00,EUR,,,65579,"
            f"{RUN_ID},,40000,-400,-4000,0,0,0,35600,65579"
        ),
        (
            f"JP-1,2026-09,,,,,,control_sum,,,0,0,0,-7869,0,0,-7869,JPY,,,-7869,"
            f"{RUN_ID},,0,0,0,-7869,0,0,-7869,-7869"
        ),
        f"JP-1,2026-09,,,,,{digest},control_sha256,,,,,,,,,,,,,,{RUN_ID},,,,,,,,,",
        "",
    ]


def test_the_json_is_canonical_and_says_the_same():
    statement = a_statement(GB_LICENCE, "JP")
    data = statement_json(statement)
    rows = list(csv.DictReader(io.StringIO(statement_csv(statement).decode(), newline="")))

    document = json.loads(data)
    assert data == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    assert list(document["lines"][0]) == sorted(COLUMNS)
    assert document["lines"][0]["net"] == "35600"
    assert document["lines"][0]["units"] is None
    assert document["decimals"] == {"EUR": 2, "JPY": 0}
    assert document["account"]["closing"] == "65579"
    assert document["control"] == {
        "lines": 2,
        "sums": {
            row["currency"]: {name: row[f"{name}_minor"] for name in AMOUNTS}
            for row in rows
            if row["use"] == "control_sum"
        },
        "for_members": "57710",
        "sha256": rows[-1]["component"],
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"net": 35_601}, "net is not the sum"),
        ({"gross": 40_001}, "net is not the sum"),
        ({"gross": 39_500, "clearing_fee": 100}, "positive"),
        ({"creditor": "DE"}, "another party's"),
        ({"period": "2026-10"}, "another statement's"),
        ({"run_id": "cd" * 32}, "another statement's"),
        ({"admin_fee": -100, "net": 35_500}, "differs from itself"),
        ({"currency": "JPY"}, "differs from itself"),
        ({"net_settlement": 65_580}, "'received': 65580"),
    ],
)
def test_a_statement_with_a_wrong_line_is_refused(changes, reason):
    statement = a_statement(GB_LICENCE, "JP")
    first, *others = statement.lines

    with pytest.raises(StatementError, match=reason) as refusal:
        replace(statement, lines=[replace(first, **changes), *others])

    assert refusal.value.code == "STATEMENT_DOES_NOT_ADD_UP"


@pytest.mark.parametrize("field", ["opening", "fx_rounding", "remitted", "closing"])
def test_a_statement_whose_account_does_not_add_up_is_refused(field):
    statement = a_statement(GB_LICENCE, "JP")

    with pytest.raises(StatementError):
        replace(statement, **{field: getattr(statement, field) + 1})


def test_a_positive_deduction_is_a_reversal_and_says_of_what():
    statement = a_statement(GB_LICENCE, "JP")
    first, *others = statement.lines
    reversal = replace(first, gross=39_500, clearing_fee=100, corrects="cd" * 32)

    assert replace(statement, lines=[reversal, *others]).closing == statement.closing


def test_a_result_of_another_run_is_refused():
    inputs = StatementInputs(
        document=HUB_LICENCE,
        result=replace(compute(HUB_LICENCE), income=compute(GB_LICENCE).income),
        run_id=RUN_ID,
        node="GB",
        statement_no="GB-1",
        use_weights={},
        use_units={},
    )

    with pytest.raises(StatementError, match="income"):
        build_statement(inputs)


def statements_of(document, uses=None):
    return {
        node: a_statement(document, node, uses=(uses or {}).get(node))
        for node in document.collectives
    }


def lines_of(data):
    return [
        {**row.values, **{name: int(row.values[name]) for name in MINOR}}
        for row in read_table(data, required=[*COLUMNS, *MINOR])
        if row.get("licence")
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in VECTORS.iterdir() if path.is_dir()))
def test_statements_come_to_the_known_answers_and_to_the_licences_totals(name):
    for period, report in walk(VECTORS / name).items():
        document = rd.decode(report["data"])
        result = compute(document)
        statements = statements_of(document)
        for node, statement in statements.items():
            expected = report["nodes"][node]
            lines = lines_of(statement_csv(statement))
            assert all(line["period"] == period for line in lines)
            assert all(
                line["net_minor"] == sum(line[f"{n}_minor"] for n in ("gross", *DEDUCTIONS))
                for line in lines
            )
            assert sum(x["net_settlement_minor"] for x in lines if x["creditor"] == node) == (
                expected["received"] + expected["domestic"] - expected["admin_fee"]
            )
            assert sum(x["admin_fee_minor"] for x in lines) == -expected["admin_fee"]
            assert statement.closing == expected["remittance"]
        assert_licences_add_up(result, statements.values())
        assert_both_sides_agree(statements)


def assert_licences_add_up(result, statements):
    """Hold what nodes earned, and what licensors still hold, against each licence's totals."""
    sums = defaultdict(lambda: defaultdict(int))
    for line in (line for s in statements for line in s.lines if line.creditor == s.node):
        key = f"{line.licence}/{line.component}" if line.component else line.licence
        for name in ("gross", "clearing_fee", "collecting_fee", "net") * (not line.admin_fee):
            sums[key][name] += getattr(line, name)
    for key, licence in result.licences.items():
        revenue = licence.revenue
        held = sum(a for party, a in licence.shares.items() if party.startswith("~"))
        assert sums[key]["net"] + held + licence.carried_forward == revenue.distributable
        if not held and not licence.carried_forward and revenue.distributable:
            assert sums[key]["gross"] == revenue.recognised + revenue.brought_forward
            assert sums[key]["clearing_fee"] == -revenue.clearing_fee
            assert sums[key]["collecting_fee"] == -revenue.collecting_fee


def assert_both_sides_agree(statements):
    stated = defaultdict(int)
    for line in (line for statement in statements.values() for line in statement.lines):
        if line.debtor in statements and line.creditor in statements and not line.admin_fee:
            stated[line.debtor, line.creditor, line.licence, line.component] += line.net
    # What one statement adds, the other takes away.
    assert [where for where, net in stated.items() if net and where[0] != where[1]] == []


amounts = st.integers(0, 10**9) | st.integers(0, 60)


@st.composite
def documents(draw):
    licensors = draw(st.sets(st.sampled_from(["HUB", "GB", "JP"]), min_size=1))
    licences = {
        f"{licensor}-000001": a_licence(
            licensor, currency=draw(currencies), fee=draw(amounts), brought=draw(amounts)
        )
        for licensor in licensors
    }
    parties = st.sampled_from(["GB", "JP", "DE", "~UNMATCHED", "~DISPUTED"])
    shares = [
        (number, party, draw(st.integers(1, 10**6)))
        for number in sorted(licences)
        for party in sorted(draw(st.sets(parties)))
    ]
    return a_document(licences, shares, {node: draw(currencies) for node in ("GB", "JP", "DE")})


@given(documents(), uses, st.randoms(use_true_random=False))
def test_every_statement_adds_up_whatever_was_used(document, by_use, chance):
    result = compute(document)
    weights = {node: dict.fromkeys(result.licences, by_use) for node in document.collectives}
    statements = statements_of(document, weights)

    for node, statement in statements.items():
        income = result.income[node]
        admin_fee = income.received * 1200 // 10_000
        assert statement.for_members == income.received - admin_fee + income.domestic
        assert statement.closing == result.remittances[node]
        assert all(
            (line.net >= 0) == (line.creditor == node and not line.admin_fee)
            for line in statement.lines
            if line.net
        )
        shuffled = list(statement.lines)
        chance.shuffle(shuffled)
        again = replace(statement, lines=shuffled)
        assert statement_csv(again) == statement_csv(statement)
        assert statement_json(again) == statement_json(statement)
    assert_licences_add_up(result, statements.values())
    assert_both_sides_agree(statements)


def test_uses_are_split_by_largest_remainder_in_the_scope_of_node_and_licence():
    document = a_document(
        {"HUB-000001": a_licence("HUB", components=("train",), fee=1000)},
        [("HUB-000001/train", "GB", 1)],
    )
    weights = {"TRAIN": 1, "GROUND": 1, "INDEX": 1, "SEARCH": 0}

    statement = a_statement(document, "GB", uses={"HUB-000001/train": weights})

    scope = "2026-09/GB/HUB-000001/train/use"
    lines = [line for line in statement.lines if not line.admin_fee]
    assert {x.use: x.net for x in lines} == largest_remainder(970, weights, scope=scope)
    assert sorted(x.net for x in lines) == [323, 323, 324]
    assert {x.use: -x.clearing_fee for x in lines} == largest_remainder(30, weights, scope=scope)
    assert [x.gross - x.net for x in lines] == [10, 10, 10]
