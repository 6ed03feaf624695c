"""`federation month`: from cut-off to approval, from a terminal, over a server's GraphQL.

Each command sends one document and prints what came of it. Where a command takes a RUN, a month
stands for its newest run, and the beginning of a run's id for the run.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from rich.table import Table

from federation.desk.client import (
    Desk,
    at_desk,
    money_text,
    say_if_another_stands,
    when_text,
)
from federation.desk.printing import make_table
from federation.settlementdesk import month_queries as ask
from federation.settlementdesk.month_corrections import correct
from federation.settlementdesk.month_papers import documents, held, why
from federation.settlementdesk.month_payments import members, payments
from federation.settlementdesk.month_runs import SHOWN, run_before, run_named, show_runs

CAUSE = 48  # of what an input was and is


@click.group()
def month() -> None:
    """Close a month, correct it, pay it: what settlement staff do.

    A token is what `federation token --config F --subject S --role R` prints; R is
    settlement_officer, or settlement_approver for the second pair of eyes. A PERIOD is a month,
    YYYY-MM; a RUN is named by its month or by the beginning of its id.
    """


month.add_command(correct)


month.add_command(payments)


month.add_command(members)


month.add_command(held)


month.add_command(documents)


month.add_command(why)


@month.command()
@at_desk
def work(desk: Desk) -> None:
    """List everything that waits: why, whose turn it is, until when."""
    found = desk.ask(ask.WORK)
    columns = ("what", "subject", "why", "whose turn", "until")
    rows = [
        [item["kind"], item["subject"], item["why"], item["turn"], when_text(item["until"])]
        for item in found
    ]
    desk.show(found, lambda: [make_table(f"{len(found)} waiting", columns, rows)])


@month.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@at_desk
def rates(desk: Desk, file: Path) -> None:
    """Record published exchange rates: CSV with date, currency, rate.

    A rate is what one unit of the clearing currency costs.
    """
    found = msgspec.json.decode(desk.post("/settlement/rates", file.read_bytes(), "text/csv"))
    desk.show(found, lambda: [make_table("Rates", ("recorded",), [[str(found["recorded"])]])])


@month.command("cut-off")
@click.argument("period")
@at_desk
def cut_off(desk: Desk, period: str) -> None:
    """Close a month, YYYY-MM: what comes later waits for its correction."""
    found = desk.ask(ask.CUT_OFF, period=period)
    rows = [[found["period"], found["state"]]]
    desk.show(found, lambda: [make_table("Cut off", ("month", "state"), rows)])


@month.command()
@click.argument("period")
@at_desk
def reports(desk: Desk, period: str) -> None:
    """List the nodes' usage reports of a month: due, in, missing."""
    found = desk.ask(ask.REPORTS, period=period)
    waits = {
        item["subject"]: item["why"]
        for item in desk.ask(ask.WORK)
        if item["kind"] == "usage report"
    }
    columns = ("node", "due on", "remind on", "state", "received", "sha-256")
    rows = [
        [
            item["node"],
            item["dueOn"],
            ", ".join(item["reminders"]),
            _report_state(item, waits.get(f"{period} {item['node']}", "")),
            when_text(item["receivedAt"]),
            (item["sha256"] or "")[:SHOWN],
        ]
        for item in found
    ]
    title = f"Reports of {period}" if rows else f"Reports of {period}: the month is not cut off"
    desk.show(found, lambda: [make_table(title, columns, rows)])


def _report_state(item: dict[str, Any], why: str) -> str:
    """Say what is in, and why the next one is not: a node may only wait for another."""
    if item["sequence"] is not None:
        is_in = f"report {item['sequence']} is in"
        return f"{is_in}; the next: {why}" if why else is_in
    return "declared missing" if item["missing"] else why or "not in yet"


@month.command()
@click.argument("period")
@click.argument("node")
@at_desk
def remind(desk: Desk, period: str, node: str) -> None:
    """Remind a node of the report it owes."""
    found = desk.ask(ask.REMIND, period=period, node=node)
    rows = [[found["node"], found["dueOn"]]]
    desk.show(found, lambda: [make_table("Reminded", ("node", "due on"), rows)])


@month.group()
def missing() -> None:
    """Go on without a node's report: one declares, another confirms."""


@missing.command("declare")
@click.argument("period")
@click.argument("node")
@click.option("--reason", required=True)
@at_desk
def declare_missing(desk: Desk, period: str, node: str, reason: str) -> None:
    """Declare a report missing; it counts once somebody else confirms."""
    found = desk.ask(ask.DECLARE_MISSING, period=period, node=node, reason=reason)
    _show_missing(desk, found)
    say_if_another_stands(found["reason"], reason)


@missing.command("confirm")
@click.argument("period")
@click.argument("node")
@at_desk
def confirm_missing(desk: Desk, period: str, node: str) -> None:
    """Confirm as another person: the month goes on, the node's share is held."""
    _show_missing(desk, desk.ask(ask.CONFIRM_MISSING, period=period, node=node))


def _show_missing(desk: Desk, found: dict[str, Any]) -> None:
    columns = ("month", "node", "reason", "declared by", "confirmed by")
    row = [found["period"], found["node"], found["reason"], found["declaredBy"]]
    rows = [[*row, found["confirmedBy"] or ""]]
    desk.show(found, lambda: [make_table("Missing report", columns, rows)])


