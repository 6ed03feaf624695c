"""`federation reconcile limits`: up to what one officer settles alone, and who said so when."""

from typing import Any

import rich_click as click

from federation.desk.client import Desk, amount_text, at_desk, money_text
from federation.desk.printing import make_table
from federation.settlementdesk.amounts import read_amount
from federation.settlementdesk.reconcile_queries import REFUSED

LIMIT = "id kind limit { minor currency } since reason proposedBy confirmedBy confirmedAt"

LIMITS = f"{{ officerLimits {{ {LIMIT} }} }}"

IN_FORCE = """query($currency: String!, $at: DateTime) {
  limitsInForce(currency: $currency, at: $at) { kind limit { minor currency } } }"""

PROPOSE = f"""mutation($kind: OfficerLimitKind!, $currency: String!, $amount: BigInt!,
    $since: DateTime!, $reason: String!) {{
  proposeOfficerLimit(kind: $kind, currency: $currency, amount: $amount, since: $since,
    reason: $reason) {{ __typename ... on OfficerLimit {{ {LIMIT} }} {REFUSED} }} }}"""

CONFIRM = f"""mutation($id: ID!) {{ confirmOfficerLimit(id: $id) {{
  __typename ... on OfficerLimit {{ {LIMIT} }} {REFUSED} }} }}"""


@click.command()
@click.option("--currency", help="Show what is in force for it, instead of every change.")
@click.option("--at", help="In force at this instant, as 2026-11-01T00:00:00Z.")
@at_desk
def limits(desk: Desk, currency: str | None, at: str | None) -> None:
    """Show up to what one officer settles alone: every change, or what is in force."""
    if currency is None:
        _show(desk, desk.ask(LIMITS))
        return
    found = desk.ask(IN_FORCE, currency=currency, at=at)
    rows = [[item["kind"], amount_text(item["limit"]["minor"], currency)] for item in found]
    desk.show(found, lambda: [make_table("In force", ("kind", currency), rows)])


@click.command("propose-limit")
@click.argument("kind", type=click.Choice(["BANK_CHARGE", "FX_DIFFERENCE", "TAX_WITHHELD"]))
@click.argument("currency")
@click.argument("amount")
@click.option("--since", required=True, help="From when, as 2026-11-01T00:00:00Z.")
@click.option("--reason", required=True)
@at_desk
def propose_limit(
    desk: Desk, kind: str, currency: str, amount: str, since: str, reason: str
) -> None:
    """Propose a limit per entry, as 150.00; another person confirms it."""
    minor = read_amount(amount, currency)
    named = {"kind": kind, "currency": currency, "amount": minor, "since": since}
    _show(desk, [desk.ask(PROPOSE, **named, reason=reason)])


@click.command("confirm-limit")
@click.argument("number")
@at_desk
def confirm_limit(desk: Desk, number: str) -> None:
    """Confirm a limit as another person than proposed it."""
    _show(desk, [desk.ask(CONFIRM, id=number)])


def _show(desk: Desk, found: list[dict[str, Any]]) -> None:
    columns = ("limit", "kind", "amount", "from", "proposed by", "confirmed by", "reason")
    rows = [
        [
            item["id"],
            item["kind"],
            money_text(item["limit"]),
            item["since"],
            item["proposedBy"],
            item["confirmedBy"] or "",
            item["reason"],
        ]
        for item in found
    ]
    desk.show(found, lambda: [make_table("Officers' limits", columns, rows)])
