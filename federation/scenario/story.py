"""Drive a federation through its months, over HTTP, as its people would."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from federation.scenario import documents as ask
from federation.scenario import paying
from federation.scenario.bank import Bank
from federation.scenario.client import ApiError, until
from federation.scenario.model import (
    LicencePart,
    ReceiptRow,
    Scenario,
    ScenarioError,
    Table,
    UsageRow,
)
from federation.scenario.reading import claimed_hosts
from federation.scenario.servers import Federation, Running
from federation.tabular import Row
from federation.values.month import Month, first_day, last_day, next_month, start_of
from federation.values.party import HUB

LINES_MAX = 5_000
BYTES_MAX = 4 * 1024 * 1024


@dataclass(slots=True)
class Story:
    """A scenario on its way: `numbers` are the licences' numbers by the scenario's ids."""

    scenario: Scenario
    federation: Federation
    numbers: dict[str, str] = field(default_factory=dict)
    recorded: int = 0
    bank: Bank | None = field(init=False)

    def __post_init__(self) -> None:
        """Open the hub's account at its bank, if it names one."""
        hub = self.federation.hub.config
        self.bank = Bank(hub.account, hub.account_scheme) if hub.account else None

    async def join(self) -> None:
        """Every collective applies; two people admit each."""
        hub, nodes = self.federation.hub, self.federation.nodes
        if not nodes:
            return
        for code, node in nodes.items():
            invited = await hub.person("operator").ask(ask.INVITE, note=code)
            await node.person("node-operator").ask(ask.APPLY, invitation=invited["code"])

        async def all_in() -> list[dict[str, str]] | None:
            found = await hub.person("operator").walk(ask.APPLICATIONS)
            return found if len(found) == len(nodes) else None

        waiting = {item["code"]: item["id"] for item in await until(all_in, what="applications")}
        for code in nodes:
            await hub.person("operator").ask(ask.RECOMMEND, id=waiting[code])
            await hub.person("second-operator").ask(ask.APPROVE, id=waiting[code])
        for node in nodes.values():
            await until(_admitted(node), what="admission")
        await self.settle_down()

    async def register(self) -> None:
        """Import members, works and opt-outs at each node."""
        scenario, nodes = self.scenario, self.federation.nodes
        tables = (
            ("members", scenario.members),
            ("works", scenario.works),
            ("optouts", scenario.optouts),
        )
        for name, table in tables:
            await asyncio.gather(
                *(_import(node, name, table, table.rows[code]) for code, node in nodes.items())
            )
        await self.settle_down()

    async def sell(self) -> None:
        """Offer and accept every licence, in byte order of its id."""
        for lab in self.scenario.manifest.licensee:
            for server in self._counters(lab.id):
                await server.person("licensing").ask(ask.LICENSEE, id=lab.id, name=lab.name)
        for item in sorted(self.scenario.manifest.licence, key=lambda item: item.id.encode()):
            self.numbers[item.id] = await self._sell_one(item)
        await self.settle_down()

    def _counters(self, licensee: str) -> list[Running]:
        """Return where a lab buys: every issuer of one of its licences."""
        issuers = {
            item.issuer for item in self.scenario.manifest.licence if item.licensee == licensee
        }
        return [self.issuer(code) for code in sorted(issuers)]

    def issuer(self, code: str) -> Running:
        """Return the server of a licensor."""
        return self.federation.hub if code == HUB else self.federation.nodes[code]

    async def _sell_one(self, item: LicencePart) -> str:
        server = self.issuer(item.issuer)
        terms = {
            "licensee": item.licensee,
            "components": item.components(),
            "currency": item.currency,
            "startsOn": item.starts_on.isoformat(),
            "endsOn": item.ends_on.isoformat(),
            "usageBasis": item.usage_basis,
            "unclaimed": item.unclaimed,
            "reason": f"Individual agreement {item.id} of the scenario",
        }
        try:
            offer = await server.person("licensing").ask(ask.OFFER, input=terms, key=item.id)
            licence = await server.lab(item.licensee).ask(
                ask.ACCEPT, offer=offer["id"], key=item.id
            )
        except ApiError as error:
            raise ScenarioError(f"scenario.toml: licence {item.id}: {error}") from error
        return str(licence["number"])

    async def publish_rates(self) -> None:
        """Publish the reference rates at the hub."""
        try:
            await self.federation.hub.person("settlement").post(
                "/settlement/rates", self.scenario.rates, "text/csv"
            )
        except ApiError as error:
            place = error.errors[0] if error.errors else error
            raise ScenarioError(f"{self.scenario.manifest.rates}, {place}") from error

    async def settle(self, period: Month) -> str:
        """Live a month to its end and settle it; return the run's id."""
        hub = self.federation.hub
        await self._record_receipts(last_day(period))
        await self.report_usage(period)
        await self.settle_down()
        await hub.person("settlement").ask(ask.CUT_OFF, period=period)

        async def reported() -> bool:
            found = await hub.person("settlement").ask(ask.PERIOD, period=period)
            return bool(found["state"] == "REPORTED")

        if self.federation.nodes:
            await until(reported, what=f"usage reports of {period}", seconds=600)
        try:
            run = await hub.person("settlement").ask(ask.CALCULATE, period=period)
        except ApiError as error:
            raise ScenarioError(f"period {period}: {error}") from error
        await hub.person("settlement").ask(ask.ADVISE, run=run["runId"])
        await hub.person("approver").ask(ask.APPROVE_RUN, run=run["runId"])
        for node in self.federation.nodes.values():
            await self._distributed(node, period)
        return str(run["runId"])

    async def pay(self, period: Month) -> None:
        """Pay a settled month: what the nodes remit, then what the hub does."""
        await paying.pay(self.federation, self.bank, period)

    async def _distributed(self, node: Running, period: Month) -> None:
        async def done() -> Any:
            return await node.person("settlement").ask(ask.DISTRIBUTION, period=period)

        await until(done, what=f"distribution of {period} at {node.url}", seconds=600)

    async def _record_receipts(self, until_day: date) -> None:
        """Record what came in by a day, each receipt once, at its licence's licensor."""
        licensors = {item.id: item.issuer for item in self.scenario.manifest.licence}
        ordered = sorted(self.scenario.receipts, key=_receipt_order)
        due = [row for row in ordered if row.received_on <= until_day]
        for row in due[self.recorded :]:
            self.recorded += 1
            await (
                self.issuer(licensors[row.licence])
                .person("settlement")
                .ask(
                    ask.RECEIPT,
                    licence=self.numbers[row.licence],
                    on=row.received_on.isoformat(),
                    amount=str(row.amount),
                    key=f"receipt-{self.recorded}",
                )
            )

    async def report_usage(self, period: Month) -> None:
        """Post labs' lines to the hub and sites' lines to a node, in the order of the file."""
        hosts = claimed_hosts(self.scenario.works)
        labs = {item.id: item.licensee for item in self.scenario.manifest.licence}
        queues: dict[tuple[str, str], list[UsageRow]] = {}
        for row in self.scenario.usage:
            if row.period != period:
                continue
            if row.source == "lab":
                lab = labs.get(row.licence) or self._first_licensee()
                queues.setdefault((HUB, lab), []).append(row)
            else:
                code = hosts.get(row.host, self.scenario.codes[0])
                queues.setdefault((code, "sites"), []).append(row)
        for (code, who), rows in queues.items():
            server = self.issuer(code)
            person = server.lab(who) if code == HUB else server.person("sites")
            for number, body in enumerate(self._batches(rows), start=1):
                headers = {"Idempotency-Key": f"{period}-{number}"}
                await person.post("/usage", body, "application/x-ndjson", headers)

    def _first_licensee(self) -> str:
        """Return who posts a lab's line of an unknown licence."""
        found = self.scenario.manifest.licensee
        if not found:
            raise ScenarioError("usage.csv: a lab's line, and no licensee in scenario.toml")
        return found[0].id

    def _batches(self, rows: Sequence[UsageRow]) -> list[bytes]:
        """Return NDJSON bodies within the limits of one ingest."""
        batches: list[list[bytes]] = [[]]
        size = 0
        for row in rows:
            number = self.numbers.get(row.licence, row.licence)
            line = json.dumps(row.posted(number), ensure_ascii=False).encode()
            if len(batches[-1]) >= LINES_MAX or size + len(line) > BYTES_MAX:
                batches.append([])
                size = 0
            batches[-1].append(line)
            size += len(line) + 1
        return [b"\n".join(batch) for batch in batches if batch]

    async def settle_down(self) -> None:
        """Wait until no message is on its way between any two servers."""
        quiet = 0

        async def silent() -> bool:
            nonlocal quiet
            for server in self.federation.servers:
                if await server.person("auditor").ask(ask.DELIVERIES):
                    quiet = 0
                    return False
                for row in await server.person("auditor").rows(ask.PARKED):
                    raise ScenarioError(f"{server.config.name} parked a message: {row}")
            quiet += 1
            return quiet >= 2  # noqa: PLR2004 - an answer may cause a message elsewhere

        await until(silent, what="deliveries", seconds=600)


