"""`federation check` and `federation ledger export` on the databases of running servers."""

import asyncio
import json
import sys
from dataclasses import replace

import pytest
from sqlalchemy import text

from federation.cli.check import check_server
from federation.ledger import entries as service
from federation.runs import service as runs
from federation.scenario import documents as ask
from federation.scenario.story import first_instant_after
from federation.values.party import HUB
from tests.federation.correcting import SEPTEMBER, correct, publish_rates
from tests.federation.harness import all_reported, nothing_changes, resumed, tell
from tests.ledger.hledger_reader import read
from tests.tampering import found_after

HUB_TOML = """
entity_id = "https://hub.federation.example"
data_dir = "data"
database_url = "{url}"
name = "Hub"
clearing_currency = "EUR"
fee_bps = 300
fee_band_bps = [1000, 3000]
[terms]
tier_weight = {{ standard = 1000 }}
use_weight = {{ TRAIN = 1000 }}
"""

_CHANGED = text("UPDATE settlement_rate SET rate = rate || '9'")
_RESTORED = text("UPDATE settlement_rate SET rate = substr(rate, 1, length(rate) - 1)")

# Of a month with a correction: what is done, where, and which invariants then speak up.
CORRECTED = """(SELECT min(p.id) FROM settlement_posting p JOIN settlement_entry e
  ON e.id = p.entry_id WHERE e.document LIKE 'correction/%/run/%')"""

RECOGNISED = """(SELECT min(p.id) FROM settlement_posting p JOIN settlement_entry e
  ON e.id = p.entry_id WHERE e.document LIKE 'run/2026-09/%' AND p.debit LIKE '%:Unearned')"""

BREAKS = {
    "a correction's amount": (
        HUB,
        f"UPDATE settlement_posting SET amount = amount || '0' WHERE id = {CORRECTED}",
        {"corrections_add_up", "journal_chained"},
    ),
    "a month's amount": (
        HUB,
        f"UPDATE settlement_posting SET amount = amount || '0' WHERE id = {RECOGNISED}",
        {"corrections_add_up", "journal_chained", "journal_matches_run", "posted_as_computed"},
    ),
    "a correction of another run": (
        HUB,
        "UPDATE settlement_run SET corrects = run_id WHERE corrects IS NOT NULL",
        {"corrections_add_up"},
    ),
    "an entry dated in a closed month": (
        HUB,
        "UPDATE settlement_entry SET posted_on = '2026-09-15' WHERE document LIKE 'correction/%'",
        {"closed_month_untouched", "journal_chained"},
    ),
    "an entry more of a closed month": (
        HUB,
        (
            "UPDATE settlement_entry SET document = 'run/2026-09/HUB-000009' WHERE id = "
            "(SELECT max(id) FROM settlement_entry WHERE document LIKE 'correction/%/run/%')"
        ),
        {
            "closed_month_untouched",
            "journal_chained",
            "posted_as_computed",
            "corrections_add_up",
        },
    ),
    "a member's correction": (
        "DE",
        "UPDATE settlement_member_adjustment SET amount = amount || '0' WHERE id = 1",
        {"member_corrections_add_up"},
    ),
    "what a node got": (
        "DE",
        "UPDATE settlement_node_correction SET received = '1' || received",
        {"member_corrections_add_up"},
    ),
}


async def test_every_change_behind_a_corrected_months_back_is_named(two_months):
    small = two_months
    await correct(small, SEPTEMBER)

    for name, (code, statement, invariants) in BREAKS.items():
        found = await found_after(small.databases[code], code, statement)
        assert set(found) == invariants, name
    for code in small.codes:
        found = await check_server(small.keepers[code].config)
        examined = {item.invariant.name: item.examined for item in found.findings}
        assert found.violations == []
        assert examined["journal_chained"] > 5
        if code != HUB:
            assert examined["member_corrections_add_up"] > 0
        assert (examined["corrections_add_up"] > 5) or code != HUB


@pytest.fixture
async def opened(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as small:
        await publish_rates(small)
        yield small


async def test_a_run_that_breaks_an_invariant_is_not_approved(opened, monkeypatch):
    small = opened
    small.set_clock(first_instant_after(SEPTEMBER))
    await all_reported(small)
    run = (await small.at(HUB, "settlement").ask(ask.CALCULATE, period=SEPTEMBER))["runId"]
    await small.at(HUB, "settlement").ask(ask.ADVISE, run=run)
    await small.silence()
    right = service.entries_of_run

    def twice_as_much(*arguments):
        first, *rest = right(*arguments)
        doubled = tuple(replace(row, amount=2 * row.amount) for row in first.postings)
        return [replace(first, postings=doubled), *rest]

    monkeypatch.setattr(runs, "entries_of_run", twice_as_much)
    async with nothing_changes(small):
        refused = await tell(small, HUB, small.at(HUB, "approver"), ask.APPROVE_RUN, run=run)
    monkeypatch.setattr(runs, "entries_of_run", right)
    await small.at(HUB, "approver").ask(ask.APPROVE_RUN, run=run)
    await small.silence()

    assert refused.code == "INVARIANT"
    message = refused.body["data"]["approveRun"]["message"]
    assert "posted_as_computed: run/2026-09/" in message


@pytest.fixture
async def settled(two_months, tmp_path):
    """A federation that has settled months and still runs; where the hub's configuration is."""
    config = tmp_path / "hub.toml"
    config.write_text(HUB_TOML.format(url=two_months.keepers[HUB].config.database_url))
    return two_months, str(config)


async def federation(*arguments):
    """Run the command beside the running servers; return (code, output, errors)."""
    command = [sys.executable, "-m", "federation.cli", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_the_command_examines_a_running_server_and_exports_its_books(settled):
    small, config = settled

    code, output, _ = await federation("check", "--config", config)
    as_json, said, _ = await federation("check", "--config", config, "--json")
    hledger, books, _ = await federation(
        "ledger", "export", "--config", config, "--format", "hledger"
    )
    _, early, _ = await federation(
        "ledger", "export", "--config", config, "--format", "beancount", "--until", "2026-09-30"
    )

    assert (code, as_json, hledger) == (0, 0, 0)
    assert output.startswith("server HUB\njournal ")
    assert "  I10 journal_chained" in output
    assert "VIOLATED" not in output
    found = json.loads(said)
    assert found["journal"]["before_the_chain"] == 0
    assert found["checks"]["journal_zero_sum"]["invariant"] == "I1"
    assert found["checks"]["journal_zero_sum"]["examined"] == found["journal"]["entries"]
    assert sum(read(books).values()) == 0
    assert "run/2026-09" not in early
    assert books.encode() == await small.at(HUB, "auditor").get("/files/journal.hledger")


async def test_the_command_ends_with_1_when_something_is_wrong(settled):
    small, config = settled
    async with small.databases[HUB].write("test") as session:
        await session.execute(_CHANGED)

    code, output, _ = await federation("check", "--config", config)

    assert code == 1
    assert "  VIOLATED rates_as_published: 2026-09: GBP: " in output
    async with small.databases[HUB].write("test") as session:
        await session.execute(_RESTORED)


async def test_the_command_wants_one_thing_to_look_at():
    code, _, errors = await federation("check")

    assert code == 2
    assert "Name a run file (--run) or a server (--config)." in errors
