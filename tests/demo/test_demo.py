"""What a newcomer sees: the steps in their order, and figures that add up to the cent."""

import hashlib
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import sepaxml
from lxml import etree

from federation.scenario.client import nodes_of
from federation.wording import counted

BEAN_CHECK = Path(sys.executable).with_name("bean-check")
SCHEMA = etree.XMLSchema(
    etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd")
)
DIGITS = {"EUR": 2, "GBP": 2, "JPY": 0}
ORDER = [
    "Admitted: GB",
    "Admitted: DE",
    "Admitted: JP",
    "Quote for Orrery Lab",
    "GB GROUND premium",
    "US GROUND standard not covered",
    "Licence HUB-000001",
    "The node of JP is down",
    "Registered at the other nodes",
    "HUB-000001: DE registered, GB registered, JP pending",
    "Orrery Lab and Little Owl Models each make a client at the node of GB",
    "A token minted by the node of GB opens a page of DE: 200",
    "A token minted by the node of GB opens a page of JP: 200",
    "A bot without a licence is refused: 401 LICENCE_REQUIRED",
    "A work whose author opted out is refused to a licensed crawler too: 403 WITHHELD",
    "The node of JP is back",
    "HUB-000001: DE registered, GB registered, JP registered",
    "The hub suspends HUB-000001: sites of GB, DE, JP refuse it: 402 LICENCE_SUSPENDED",
    "the node of GB gives no other: The licence is suspended until its licensor reinstates it.",
    "The lab hands in what was missing; the hub reinstates HUB-000001",
    "Usage counted",
    "2026-09 is settled: calculated by settlement, approved by another person, approver",
    "The bank orders are written: approver releases each payment, settlement exports it",
    "Who paid",
    "Who earned at GB",
    "Who earned at DE",
    "Who earned at JP",
    "Every currency balances",
    "Written to OUT",
]


def text(minor, currency):
    digits = DIGITS[currency]
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def money(minor, currency):
    return f"{text(minor, currency)} {currency}"


def assert_in_order(expected, lines):
    """Each expected text begins a line, after the line of the one before."""
    rest = iter([line.removeprefix("* ") for line in lines])
    missing = [wanted for wanted in expected if not any(x.startswith(wanted) for x in rest)]

    assert missing == []


def test_without_a_terminal_it_ends_by_itself(runs):
    assert (runs.as_json.code, runs.plain.code) == (0, 0)
    assert runs.plain.stderr == ""


def test_no_reader_is_shown_a_whole_token_or_two_full_stops(runs):
    said = runs.terminal.stdout

    assert re.findall(r"eyJ[\w.-]{9,}", said) == []
    assert [line for line in said.splitlines() if ".." in line.replace("...", "")] == []
    assert not (runs.terminal.out / "people").exists()  # they ended with the servers


def test_on_a_terminal_it_stays_until_ctrl_c(runs):
    assert {item["code"] for item in nodes_of(runs.answer["data"]["applications"])} == {
        "DE",
        "GB",
        "JP",
    }
    assert runs.terminal.code == 0
    assert runs.terminal.lines[-1] == "Stopping."


def test_on_a_terminal_everybody_can_sign_in_to_the_console(runs):
    assert {code for code, _ in runs.pages} == {"HUB", "GB"}
    assert set(runs.pages.values()) == {(200, "Overview")}
    assert len(runs.pages) == 7


def test_each_step_has_its_line_in_order(runs, report):
    assert_in_order(ORDER, runs.as_json.lines)
    assert_in_order(ORDER, runs.plain.lines)
    assert_in_order(
        [step["text"].partition("http")[0] for step in report["steps"]], runs.plain.lines
    )


def test_it_says_the_same_again(runs):
    assert runs.plain.lines == runs.as_json.lines


def test_it_is_readable_at_100_columns(runs):
    assert [line for line in runs.plain.stdout.splitlines() if len(line.rstrip()) > 100] == []
    assert "…" not in runs.plain.stdout


def test_two_people_of_the_hub_admit_each_collective(steps):
    admitted = [step["facts"] for step in steps["admitted"]]

    assert [item["code"] for item in admitted] == ["GB", "DE", "JP"]
    assert {item["state"] for item in admitted} == {"ADMITTED"}
    assert all(item["recommendedBy"] != item["decidedBy"] for item in admitted)


