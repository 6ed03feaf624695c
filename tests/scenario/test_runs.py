"""Whole federations over real HTTP: right to the cent, the same bytes however they are run."""

import asyncio
import csv
import io
import json
import random
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import sepaxml
from lxml import etree

from federation.cli.check import check_run
from federation.money import exponent
from federation.scenario.runner import run_scenario
from federation.settlement.run import compute, document_rates, received_by
from federation.settlement.run_document import decode
from tools.known_answers import differences

VECTORS = Path(__file__).parents[1] / "vectors"
ALWAYS = ("9003",)
NAMES = [
    path.name if path.name in ALWAYS else pytest.param(path.name, marks=pytest.mark.slow)
    for path in sorted(VECTORS.iterdir())
    if path.is_dir()
]
PAYMENT_FILES = {
    "9001": 0,
    "9002": 2,
    "9003": 1,
    "9004": 4,
    "9005": 4,
    "9006": 2,
    "9007": 6,
    "9008": 5,
    "9101": 0,
    "9102": 0,
    "9103": 6,
}
BIN = Path(sys.executable).parent
PAIN = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"


def run(folder: Path, out: Path, *, processes: bool = False) -> dict[str, bytes]:
    asyncio.run(run_scenario(folder, out, processes=processes, say=lambda _: None))
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


