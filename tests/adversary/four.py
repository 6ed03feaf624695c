"""Four collectives, open for business, one of which is going to misbehave; and their month."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import select

from federation.metering.tables import Progress
from federation.scenario import documents as ask
from federation.store.outbox import targets_waiting
from tests.federation.conftest import report_some_usage
from tests.federation.harness import (
    HUB,
    MEMBERS,
    PERIOD,
    RATES,
    TOML,
    WORKS,
    Small,
    open_for_business,
    small_federation,
    soon,
    write_scenario,
)

FOURTH = """
[[collective]]
code = "ZZ"
name = "Collective ZZ"
country = "CH"
settlement_currency = "EUR"
admin_fee_bps = 1000
collecting_fee_bps = 1000
minimum_payment = 100
plan = "per_usage"
[[licensee]]"""
DECLARE = """mutation($period: String!, $node: String!, $reason: String!) {
  declareMissing(period: $period, node: $node, reason: $reason) {
    __typename ... on Refused { code message } } }"""
CONFIRM_MISSING = """mutation($period: String!, $node: String!) {
  confirmMissing(period: $period, node: $node) {
    __typename ... on Refused { code message } } }"""


@asynccontextmanager
async def four_collectives(backend, folder) -> AsyncIterator[Small]:
    """Run the hub, three honest collectives and ZZ, with some usage reported."""
    scenario = write_scenario(
        folder / "files",
        scenario_toml=TOML.replace("\n[[licensee]]", FOURTH, 1),
        members_csv=MEMBERS + "ZZ,zz-a,Zoe,CH,2025-01-01,\n",
        works_csv=WORKS + "ZZ,zz-a,zz-site.example,standard,,\n",
    )
    async with small_federation(backend, scenario, folder) as small:
        await open_for_business(small)
        await report_some_usage(small)
        yield small


async def all_is_delivered_but_to(small, code):
    """Wait until no message is on its way but to a server that is gone."""
    gone, quiet = small.running[code].config.entity_id, 0

    async def silent():
        nonlocal quiet
        for database in small.databases.values():
            async with database.read() as session:
                if (await targets_waiting(session)).keys() - {gone}:
                    quiet = 0
                    return False
        quiet += 1
        return quiet == 2

    await soon(silent, what="deliveries")


async def all_have_forwarded_but(small, code):
    """Wait until the hub was told by everybody else that the month's lines are forwarded."""

    async def told():
        async with small.databases[HUB].read() as session:
            waited_for = select(Progress.party).where(Progress.forwarded_lines.is_(None))
            return set(await session.scalars(waited_for)) <= {code}

    await soon(told, what="the others' lines")
    await all_is_delivered_but_to(small, code)


async def settle_without(small, code):
    """Two people declare a report missing; the month is calculated, approved and followed."""
    officer, approver = small.at(HUB, "settlement"), small.at(HUB, "approver")
    await officer.ask(DECLARE, period=PERIOD, node=code, reason="it sends nonsense")
    await approver.ask(CONFIRM_MISSING, period=PERIOD, node=code)

    async def reported():
        found = await officer.ask(ask.PERIOD, period=PERIOD)
        return found["state"] == "REPORTED"

    await soon(reported, what="the others' reports")
    await officer.post("/settlement/rates", RATES.encode(), "text/csv")
    run = await officer.ask(ask.CALCULATE, period=PERIOD)
    await officer.ask(ask.ADVISE, run=run["runId"])
    await approver.ask(ask.APPROVE_RUN, run=run["runId"])
    await all_is_delivered_but_to(small, code)
    return run["runId"]