def test_the_quote_is_priced_line_by_line_and_paid_as_quoted(runs, report, steps):
    quote = steps["quote"][0]["facts"]
    expected = [
        f"{line['node']} {line['use']} {line['contentTier']} {line['units']} x"
        f" {money(line['per1000']['minor'], 'EUR')} per 1,000 ="
        f" {money(line['amount']['minor'], 'EUR')}"
        for line in quote["lines"]
    ]
    prices = [int(line["units"]) * int(line["per1000"]["minor"]) / 1000 for line in quote["lines"]]
    fee = int(quote["fee"]["minor"])
    [paid] = [item for item in report["licences"] if item["number"] == "HUB-000001"]

    assert_in_order(expected, runs.as_json.lines)
    assert [int(line["amount"]["minor"]) for line in quote["lines"]] == [round(x) for x in prices]
    assert sum(int(line["amount"]["minor"]) for line in quote["lines"]) == fee == paid["received"]
    assert money(fee, "EUR") in steps["quote"][0]["text"]
    assert [gap["node"] for gap in quote["notCovered"]] == ["US"]


def test_the_node_that_was_down_is_registered_when_it_is_back(steps):
    assert steps["down"][0]["facts"] == {"node": "JP", "is_waiting": True}
    assert steps["registrations"][0]["facts"] == {
        "HUB-000001": {"DE": "REGISTERED", "GB": "REGISTERED", "JP": "PENDING"},
        "GB-000001": {"DE": "REGISTERED", "JP": "PENDING"},
    }
    assert steps["back"][0]["facts"] == {
        "HUB-000001": {"DE": "REGISTERED", "GB": "REGISTERED", "JP": "REGISTERED"},
        "GB-000001": {"DE": "REGISTERED", "JP": "REGISTERED"},
    }


def test_every_visit_a_site_served_is_counted_once(runs, report, steps):
    fetched = steps["crawled"][0]["facts"]["fetched"]
    classes = steps["counted"][0]["facts"]["classes"]

    assert fetched == {"HUB-000001": 28, "GB-000001": 8}
    assert steps["reported"][0]["facts"] == {"visits": 36}
    assert steps["compared"][0]["facts"] == {"units": 35}
    assert classes == report["usage"]
    assert classes == {"MATCHED": [35, 35], "DISPUTED": [1, 1], "other_source": [31, 35]}
    assert all(
        any(
            line.startswith(f"{name} {counted(lines, 'line')} {counted(units, 'unit')}")
            for line in runs.plain.lines
        )
        for name, (lines, units) in classes.items()
    )


def test_each_licence_is_shown_to_the_last_minor_unit(runs, report):
    for item in report["licences"]:
        currency = item["currency"]
        spent = ("later_months", "clearing_fee", "collecting_fee", "carried_forward")
        total = sum(item[name] for name in spent) + sum(x["amount"] for x in item["portions"])
        payer = f"{item['number']}: {item['licensee']} paid {item['licensor']}"
        expected = [
            f"{payer} on 2026-09-01 {money(item['received'], currency)}",
            *(
                f"share of {x['to']} {money(x['amount'], currency)} {x['rate']}"
                f" {money(x['settled'], x['settled_currency'])}"
                for x in item["portions"]
                if x["settled"] is not None
            ),
        ]

        assert_in_order(expected, runs.as_json.lines)
        assert all(
            any(line.endswith(f" {money(item[name], currency)}") for line in runs.as_json.lines)
            for name in spent
            if item[name]
        )
        assert total == item["received"] > 0
    assert [(x["number"], x["currency"]) for x in report["licences"]] == [
        ("GB-000001", "GBP"),
        ("HUB-000001", "EUR"),
    ]


def member_rows(member, currency):
    """The rows of the table for one member."""
    rows = []
    for number, line in enumerate(member["lines"]):
        cells = [
            member["name"] if number == 0 else "",
            line["source"],
            line["licence"] or "",
            line["use"] or "",
            str(line["units"]) if line["licence"] else "",
            text(line["amount"], currency),
            text(member["attributed"], currency) if line is member["lines"][-1] else "",
        ]
        rows.append(" ".join(cell for cell in cells if cell))
    return [*rows, *([f"not paid yet: {member['reason']}"] if member["reason"] else [])]


def test_each_member_sees_why_and_the_table_adds_up(runs, report):
    for part in report["collectives"]:
        currency, members = part["currency"], part["members"]
        together = sum(member["attributed"] for member in members)
        received, domestic = part["received"], part["domestic"]
        came = f"received {text(received, currency)} + domestic {text(domestic, currency)}"
        expected = [
            f"Who earned at {part['code']} {part['name']}, in {currency}",
            *(row for member in members for row in member_rows(member, currency)),
            f"members together {text(together, currency)}",
            f"admin fee {text(part['admin_fee'], currency)}",
            f"= {came} {text(received + domestic, currency)}",
        ]

        assert_in_order(expected, runs.as_json.lines)
        assert together + part["admin_fee"] + sum(part["held"].values()) == received + domestic
        for member in members:
            assert sum(line["amount"] for line in member["lines"]) == member["attributed"]
            assert member["payable"] + member["outstanding"] == member["attributed"] > 0


