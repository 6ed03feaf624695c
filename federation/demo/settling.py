"""The last chapters: usage comes in, two people settle the month, each node distributes."""

import asyncio
import json
from typing import Any

from federation import wording
from federation.demo import delivery
from federation.demo import documents as ask
from federation.demo.sites import MemberSite
from federation.demo.stage import Stage, when
from federation.scenario import documents
from federation.scenario.client import until
from federation.scenario.model import UsageRow
from federation.scenario.servers import Running
from federation.scenario.story import first_instant_after
from federation.values.month import Month

NDJSON = "application/x-ndjson"


async def bring_back(stage: Stage) -> None:
    """Start the stopped node again; the hub's relay delivers what waited for it."""
    plan = stage.script.plan
    stage.set_clock(plan.back_at)
    stage.tell.chapter(f"Reporting ({when(plan.back_at)})")
    await stage.servers.start_again(plan.down)
    await delivery.show_registrations(stage, "back", pending=None)
    await stage.story.settle_down()


async def report_usage(stage: Stage) -> None:
    """Sites hand in what is on their disks, each to its own node; labs report to the hub."""
    sites = list(stage.web.sites.values())
    waiting = sum(site.unreported() for site in sites)
    await asyncio.gather(*(site.hand_in() for site in sites))
    stage.tell.step(
        "reported",
        f"{len(sites)} sites restart and hand in {waiting} visits, each site to its own node.",
        *(f"{code}: {', '.join(hosts)}" for code, hosts in _hosts_by_node(sites).items()),
        facts={"visits": waiting},
    )
    rows = stage.script.lines("lab")
    for licence in stage.script.licences:
        await _report_lab(stage, licence, [row for row in rows if row.licence == licence])
    units = sum(row.units for row in rows)
    stage.tell.step(
        "compared",
        f"The labs report {units} pages to the hub: kept to be compared, never added.",
        facts={"units": units},
    )
    await stage.story.settle_down()


def _hosts_by_node(sites: list[MemberSite]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for site in sites:
        found.setdefault(site.part.collective, []).append(site.host)
    return found


async def _report_lab(stage: Stage, licence: str, rows: list[UsageRow]) -> None:
    lines = [json.dumps(row.posted(stage.number(licence))).encode() for row in rows]
    lab = stage.federation.hub.lab(stage.script.licences[licence].licensee)
    headers = {"Idempotency-Key": f"{stage.script.period}-{licence}"}
    await lab.post("/usage", b"\n".join(lines), NDJSON, headers)


async def settle(stage: Stage) -> dict[str, Any]:
    """Close the month: cut-off, run by one person, approval by another, distribution."""
    period, hub = stage.script.period, stage.federation.hub
    stage.set_clock(first_instant_after(period))
    stage.tell.chapter(f"Settling {period} ({when(first_instant_after(period))})")
    await stage.story.publish_rates()
    await hub.person("settlement").ask(documents.CUT_OFF, period=period)
    await _until_reported(hub, period)
    run = await hub.person("settlement").ask(documents.CALCULATE, period=period)
    await hub.person("settlement").ask(documents.ADVISE, run=run["runId"])
    _tell_counted(stage, await _run(hub, period))
    await hub.person("approver").ask(documents.APPROVE_RUN, run=run["runId"])
    found = await _run(hub, period)
    stage.tell.step(
        "approved",
        f"{period} is settled: calculated by {found['calculatedBy']}, approved by another person,"
        f" {found['approvedBy']}.",
        f"run {found['runId']}",
        facts={name: found[name] for name in ("runId", "state", "calculatedBy", "approvedBy")},
    )
    await _distribute(stage, period)
    await stage.story.pay(period)
    stage.tell.step(
        "paid",
        "The bank orders are written: approver releases each payment, settlement exports it.",
        "a debtor pays the hub first; then the hub pays the others",
    )
    return found


async def _until_reported(hub: Running, period: Month) -> None:
    async def reported() -> bool:
        found = await hub.person("settlement").ask(documents.PERIOD, period=period)
        return bool(found["state"] == "REPORTED")

    await until(reported, what=f"usage reports of {period}")


async def _run(hub: Running, period: Month) -> dict[str, Any]:
    found: list[dict[str, Any]]
    found = await hub.person("auditor").rows(ask.RUNS, period=period)
    return found[0]


def _tell_counted(stage: Stage, run: dict[str, Any]) -> None:
    """Say into which classes the lines fell; the run's document holds every one."""
    classes = json.loads(run["document"])["classes"]
    counted = {name: [lines, int(units)] for name, (lines, units) in classes.items() if lines}
    notes = {
        "MATCHED": "one collective's, and earns",
        "DISPUTED": "claimed at two collectives: held until it is decided",
        "other_source": "the labs' own count, to compare",
    }
    stage.tell.step(
        "counted",
        "Usage counted; every line is in exactly one class.",
        *(
            f"{name:<13} {wording.counted(lines, 'line'):>9} {wording.counted(units, 'unit'):>9}"
            f"  {notes.get(name, '')}".rstrip()
            for name, (lines, units) in counted.items()
        ),
        facts={"classes": counted},
    )


async def _distribute(stage: Stage, period: Month) -> None:
    """Wait until every node has recomputed the run and shared out its part."""
    nodes = stage.federation.nodes

    async def done(node: Running) -> Any:
        return await node.person("settlement").ask(documents.DISTRIBUTION, period=period)

    for code, node in nodes.items():
        await until(lambda node=node: done(node), what=f"distribution at {code}")  # type: ignore[misc]
    stage.tell.step(
        "distributed", f"{', '.join(nodes)} recomputed the run and shared out their parts."
    )
