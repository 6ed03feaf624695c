"""`federation month` over real HTTP: a month's steps, names of runs, refusals that a shell sees."""

import asyncio

import msgspec
import pytest
import pytest_asyncio
from click.testing import CliRunner

from federation.cli.exits import EXIT_REFUSED
from federation.cli.main import cli
from federation.desk.client import Desk
from federation.documents import service
from federation.errors import RefusalError
from federation.payments.states import MOVES
from federation.schema.money_choices import HeldClaimState
from federation.settlementdesk.month_papers import CLAIM_STATES, SERIES
from federation.settlementdesk.month_payments import STATES
from federation.settlementdesk.month_queries import DECIDE, REMIND
from federation.values.party import HUB
from tests.federation.harness import (
    PERIOD,
    all_reported,
    lived,
    month_over,
    nothing_changes,
    open_for_business,
    resumed,
    small_federation,
    write_scenario,
)
from tests.settlementdesk.months import month


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(any_backend, tmp_path_factory):
    folder = tmp_path_factory.mktemp("opened")
    federation = small_federation(any_backend, write_scenario(folder / "files"), folder)
    async with lived(any_backend, federation, open_for_business) as past:
        yield past


@pytest.fixture
async def small(any_backend, opened):
    async with resumed(any_backend, opened) as small:
        month_over(small)
        yield small


async def asked(small, *arguments, **more):
    code, printed = await month(small, *arguments, "--json", **more)
    assert code == 0
    return msgspec.json.decode(printed)


