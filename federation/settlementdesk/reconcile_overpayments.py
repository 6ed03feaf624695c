"""`federation reconcile overpayments`: money paid too much goes back, or is set off."""

from collections.abc import Sequence
from typing import Any, ClassVar

import rich_click as click
from rich.table import Table

from federation.desk.client import Desk, at_desk, money_text, say_if_another_stands
from federation.desk.printing import make_table
from federation.errors import RefusalError
from federation.settlementdesk import reconcile_queries as ask
from federation.settlementdesk.month_payments import show_payments


class BadTargetError(RefusalError):
    """What an overpayment is set off against is written INVOICE:REF or REMITTANCE_IN:REF."""

    code: ClassVar[str] = "BAD_TARGET"


@click.group()
def overpayments() -> None:
    """Pay back what was paid too much, or set it off: two people each."""


@overpayments.command("list")
@at_desk
def list_overpayments(desk: Desk) -> None:
    """List what nobody has used yet, and the newest set-offs."""
    set_offs = desk.page(ask.SET_OFFS, after=None).rows
    found = {"overpayments": desk.walk(ask.OVERPAYMENTS), "setOffs": set_offs}
    columns = ("overpayment", "kind", "for", "payer", "amount", "left")
    rows = [
        [
            item["id"],
            item["kind"],
            item["ref"],
            item["party"],
            money_text(item["received"]),
            money_text(item["left"]),
        ]
        for item in found["overpayments"]
    ]

    def tables() -> list[Table]:
        made = [make_table("Overpayments", columns, rows)]
        return [*made, _set_offs(found["setOffs"])] if found["setOffs"] else made

    desk.show(found, tables)


@overpayments.command()
@click.argument("overpayment")
@at_desk
def refund(desk: Desk, overpayment: str) -> None:
    """Propose to pay back all that is left; it is approved as a payment."""
    show_payments(desk, [desk.ask(ask.REFUND, id=overpayment)])


@overpayments.command("set-off")
@click.argument("overpayment")
@click.option(
    "--against",
    required=True,
    metavar="KIND:REF",
    help="What its payer owes: INVOICE:HUB-000002, or REMITTANCE_IN and its payment.",
)
@click.option("--reason", required=True, help="Why, for who reads it later.")
@at_desk
def set_off(desk: Desk, overpayment: str, against: str, reason: str) -> None:
    """Propose to set off as much as is left and is open; another person approves."""
    kind, colon, ref = against.partition(":")
    if not (kind and colon and ref):
        raise BadTargetError(against)
    found = desk.ask(ask.SET_OFF, id=overpayment, kind=kind.upper(), ref=ref, reason=reason)
    _show_set_offs(desk, [found])
    say_if_another_stands(found["reason"], reason)


@overpayments.command()
@click.argument("set-off")
@at_desk
def approve(desk: Desk, set_off: str) -> None:
    """Approve a SET-OFF, by its number, as another person: it is posted."""
    _show_set_offs(desk, [desk.ask(ask.APPROVE_SET_OFF, id=set_off)])


@overpayments.command()
@click.argument("set-off")
@at_desk
def withdraw(desk: Desk, set_off: str) -> None:
    """Take back a SET-OFF, by its number, or its undoing, that nobody has approved."""
    _show_set_offs(desk, [desk.ask(ask.WITHDRAW_SET_OFF, id=set_off)])


@overpayments.command()
@click.argument("set-off")
@click.option("--reason", required=True, help="Why, for who confirms it and reads it later.")
@at_desk
def undo(desk: Desk, set_off: str, reason: str) -> None:
    """Propose to undo a SET-OFF, by its number, that was approved: its debt is owed again."""
    found = desk.ask(ask.UNDO_SET_OFF, id=set_off, reason=reason)
    say_if_another_stands(found["undoReason"], reason)
    _show_set_offs(desk, [found])


@overpayments.command("confirm-undo")
@click.argument("set-off")
@at_desk
def confirm_undo(desk: Desk, set_off: str) -> None:
    """Undo a SET-OFF as another person than who proposed to."""
    _show_set_offs(desk, [desk.ask(ask.CONFIRM_UNDO_SET_OFF, id=set_off)])


def _show_set_offs(desk: Desk, found: Sequence[dict[str, Any]]) -> None:
    desk.show(found, lambda: [_set_offs(found)])


def _set_offs(found: Sequence[dict[str, Any]]) -> Table:
    columns = ("set-off", "of", "against", "amount", "state", "proposed by", "decided by", "reason")
    rows = [
        [
            item["id"],
            item["overpayment"],
            f"{item['kind']} {item['ref']}",
            money_text(item["amount"]),
            item["state"],
            item["proposedBy"],
            item["decidedBy"] or "",
            item["undoReason"] or item["reason"],
        ]
        for item in found
    ]
    return make_table("Set-offs", columns, rows)
