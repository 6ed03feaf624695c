"""Each invariant of a settled month is broken on purpose, and is the one that says so."""

import asyncio
import dataclasses
import itertools
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from federation.cli.check import check_server
from federation.scenario.reading import read_scenario
from federation.scenario.servers import Running, in_process
from federation.scenario.story import Story, day_before_everything, first_instant_after
from federation.settlement import check
from federation.settlement.run import compute
from federation.settlement.run_document import decode, encode

FOLDER = Path(__file__).parents[1] / "vectors" / "9008"
PERIOD = "2026-09"

RECOGNISED = """WHERE id = (
  SELECT min(p.id) FROM settlement_posting p JOIN settlement_entry e ON e.id = p.entry_id
  WHERE e.document LIKE 'run/2026-09/%' AND p.debit LIKE '%:Unearned')"""

ONE_MORE = "attributed = attributed + 1, outstanding = outstanding + 1"

# What is done to a server's rows behind its back, and which invariant then speaks up.
BREAKS = {
    "usage_conserved": ("HUB", "UPDATE metering_report SET period = 'x' || period"),
    "journal_zero_sum": ("HUB", "UPDATE settlement_posting SET credit = debit WHERE id = 1"),
    "journal_matches_run": (
        "HUB",
        f"UPDATE settlement_posting SET amount = amount + 1 {RECOGNISED}",
    ),
    "held_adds_up": (None, "UPDATE settlement_held_item SET amount = amount + 1"),
    "payment_exponent": ("HUB", "UPDATE settlement_payment SET amount = '-1'"),
    "distribution_conserved": (None, "UPDATE settlement_distribution SET received = received + 1"),
    "member_lines_add_up": (None, f"UPDATE settlement_member_balance SET {ONE_MORE}"),
    "balances_add_up": (None, "UPDATE settlement_member_balance SET outstanding = outstanding + 1"),
    "lines_conserved": (None, "UPDATE metering_routed_line SET units = units + 1"),
    "lines_counted_once": (None, "UPDATE metering_total SET lines = lines + 1"),
    "posted_as_computed": (
        "HUB",
        (
            "UPDATE settlement_posting SET credit = 'Liabilities:HUB:Due:XX' "
            "WHERE credit LIKE 'Liabilities:HUB:Due:%'"
        ),
    ),
    "disputed_in_suspense": (
        None,
        (
            "UPDATE settlement_posting SET currency = 'SEK' "
            "WHERE credit LIKE '%:Suspense:Unmatched' OR credit LIKE '%:Suspense:Disputed'"
        ),
    ),
    "rates_as_published": ("HUB", "UPDATE settlement_rate SET rate = rate || '1'"),
}

# These look at all there is: `federation check` says so, not the report of a month.
LIVE_BREAKS = {
    "ledger_sums_to_zero": (
        "HUB",
        "UPDATE settlement_posting SET credit = 'Liabilities:DE:Unearned' WHERE id = 1",
    ),
    "amounts_are_integers": ("HUB", "UPDATE settlement_payment SET amount = amount || '.0'"),
    "journal_chained": ("HUB", "UPDATE settlement_entry SET narration = 'other' WHERE id = 2"),
    "period_heads_chained": ("HUB", "UPDATE settlement_ledger_head SET opening = head"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict[str, list[str]]]:
    """Settle two months once; per break, what the servers then say (the rows are put back)."""
    return asyncio.run(_settle_and_break(tmp_path_factory.mktemp("invariants")))


async def _settle_and_break(folder: Path) -> dict[str, dict[str, list[str]]]:
    scenario = read_scenario(FOLDER)
    answers = {}
    async with in_process(scenario, folder, day_before_everything(scenario)) as federation:
        story = Story(scenario, federation)
        await story.join()
        await story.register()
        await story.sell()
        for period in scenario.manifest.periods[:2]:
            federation.set_clock(first_instant_after(period))
            if period == scenario.manifest.periods[0]:
                await story.publish_rates()
            await story.settle(period)
        await story.settle_down()  # documents and lists follow; who writes would lock us out
        answers["nothing"] = await _violations(federation.servers)
        for name, (party, statement) in {**BREAKS, **LIVE_BREAKS}.items():
            servers = federation.nodes.values() if party is None else [story.issuer(party)]
            files = [server.config.data_dir / "federation.sqlite" for server in servers]
            kept = [_run(file, statement) for file in files]
            answers[name] = await _violations(servers)
            for file, before in zip(files, kept, strict=True):
                _restore(file, before)
        answers["at the end"] = await _violations(federation.servers)
    return answers


def _run(file: Path, statement: str) -> dict[str, list[tuple]]:
    """Change rows as nobody should be able to; return the table as it was."""
    table = statement.split()[1]
    with sqlite3.connect(file) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        ).fetchall()
        before = connection.execute(f"SELECT * FROM {table}").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)
    connection.close()
    return {table: before, "triggers": triggers}


def _restore(file: Path, before: dict[str, list[tuple]]) -> None:
    triggers = before.pop("triggers")
    ((table, rows),) = before.items()
    with sqlite3.connect(file) as connection:
        connection.execute(f"DELETE FROM {table}")
        for row in rows:
            marks = ",".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        for _, sql in triggers:
            connection.execute(sql)
    connection.close()