class Results(dict[str, dict[str, bytes]]):
    """The files of each known federation, run when they are first asked for."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        super().__init__()
        self._factory = factory

    def __missing__(self, name: str) -> dict[str, bytes]:
        self[name] = run(VECTORS / name, self._factory.mktemp(name))
        return self[name]


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    return Results(tmp_path_factory)


@pytest.mark.parametrize("name", NAMES)
def test_a_known_federation_is_right_to_the_last_minor_unit(results, name):
    expected = json.loads((VECTORS / name / "expected.json").read_text(encoding="utf-8"))
    found = json.loads(results[name]["report.json"])

    assert differences(expected["periods"], found["periods"]) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_invariant_says_how_much_it_examined_and_finds_nothing(results, name):
    periods = json.loads(results[name]["report.json"])["periods"]

    for period in periods.values():
        assert len(period["checks"]) == 26
        assert {check["violations"] for check in period["checks"].values()} == {0}
    assert sum(check["examined"] for p in periods.values() for check in p["checks"].values()) > 100


@pytest.mark.parametrize("name", NAMES)
def test_a_run_file_alone_gives_shares_nets_and_remittances_again(results, name):
    periods = json.loads(results[name]["report.json"])["periods"]

    for period, report in periods.items():
        found = check_run(results[name][f"runs/{period}.json"])
        numbers = {
            item["number"]: key.partition("/")[0] for key, item in report["licences"].items()
        }
        assert found.run_id == report["run_id"]
        assert found.violations == []
        assert found.result.remittances == {
            code: node["remittance"] for code, node in report["nodes"].items()
        }
        for key, licence in found.result.licences.items():
            number, slash, component = key.partition("/")
            stated = report["licences"][numbers[number] + slash + component]["shares"]
            assert {k: v for k, v in licence.shares.items() if v} == stated


@pytest.mark.parametrize("name", NAMES)
def test_a_nodes_exchange_account_keeps_only_what_it_must_sell(results, name):
    """What it owes or keeps of licences in another currency than its own, against that in its own.

    The currency it got for such licences is to be sold (credit), its own to be bought (debit);
    everything else is restated at the approval, so nothing else is left, to the last unit.
    """
    expected = defaultdict(lambda: defaultdict(int))
    for path, body in results[name].items():
        if path.startswith("runs/"):
            document = decode(body)
            result, rates = compute(document), document_rates(document)
            for code, terms in document.collectives.items():
                own = terms.settlement_currency
                to_sell = foreign_amounts(result, code, own)
                for amounts in to_sell:
                    for currency, amount in amounts.items():
                        expected[code][currency] -= amount
                        expected[code][own] += rates.convert(amount, currency, own)

    codes = {code for code, amounts in expected.items() if any(amounts.values())}
    found = exchange_accounts(results[name]["journal.beancount"].decode())
    assert {code: amounts for code, amounts in found.items() if code != "HUB"} == {
        code: {currency: amount for currency, amount in expected[code].items() if amount}
        for code in codes
    }


def foreign_amounts(result, code, own):
    """Return what a node owes, and what it keeps, of its licences in foreign currencies."""
    owed, kept = defaultdict(int), defaultdict(int)
    for row in result.obligations:
        if row.debtor == code and row.currency != own:
            owed[row.currency] += row.amount
    for _, currency, amount in received_by(result.licences, code)[1]:
        if currency != own:
            kept[currency] += amount
    return owed, kept


def exchange_accounts(journal):
    """Return {party: {currency: balance}} of the exchange accounts that are not empty."""
    found = defaultdict(dict)
    for line in journal.splitlines():
        words = line.split()
        if words[1:2] == ["balance"] and words[2].endswith(":Clearing"):
            minor = int(words[3].replace(".", ""))
            if minor:
                found[words[2].split(":")[1]][words[-1]] = minor
    return dict(found)


@pytest.mark.slow
def test_shuffled_rows_give_the_same_bytes(results, tmp_path):
    folder = tmp_path / "shuffled"
    shutil.copytree(VECTORS / "9002", folder)
    order = random.Random(20261122)
    for file in folder.glob("*.csv"):
        header, *rows = file.read_text(encoding="utf-8").splitlines()
        order.shuffle(rows)
        file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    assert run(folder, tmp_path / "out") == results["9002"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["9003", "9006"])
def test_servers_as_processes_give_the_same_bytes(results, name, tmp_path):
    assert run(VECTORS / name, tmp_path / "out", processes=True) == results[name]


def test_beancount_accepts_the_journal_and_refuses_it_after_one_unit_is_changed(results, tmp_path):
    file = tmp_path / "journal.beancount"
    text = results["9003"]["journal.beancount"].decode()
    amounts = [
        i for i, line in enumerate(text.splitlines()) if line.startswith("  ") and ": " not in line
    ]
    file.write_text(text, encoding="utf-8")
    accepted = subprocess.run([BIN / "bean-check", file], capture_output=True, check=False)
    assert accepted.returncode == 0, accepted.stderr

    picked = random.Random(7).sample(amounts, 12)
    for number in picked:
        lines = text.splitlines()
        account, amount, currency = lines[number].split()
        digits = exponent(currency)
        minor = int(amount.replace(".", "")) + 1
        changed = f"{minor / 10**digits:.{digits}f}"
        lines[number] = f"  {account}  {changed} {currency}"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        refused = subprocess.run([BIN / "bean-check", file], capture_output=True, check=False)
        assert refused.returncode == 1, lines[number]


@pytest.mark.parametrize("name", NAMES)
def test_every_payment_file_is_valid_and_has_its_currencys_decimals(results, name):
    schema_file = Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"
    schema = etree.XMLSchema(etree.parse(str(schema_file)))
    files = {path: body for path, body in results[name].items() if path.startswith("payments/")}

    assert len(files) == PAYMENT_FILES[name]
    for place, body in files.items():
        document = etree.fromstring(body)
        assert schema.validate(document), (place, schema.error_log)
        for amount in document.iter(f"{PAIN}InstdAmt"):
            whole, _, fraction = amount.text.partition(".")
            assert whole.isdigit()
            assert len(fraction) == exponent(amount.get("Ccy")), place


@pytest.mark.slow
def test_a_debtor_without_an_account_has_no_file_and_holds_nobody_up(results, tmp_path):
    files = run(without_account(tmp_path, "Collective GB"), tmp_path / "out")

    expected = payments_in(results["9103"])
    assert {"GB-HUB-2026-08.xml", "GB-HUB-2026-09.xml"} < expected.keys()
    assert payments_in(files) == {
        name: orders for name, orders in expected.items() if not name.startswith("GB-")
    }


@pytest.mark.slow
def test_a_hub_without_an_account_neither_pays_nor_is_paid(tmp_path):
    files = run(without_account(tmp_path, "[hub]"), tmp_path / "out")

    assert payments_in(files) == {}
    assert files["report.json"].count(b'"violations": 0') == 3 * 26


def without_account(tmp_path, party):
    """Copy a scenario without the account of the hub or of one of its collectives."""
    folder = tmp_path / "scenario"
    shutil.copytree(VECTORS / "9103", folder)
    file = folder / "scenario.toml"
    head, mark, tail = file.read_text(encoding="utf-8").partition(party)
    before, _, rest = tail.partition("account = ")
    file.write_text(head + mark + before + rest.partition("\n")[2], encoding="utf-8")
    return folder


def payments_in(files):
    """Return {file: {EndToEndId: (currency, amount)}} of a run's payment files."""
    return {
        place.removeprefix("payments/"): {
            item.findtext(f".//{PAIN}EndToEndId"): (amount.get("Ccy"), amount.text)
            for item in etree.fromstring(body).iter(f"{PAIN}CdtTrfTxInf")
            for amount in item.iter(f"{PAIN}InstdAmt")
        }
        for place, body in files.items()
        if place.startswith("payments/")
    }


@pytest.mark.parametrize("name", NAMES)
def test_members_files_add_up_to_what_the_report_attributes(results, name):
    found = results[name]
    for period, report in json.loads(found["report.json"])["periods"].items():
        for code, node in report["nodes"].items():
            rows = csv.DictReader(io.StringIO(found[f"members/{code}-{period}.csv"].decode()))
            sums: dict[str, int] = {}
            for row in rows:
                amount = int(row["attributed_minor"])
                sums[row["member_id"]] = sums.get(row["member_id"], 0) + amount
            assert {k: v for k, v in sums.items() if v} == node["members"], (name, code)