def test_the_three_plans_and_what_is_held_can_be_seen(report):
    sources = {
        part["code"]: {line["source"] for member in part["members"] for line in member["lines"]}
        for part in report["collectives"]
    }
    held = {part["code"]: part["held"]["DISPUTED"] for part in report["collectives"]}
    reasons = {x["name"]: x["reason"] for part in report["collectives"] for x in part["members"]}

    assert sources == {
        "GB": {"base", "domestic", "received"},
        "DE": {"received"},
        "JP": {"tier"},
    }
    assert held["DE"] > 0
    assert {name for name, reason in reasons.items() if reason} == {"Studio Nordlicht"}


def test_what_was_received_is_where_it_was_put(runs, report):
    lines = " ".join(runs.as_json.lines)
    for balance in report["balances"]:
        currency = balance.pop("currency")
        came = {name: balance.pop(name) for name in ("received", "converted_in")}
        equation = " = ".join(
            " + ".join(
                f"{text(amount, currency)} {name.replace('_', ' ')}"
                for name, amount in side.items()
                if amount or name in {"received", "members"}
            )
            for side in (came, balance)
        )

        assert sum(came.values()) == sum(balance.values())
        assert f"{currency}: {equation}" in lines
    assert [sum(check["violations"] for check in report["checks"].values())] == [0]


def test_the_balances_are_those_of_the_tables(report):
    """Recomputed from the tables: nothing enters a balance that no table shows."""
    settled_in = {part["code"]: part["currency"] for part in report["collectives"]}
    for balance in report["balances"]:
        currency = balance["currency"]
        licences = [item for item in report["licences"] if item["currency"] == currency]
        parts = [part for part in report["collectives"] if part["currency"] == currency]
        own = [x for item in licences for x in item["portions"]]
        foreign = [
            x
            for item in report["licences"]
            for x in item["portions"]
            if item["currency"] != currency and settled_in.get(x["to"]) == currency
        ]

        assert balance == {
            "currency": currency,
            "received": sum(item["received"] for item in licences),
            "converted_in": sum(x["settled"] for x in foreign),
            "clearing_fees": sum(item["clearing_fee"] for item in licences),
            "collecting_fees": sum(item["collecting_fee"] for item in licences),
            "admin_fees": sum(part["admin_fee"] for part in parts),
            "members": sum(x["attributed"] for part in parts for x in part["members"]),
            "outstanding": sum(sum(part["held"].values()) for part in parts),
            "suspense": sum(x["amount"] for x in own if x["to"].startswith("~")),
            "carried_forward": sum(item["carried_forward"] for item in licences),
            "later_months": sum(item["later_months"] for item in licences),
            "converted_out": sum(
                x["amount"] for x in own if settled_in.get(x["to"], currency) != currency
            ),
        }


def test_the_bank_moves_what_is_shown_with_its_rounding(runs, report):
    expected = [
        f"HUB to {part['code']} {money(part['remittance'], part['currency'])}"
        f" {money(part['fx_rounding'], part['currency'])}"
        for part in report["collectives"]
    ]

    assert_in_order(expected, runs.as_json.lines)
    assert {part["code"]: part["fx_rounding"] for part in report["collectives"]} == {
        "GB": -1,
        "DE": 0,
        "JP": 1,
    }


def test_the_files_are_those_it_names(runs, report):
    out = runs.as_json.out

    assert sorted(report["files"]) == sorted(str(out / name) for name in runs.as_json.files)
    assert_in_order(["Written to OUT", *sorted(runs.as_json.files)], runs.as_json.lines)
    assert {name.partition("/")[0] for name in runs.as_json.files} == {
        "journal.beancount",
        "members",
        "payments",
        "report.json",
        "runs",
        "statements",
    }


def test_the_files_are_the_same_again(runs):
    assert runs.plain.files == runs.as_json.files == runs.terminal.files


def test_the_run_is_named_by_the_digest_of_its_file(runs, report):
    assert hashlib.sha256(runs.as_json.files["runs/2026-09.json"]).hexdigest() == report["run_id"]


def test_outside_judges_accept_the_journal_and_the_payments(runs):
    files = runs.as_json.files
    journal = runs.as_json.out / "journal.beancount"
    answer = subprocess.run([BEAN_CHECK, journal], capture_output=True, check=False)

    assert (answer.returncode, answer.stdout + answer.stderr) == (0, b"")
    payments = [body for name, body in files.items() if name.startswith("payments/")]
    assert len(payments) == 3
    for body in payments:
        SCHEMA.assertValid(etree.fromstring(body))


def test_a_scenario_run_of_the_same_files_pays_the_same(runs):
    """No sites, no quote, no failure: the same licences and usage, and so the same money."""
    played, read = (
        json.loads(run.files["report.json"])["periods"]["2026-09"]
        for run in (runs.as_json, runs.scenario)
    )

    assert runs.scenario.code == 0
    assert played == read