async def _violations(servers: Iterable[Running]) -> dict[str, list[str]]:
    """Return {invariant: violations} over these servers; only those that found something.

    What `federation check` found stands under `live <invariant>`.
    """
    wrong: dict[str, list[str]] = {}
    for server in servers:
        for finding in (await check_server(server.config)).findings:
            if finding.wrong:
                wrong.setdefault(f"live {finding.invariant.name}", []).extend(finding.wrong)
        report = json.loads(await server.person("auditor").get(f"/files/report/{PERIOD}.json"))
        for name, item in report["checks"].items():
            if item["violations"]:
                wrong.setdefault(name, []).extend(item["violations"])
    return wrong


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_invariant_is_named_by_the_report_and_by_a_check_of_the_server(found, name):
    assert name in found[name]
    assert f"live {name}" in found[name]


@pytest.mark.parametrize("name", LIVE_BREAKS)
def test_a_broken_invariant_of_the_books_is_named_by_a_check_of_the_server(found, name):
    assert f"live {name}" in found[name]


def test_whatever_is_changed_in_the_journal_breaks_its_chain(found):
    changed = [name for name, (_, text) in {**BREAKS, **LIVE_BREAKS}.items() if "_posting" in text]

    assert len(changed) == 5
    assert all("live journal_chained" in found[name] for name in changed)


def test_nothing_is_named_while_nothing_is_broken(found):
    assert found["nothing"] == {}
    assert found["at the end"] == {}


def _document() -> bytes:
    result = Path(__file__).parent / "run.json"
    return result.read_bytes()


def _with(result, **changes):
    return dataclasses.replace(result, **changes)


def _first_share_changed(result):
    key = next(key for key, item in result.licences.items() if item.shares)
    item = result.licences[key]
    party = next(iter(item.shares))
    shares = {**item.shares, party: item.shares[party] + 1}
    return _with(result, licences={**result.licences, key: _with(item, shares=shares)})


def _share_moved(result):
    key = next(key for key, item in result.licences.items() if len(item.shares) > 1)
    item = result.licences[key]
    one, other = list(item.shares)[:2]
    shares = {**item.shares, one: item.shares[one] + 2, other: item.shares[other] - 2}
    return _with(result, licences={**result.licences, key: _with(item, shares=shares)})


def _revenue_changed(result):
    key = next(key for key, item in result.licences.items() if item.revenue.recognised)
    item = result.licences[key]
    item = _with(item, carried_forward=item.carried_forward + 1)
    return _with(result, licences={**result.licences, key: item})


def _clearing_changed(result):
    first, *rest = result.cleared
    return _with(result, cleared=[_with(first, cleared=first.cleared + 1), *rest])


def _net_changed(result):
    party, position = next(iter(result.positions.items()))
    changed = _with(position, receivable=position.receivable + 1)
    return _with(result, positions={**result.positions, party: changed})


def _share_moved_far(result):
    """Give the party with the smallest share all but one unit of the largest, and one more."""
    key = next(key for key, item in result.licences.items() if len(item.shares) > 1)
    item = result.licences[key]
    least, most = (pick(item.shares, key=item.shares.__getitem__) for pick in (min, max))
    shares = {**item.shares, least: item.shares[most] + 1, most: item.shares[least] - 1}
    return _with(result, licences={**result.licences, key: _with(item, shares=shares)})


_calls = itertools.count()


def _share_by_order(result):
    """Change the result each time, as a computation would that looked at the order of its rows."""
    return _with(result, warnings=[f"{next(_calls)}"])


def _net_far_off(result):
    party, position = next(iter(result.positions.items()))
    far = 3 * sum(row.cleared for row in result.cleared) + 1
    changed = _with(position, receivable=position.receivable + far)
    return _with(result, positions={**result.positions, party: changed})


RESULT_BREAKS = {
    "shares_sum_to_distributable": _first_share_changed,
    "shares_near_exact": _share_moved,
    "shares_follow_weights": _share_moved_far,
    "any_order_same_run": _share_by_order,
    "nets_within_gross": _net_far_off,
    "nothing_lost": _revenue_changed,
    "converted_once": _clearing_changed,
    "nets_sum_to_zero": _net_changed,
}


@pytest.mark.parametrize("name", RESULT_BREAKS)
def test_a_run_computed_wrongly_is_named(monkeypatch, name):
    monkeypatch.setattr(check, "compute", lambda document: RESULT_BREAKS[name](compute(document)))

    found = check.check_run_file(_document())

    assert found[name][0] > 0
    assert found[name][1] != []


def test_a_run_file_with_a_space_in_it_is_not_canonical():
    found = check.check_run_file(_document() + b"\n")

    assert found["canonical_bytes"] == (1, found["canonical_bytes"][1])
    assert found["canonical_bytes"][1] != []


def test_a_run_file_with_a_rate_that_no_amount_needs_is_named():
    document = decode(_document())
    rates = {**document.rates, "SEK": next(iter(document.rates.values()))}

    found = check.check_run_file(encode(msgspec.structs.replace(document, rates=rates)))

    assert found["rates_used"][1] != []


def test_a_run_file_whose_weights_contradict_their_origin_is_named():
    document = decode(_document())
    number, licence = next(
        (number, item)
        for number, item in document.licences.items()
        if "period" in item.weights_from.values()
    )
    licence = msgspec.structs.replace(
        licence, weights_from=dict.fromkeys(licence.weights_from, "none")
    )

    found = check.check_run_file(
        encode(msgspec.structs.replace(document, licences={**document.licences, number: licence}))
    )

    assert found["weights_accounted"][1] != []


def test_a_run_file_whose_fees_are_out_of_the_band_cannot_be_computed():
    document = decode(_document())
    hub = msgspec.structs.replace(document.hub, fee_band_bps=(0, 1))

    found = check.check_run_file(encode(msgspec.structs.replace(document, hub=hub)))

    assert set(found) == {"computable"}
    assert found["computable"][1] != []