@month.command("runs")
@click.argument("period", required=False)
@at_desk
def list_runs(desk: Desk, period: str | None) -> None:
    """List runs, newest first."""
    show_runs(desk, desk.walk(ask.RUNS, period=period))


@month.command()
@click.argument("period")
@at_desk
def calculate(desk: Desk, period: str) -> None:
    """Calculate a month's run; the same inputs give the same run."""
    show_runs(desk, [desk.ask(ask.CALCULATE, period=period)])


@month.command()
@click.argument("run")
@click.option("--old", help="The run to compare with; the one before it in its month.")
@at_desk
def diff(desk: Desk, run: str, old: str | None) -> None:
    """Compare a run with the one before: old, new, and what caused it."""
    new = run_named(desk, run)
    before = run_named(desk, old) if old else run_before(desk, new)
    found = desk.ask(ask.DIFF, new=new["runId"], old=before["runId"] if before else None)
    columns = ("licence", "party", "old", "new", "difference")
    amounts = ("old", "new", "difference")
    shares, nets = (
        [
            [row.get("licence") or "", row["party"], *(money_text(row[name]) for name in amounts)]
            for row in found[kind]
        ]
        for kind in ("shares", "nets")
    )
    causes = [
        [row["kind"], row["name"], *(_cause(row, side) for side in ("old", "new"))]
        for row in found["causes"]
    ]
    against = before["runId"][:SHOWN] if before else "nothing"

    def tables() -> list[Table]:
        title = f"Shares: {new['runId'][:SHOWN]} against {against}"
        made = [make_table(title, columns, shares)]
        made.append(make_table("Nets", columns[1:], [row[1:] for row in nets]))
        if before:
            made.append(make_table("Causes", ("input", "name", "was", "is"), causes))
        return made

    desk.show(found, tables)


def _cause(row: dict[str, Any], side: str) -> str:
    """Write what an input was or is: reports as in `reports`, sums as in the tables above."""
    value, amount = row[side], row[f"{side}Amount"]
    if row["kind"] == "usage report" and value:
        return f"sha-256 {value[:SHOWN]}"
    return value[:CAUSE] if amount is None else money_text(amount)


@month.command()
@click.argument("run")
@at_desk
def advise(desk: Desk, run: str) -> None:
    """Send a calculated run to the nodes: they may object for some days."""
    show_runs(desk, [desk.ask(ask.ADVISE, run=run_named(desk, run)["runId"])])


@month.command()
@click.argument("run")
@at_desk
def approve(desk: Desk, run: str) -> None:
    """Approve a run as another person: it locks the month and posts."""
    show_runs(desk, [desk.ask(ask.APPROVE, run=run_named(desk, run)["runId"])])


@month.command()
@click.argument("run")
@click.option("--reason", required=True)
@at_desk
def withdraw(desk: Desk, run: str, reason: str) -> None:
    """Take back a run that is not approved."""
    show_runs(desk, [desk.ask(ask.WITHDRAW, run=run_named(desk, run)["runId"], reason=reason)])


@month.command()
@click.argument("run")
@at_desk
def answers(desk: Desk, run: str) -> None:
    """Show what nodes said to an advised run; a month means its newest, as `runs` lists them."""
    named = run_named(desk, run)
    _show_answers(desk, named, desk.ask(ask.ANSWERS, run=named["runId"]))


@month.command()
@click.argument("run")
@at_desk
def concur(desk: Desk, run: str) -> None:
    """Say, at a node, that an advised run is right."""
    named = run_named(desk, run)
    _show_answers(desk, named, [desk.ask(ask.CONCUR, run=named["runId"])])


@month.command("object")
@click.argument("run")
@click.option("--reason", required=True)
@at_desk
def object_(desk: Desk, run: str, reason: str) -> None:
    """Say, at a node, that an advised run is wrong, and why."""
    named = run_named(desk, run)
    found = desk.ask(ask.OBJECT, run=named["runId"], reason=reason)
    say_if_another_stands(found["reason"], reason)
    _show_answers(desk, named, [found])


@month.command("settle-objection")
@click.argument("run")
@click.argument("node")
@click.option("--outcome", required=True, help="What the node is answered.")
@at_desk
def settle_objection(desk: Desk, run: str, node: str, outcome: str) -> None:
    """Answer an objection that does not stop the run."""
    named = run_named(desk, run)
    done = desk.ask(ask.SETTLE_OBJECTION, run=named["runId"], node=node, outcome=outcome)
    say_if_another_stands(done["outcome"], outcome)
    _show_answers(desk, named, [done])


def _show_answers(desk: Desk, run: dict[str, Any], found: Sequence[dict[str, Any]]) -> None:
    columns = ("node", "answer", "reason", "given at", "settled by", "outcome")
    rows = [
        [
            item["node"],
            item["answer"],
            item["reason"] or "",
            when_text(item["givenAt"]),
            item["settledBy"] or "",
            item["outcome"] or "",
        ]
        for item in found
    ]
    kind = "correction" if run["corrects"] else "run"
    title = f"Answers to {kind} {run['runId'][:SHOWN]} of {run['period']}"
    desk.show(found, lambda: [make_table(title, columns, rows)])
