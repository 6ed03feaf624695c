"""`federation month correct`: settled months, computed again."""

import rich_click as click

from federation.desk.client import Desk, at_desk, money_text
from federation.desk.printing import make_table
from federation.settlementdesk import month_queries as ask
from federation.settlementdesk.month_runs import show_runs


@click.group()
def correct() -> None:
    """Correct settled months: late usage, opt-outs found later."""


@correct.command("open")
@click.argument("period")
@at_desk
def open_correction(desk: Desk, period: str) -> None:
    """Ask every server for what came late for a month."""
    found = desk.ask(ask.OPEN_CORRECTION, period=period)
    rows = [[found["period"], str(found["number"])]]
    desk.show(found, lambda: [make_table("Correction opened", ("month", "round"), rows)])


@correct.command("show")
@at_desk
def show_correction(desk: Desk) -> None:
    """Show the correction that is under way."""
    found = desk.ask(ask.CORRECTION)
    show_runs(desk, found["runs"] if found else [])


@correct.command("calculate")
@at_desk
def calculate_correction(desk: Desk) -> None:
    """Calculate settled months again with the latest reports."""
    show_runs(desk, desk.ask(ask.CALCULATE_CORRECTION)["runs"])


@correct.command("advise")
@at_desk
def advise_correction(desk: Desk) -> None:
    """Send the correction to the nodes."""
    show_runs(desk, desk.ask(ask.ADVISE_CORRECTION)["runs"])


@correct.command("approve")
@at_desk
def approve_correction(desk: Desk) -> None:
    """Approve the correction as another person: it posts in the open month."""
    show_runs(desk, desk.ask(ask.APPROVE_CORRECTION)["runs"])


@correct.command()
@at_desk
def debits(desk: Desk) -> None:
    """List what corrections took back and later credits still have to make good."""
    found = desk.ask(ask.DEBITS)
    columns = ("node", "posted in", "of", "amount", "left")
    rows = [
        [
            item["node"],
            item["period"],
            _of_correction(item["document"]),
            money_text(item["amount"]),
            money_text(item["left"]),
        ]
        for item in found
    ]
    desk.show(found, lambda: [make_table("Debits", columns, rows)])


def _of_correction(document: str) -> str:
    """Write the name in the books as its run, which `runs` shows: `correction 53a78200e8eafc4d`."""
    kind, _, rest = document.partition("/")
    return f"{kind} {rest.partition('/')[0]}" if kind == "correction" else document


@correct.command("withdraw")
@click.option("--reason", required=True)
@at_desk
def withdraw_correction(desk: Desk, reason: str) -> None:
    """Take back a correction that is not approved."""
    show_runs(desk, desk.ask(ask.WITHDRAW_CORRECTION, reason=reason)["runs"])
