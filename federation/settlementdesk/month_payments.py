"""`federation month payments` and `members`: what is to be paid, and its files for the bank."""

from pathlib import Path
from typing import Any

import rich_click as click

from federation.desk.client import (
    Desk,
    Page,
    after,
    at_desk,
    money_text,
    say_if_another_stands,
    when_text,
)
from federation.desk.printing import make_table
from federation.settlementdesk import month_queries as ask

# As the server knows them; a test holds the two lists together.
STATES = (
    "PROPOSED",
    "OUTSTANDING",
    "APPROVED",
    "EXPORTED",
    "ACCEPTED",
    "BOOKED",
    "REJECTED",
    "RETURNED",
    "CANCELLED",
    "SET_OFF",
)


@click.group()
def payments() -> None:
    """Approve payments and write them as a file for the bank."""


@payments.command("list")
@click.option("--period", help="Of one month.")
@click.option("--state", type=click.Choice(STATES, case_sensitive=False))
@after
@at_desk
def list_payments(desk: Desk, period: str | None, state: str | None, after: str | None) -> None:
    """List payments, a hundred at a time."""
    show_payments(desk, desk.page(ask.PAYMENTS, period=period, state=state, after=after))


@payments.command()
@click.argument("payment")
@at_desk
def events(desk: Desk, payment: str) -> None:
    """Show what happened to a payment."""
    found = desk.ask(ask.EVENTS, id=payment)
    columns = ("state", "at", "who", "reason", "document")
    rows = [
        [
            item["state"],
            when_text(item["at"]),
            item["who"],
            item["reason"] or "",
            item["reference"] or "",
        ]
        for item in found
    ]
    desk.show(found, lambda: [make_table(payment, columns, rows)])


@payments.command()
@click.argument("payment", nargs=-1, required=True)
@at_desk
def approve(desk: Desk, payment: tuple[str, ...]) -> None:
    """Release payments, as another person than who proposed them."""
    show_payments(desk, desk.ask(ask.APPROVE_PAYMENTS, ids=list(payment))["payments"])


@payments.command()
@click.argument("currency")
@click.option(
    "--on",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The value date.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The file; <number>.xml if not named.")
@at_desk
def export(desk: Desk, currency: str, on: Any, out: Path | None) -> None:
    """Write what is approved in a currency as pain.001 for the bank: a file, or several."""
    found = desk.ask(ask.EXPORT, currency=currency, on=on.date().isoformat())
    others = [desk.ask(ask.FILE_OF_BATCH, number=number) for number in found["files"][1:]]
    written = [(item, _path(out, item)) for item in (found, *others)]
    for item, file in written:
        file.write_bytes(item["text"].encode())
    columns = ("number", "payments", "remaining", "file")
    rows = [
        [item["number"], str(item["payments"]), str(found["remaining"]), str(file)]
        for item, file in written
    ]
    shown = {**found, "file": str(written[0][1]), "written": [str(file) for _, file in written]}
    desk.show(shown, lambda: [make_table("Exported", columns, rows)])


def _path(out: Path | None, item: dict[str, Any]) -> Path:
    """Return where a file is written: the second of a batch to `name-2.xml`."""
    if out is None:
        return Path(f"{item['number']}.xml")
    return out if item["part"] == 1 else out.with_stem(f"{out.stem}-{item['part']}")


@payments.command()
@click.argument("payment")
@click.option("--reason", required=True)
@at_desk
def cancel(desk: Desk, payment: str, reason: str) -> None:
    """Withdraw a payment that is not exported."""
    found = desk.ask(ask.CANCEL, id=payment, reason=reason)
    say_if_another_stands(found["reason"], reason)
    show_payments(desk, [found])


@payments.command()
@click.argument("payment")
@at_desk
def again(desk: Desk, payment: str) -> None:
    """Propose once more what was rejected, returned or cancelled."""
    show_payments(desk, [desk.ask(ask.AGAIN, id=payment)])


@payments.command("name-account")
@click.argument("payment")
@click.argument("account")
@click.option("--name", required=True, help="Whose account it is.")
@click.option("--scheme", type=click.Choice(["IBAN", "OTHER"]), default="IBAN", show_default=True)
@click.option("--bic", help="Of the bank, for OTHER.")
@click.option("--clearing-id", help="System and member of the bank, for OTHER: GBDSC/040004.")
@at_desk
def name_account(desk: Desk, payment: str, account: str, name: str, **of: str | None) -> None:
    """Name the ACCOUNT of a refund whose bank named none; it is approved as any payment."""
    written = {
        "account": account,
        "scheme": of["scheme"],
        "bic": of["bic"],
        "clearingId": of["clearing_id"],
    }
    show_payments(desk, [desk.ask(ask.NAME_ACCOUNT, id=payment, name=name, account=written)])


@payments.command()
@click.argument("period")
@click.argument("node")
@click.option("--reason", required=True)
@at_desk
def exclude(desk: Desk, period: str, node: str, reason: str) -> None:
    """Propose that a debtor past its value date leaves a month's net."""
    found = desk.ask(ask.EXCLUDE, period=period, node=node, reason=reason)
    _show_exclusion(desk, found)
    say_if_another_stands(found["reason"], reason)


@payments.command("confirm-exclusion")
@click.argument("period")
@click.argument("node")
@at_desk
def confirm_exclusion(desk: Desk, period: str, node: str) -> None:
    """Confirm as another person: the others are paid anew."""
    _show_exclusion(desk, desk.ask(ask.CONFIRM_EXCLUSION, period=period, node=node))


@click.group()
def members() -> None:
    """Pay members, at their node."""


@members.command()
@click.argument("period")
@at_desk
def propose(desk: Desk, period: str) -> None:
    """Propose what a month made payable to members."""
    found = desk.ask(ask.PROPOSE_MEMBERS, period=period)
    columns = ("proposed", "outstanding", "remaining")
    rows = [[str(found[name]) for name in columns]]
    desk.show(found, lambda: [make_table(f"Members' payments of {period}", columns, rows)])


def show_payments(desk: Desk, found: Page | list[dict[str, Any]]) -> None:
    """Print payments, each with its payee and where it stands."""
    page = found if isinstance(found, Page) else Page(found, None)
    columns = ("payment", "to", "account", "amount", "state", "due on", "note")
    rows = [
        [
            item["id"],
            item["payeeName"] or item["payee"],
            item["payeeAccount"] or "",
            money_text(item["amount"]),
            item["state"],
            item["dueOn"] or "",
            item["reason"] or item["exportedIn"] or item["approvedBy"] or "",
        ]
        for item in page.rows
    ]
    desk.show(found, lambda: [make_table(page.title("Payments"), columns, rows)])


def _show_exclusion(desk: Desk, found: dict[str, Any]) -> None:
    columns = ("month", "node", "reason", "proposed by", "confirmed by")
    row = [found["period"], found["node"], found["reason"], found["proposedBy"]]
    rows = [[*row, found["confirmedBy"] or ""]]
    desk.show(found, lambda: [make_table("Exclusion", columns, rows)])