def _admitted(node: Running) -> Callable[[], Awaitable[bool]]:
    """Return what asks a node whether its hub has admitted it."""

    async def ask_node() -> bool:
        found = await node.person("node-operator").ask(ask.OWN_APPLICATION)
        return bool(found["state"] == "ADMITTED")

    return ask_node


def _receipt_order(row: ReceiptRow) -> tuple[date, bytes, int]:
    return (row.received_on, row.licence.encode(), row.amount)


async def _import(node: Running, name: str, table: Table, rows: Sequence[Row]) -> None:
    """Import one table at its node; a refused row is named by its line in the scenario's file."""
    if not rows:
        return
    body, lines = _csv(table.columns, rows)
    try:
        await node.person("registry").post(f"/registry/{name}", body, "text/csv")
    except ApiError as error:
        if not error.errors:
            raise ScenarioError(f"{table.file}: {error}") from error
        first = error.errors[0]
        line = lines.get(first.line, first.line)
        place = f"line {line}, column {first.column}: {first.reason}"
        raise ScenarioError(f"{table.file}, {place}") from error


def _csv(columns: Sequence[str], rows: Sequence[Row]) -> tuple[bytes, dict[int, int]]:
    """Write rows as CSV; also return {line there: line in the scenario's file}."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    lines, number = {}, 2
    for row in rows:
        lines[number] = row.line
        before = text.tell()
        writer.writerow([row.get(column) for column in columns])
        number += (
            text.getvalue()[before:].count("\n") if "\n" in "".join(row.values.values()) else 1
        )
    return text.getvalue().encode(), lines


def first_instant_after(period: Month) -> datetime:
    """Return the first instant after a month: the business time of its settlement."""
    return start_of(next_month(period))


def day_before_everything(scenario: Scenario) -> datetime:
    """Return the business time of joining, imports and purchases."""
    starts = [item.starts_on for item in scenario.manifest.licence]
    first = min(starts, default=first_day(scenario.manifest.periods[0]))
    return datetime.combine(first - timedelta(days=1), time(), UTC)