async def test_a_month_from_cut_off_to_payments(small, tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_bytes(small.scenario.rates)
    assert (await asked(small, "rates", str(rates)))["recorded"] == 1
    assert (await asked(small, "cut-off", PERIOD))["state"] in {"CUT_OFF", "FORWARDED"}
    await all_reported(small)
    assert {row["node"]: row["sequence"] for row in await asked(small, "reports", PERIOD)} == {
        "DE": 1,
        "FR": 1,
        "GB": 1,
    }
    [run] = await asked(small, "calculate", PERIOD)
    beginning = run["runId"][:8]

    assert (await asked(small, "runs", PERIOD))[0]["runId"] == run["runId"]
    assert (await asked(small, "diff", PERIOD)).keys() == {"shares", "nets", "causes"}
    assert (await asked(small, "advise", beginning))[0]["state"] == "ADVISED"
    await small.silence()
    [answer] = await asked(small, "concur", beginning, code="FR")
    assert answer["answer"] == "CONCURRED"
    await small.silence()
    assert [row["node"] for row in await asked(small, "answers", PERIOD)] == ["FR"]
    await says_once(small, "object", PERIOD, "--reason", code="DE")
    await small.silence()
    await says_once(small, "settle-objection", PERIOD, "DE", "--outcome")
    _, printed = await month(small, "answers", PERIOD)
    assert printed.splitlines()[0] == f"Answers to run {run['runId'][:16]} of {PERIOD}"
    async with nothing_changes(small):
        assert await month(small, "approve", PERIOD) == (EXIT_REFUSED, "NOT_ALLOWED")
    [approved] = await asked(small, "approve", PERIOD, who="approver")
    assert (approved["state"], approved["approvedBy"]) == ("APPROVED", "approver")
    code, printed = await month(small, "documents", "get", "INV-HUB-000001", "--form", "csv")
    assert (code, "licence invoice" in printed) == (0, True)


async def says_once(small, *command, **where):
    """Say why twice: the first stands, and the desk says so."""
    (code, first), (again, second) = [
        await month(small, *command, why, **where) for why in ("as agreed", "or not")
    ]
    assert (code, again) == (0, 0)
    assert "the first reason stands" not in first
    assert "federation: it was said before, and the first reason stands: as agreed" in second


async def test_what_a_server_refuses_is_a_code_and_changes_nothing(small):
    unknown = (EXIT_REFUSED, "NO_SUCH_RUN")
    async with nothing_changes(small):
        assert await month(small, "calculate", "2027-01") == (EXIT_REFUSED, "NOT_CUT_OFF")
        for command in (("reports",), ("runs",), ("cut-off",), ("calculate",)):
            assert await month(small, *command, "september") == (EXIT_REFUSED, "BAD_PERIOD")
        for command in (("documents", "list"), ("payments", "list"), ("why", "--member", "m")):
            refused = await month(small, *command, "--period", "september")
            assert refused == (EXIT_REFUSED, "BAD_PERIOD")
        assert await month(small, "advise", "september") == unknown
        assert await month(small, "cut-off", "2027-01") == (EXIT_REFUSED, "PERIOD_NOT_OVER")
        assert await month(small, "advise", PERIOD) == unknown
        assert await month(small, "diff", "abcdef") == unknown
        assert await month(small, "correct", "calculate") == (EXIT_REFUSED, "NOTHING_TO_CORRECT")
        unknown_payment = (EXIT_REFUSED, "UNKNOWN_PAYMENT")
        assert await month(small, "payments", "events", "PAY-2026-09-HUB-XX") == unknown_payment
        assert await month(small, "held", "published") == (EXIT_REFUSED, "NOT_HERE")
        assert await month(small, "held", "elsewhere", code="FR") == (EXIT_REFUSED, "NOT_HERE")
        assert await month(small, "correct", "debits", code="FR") == (EXIT_REFUSED, "NOT_HERE")
        untold = {"FEDERATION_TOKEN": ""}
        assert await month(small, "work", **untold) == (EXIT_REFUSED, "NOT_TOLD")
        assert await month(small, "documents", "get", "X", **untold) == (EXIT_REFUSED, "NOT_TOLD")
        nobody = {"FEDERATION_TOKEN": "x"}
        assert await month(small, "work", **nobody) == (EXIT_REFUSED, "NOT_AUTHENTICATED")
        nowhere = {"FEDERATION_URL": "http://127.0.0.1:9"}
        assert await month(small, "work", **nowhere) == (EXIT_REFUSED, "NOT_REACHED")


async def test_a_report_declared_missing_again_keeps_its_first_reason(small):
    await small.stop("FR")  # it would report of itself as soon as the month is cut off
    await asked(small, "cut-off", PERIOD)
    declare = ("missing", "declare", PERIOD, "FR", "--reason")

    _, first = await month(small, *declare, "nobody answers")
    _, second = await month(small, *declare, "another one")

    assert "the first reason stands" not in first
    assert "federation: it was said before, and the first reason stands: nobody answers" in second


async def test_an_id_in_small_letters_gets_a_word(small):
    await asked(small, "cut-off", PERIOD)
    await all_reported(small)
    desk = Desk(small.running[HUB].url, small.at(HUB, "settlement")._token(), as_json=False)

    def remind():
        desk.ask(REMIND, period=PERIOD, node="fr")

    async with nothing_changes(small):
        with pytest.raises(RefusalError) as refusal:
            await asyncio.to_thread(remind)
    assert refusal.value.message.endswith(" Ids are in capitals: FR?")


async def test_an_address_is_claimed_as_it_is_published_or_as_a_url(small):
    evidence = ("--member", "gb-b", "--evidence", "contract 17")
    async with nothing_changes(small):
        for address in ("nobody.example/a", "https://nobody.example/a"):
            refused = await month(small, "held", "claim", address, *evidence, code="GB")
            assert refused == (EXIT_REFUSED, "NOT_HELD")
        ftp = await month(small, "held", "claim", "ftp://nobody.example/a", *evidence, code="GB")
        assert ftp == (EXIT_REFUSED, "MALFORMED_URL")


async def test_a_claim_in_small_letters_gets_a_word(small):
    desk = Desk(small.running[HUB].url, small.at(HUB, "approver")._token(), as_json=False)

    def decide():
        desk.ask(DECIDE, claim="hc-gb-000001", accept=True, reason="seen")

    async with nothing_changes(small):
        with pytest.raises(RefusalError) as refusal:
            await asyncio.to_thread(decide)
    assert refusal.value.code == "UNKNOWN_HELD_CLAIM"
    assert refusal.value.message.endswith(" Ids are in capitals: HC-GB-000001?")


async def test_reports_of_a_month_that_is_not_cut_off_say_so(small):
    code, printed = await month(small, "reports", PERIOD)

    assert code == 0
    assert printed.splitlines()[0] == f"Reports of {PERIOD}: the month is not cut off"


def usage(*arguments):
    """Run a command that does not come to its server; return (exit code, what it said)."""
    nowhere = {"FEDERATION_URL": "http://127.0.0.1:9", "FEDERATION_TOKEN": "x", "COLUMNS": "200"}
    result = CliRunner().invoke(cli, ["month", *arguments], env=nowhere)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("held", "decide", "HC-GB-000001", "--reason", "x"), "Missing option '--accept'"),
        (("payments", "list", "--state", "Foo"), "'Foo' is not one of"),
        (("held", "claims", "--state", "Foo"), "'Foo' is not one of"),
        (("documents", "list", "--series", "Foo"), "'Foo' is not one of"),
    ],
)
def test_what_no_server_knows_is_not_asked(arguments, said):
    code, printed = usage(*arguments)

    assert (code, said in printed) == (2, True)


async def test_a_choice_is_written_in_small_letters_too(small):
    for command in (
        ("payments", "list", "--state", "proposed"),
        ("held", "claims", "--state", "filed"),
        ("documents", "list", "--series", "inv"),
    ):
        small_letters = await asked(small, *command)
        capitals = await asked(small, *command[:-1], command[-1].upper())
        assert small_letters == capitals
        assert bool(capitals["rows"]) is (command[0] == "documents")


def test_the_shell_names_every_word_that_servers_know():
    assert sorted(STATES) == sorted(MOVES)
    assert sorted(SERIES) == sorted(service.SERIES)
    assert sorted(CLAIM_STATES) == sorted(HeldClaimState)
