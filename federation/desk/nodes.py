"""`federation nodes`: nodes apply and are admitted, change, and are suspended."""

from typing import Any

import rich_click as click

from federation.desk.client import Desk, at_desk, in_pages, when_text
from federation.desk.printing import make_table

NODES = """{ nodes { code entityId url admittedWith keys formerKeys statedAt movingTo movingSince
  movingBecause suspendedAt } }"""
INVITE = """mutation($note: String!) { inviteCollective(note: $note) {
  __typename ... on NewInvitation { code note expiresAt } ... on Refused { code message } } }"""
APPLY = """mutation($invitation: String!) { applyForAdmission(invitation: $invitation) {
  __typename ... on ApplicationSent { code hub } ... on Refused { code message } } }"""
APPLICATION = "id code name state keyId recommendedBy decidedBy reason"
APPLICATIONS = f"""query($after: String) {{
  applications(after: $after) {in_pages(APPLICATION)} }}"""
_APPLICATION_RESULT = (
    f"{{ __typename ... on Application {{ {APPLICATION} }} ... on Refused {{ code message }} }}"
)
RECOMMEND, APPROVE = (
    f"""mutation($id: ID!, $fingerprint: String!) {{
  {field}(application: $id, fingerprint: $fingerprint) {_APPLICATION_RESULT} }}"""
    for field in ("recommendAdmission", "approveAdmission")
)
SUSPENSION = "id node act reason state proposedBy decidedBy"
_RESULT = f"{{ __typename ... on Suspension {{ {SUSPENSION} }} ... on Refused {{ code message }} }}"
SUSPEND, LIFT = (
    f"""mutation($node: String!, $reason: String!) {{
  {field}(node: $node, reason: $reason) {_RESULT} }}"""
    for field in ("proposeSuspension", "proposeLifting")
)
CONFIRM, WITHDRAW = (
    f"mutation($id: ID!) {{ {field}(id: $id) {_RESULT} }}"
    for field in ("confirmSuspension", "withdrawSuspension")
)
SUSPENSIONS = f"query($after: String) {{ suspensions(after: $after) {in_pages(SUSPENSION)} }}"


@click.group()
def nodes() -> None:
    """Look after the nodes of a hub: admit, follow their changes, suspend (docs/trust.md).

    A token is what `federation token --config hub.toml --subject S --role federation_operator`
    prints, or with the role auditor to look.
    """


@nodes.command()
@click.option("--note", required=True, help="Whom the code is for.")
@at_desk
def invite(desk: Desk, note: str) -> None:
    """Make a code by which one collective may apply within 30 days; it is shown once."""
    row = desk.ask(INVITE, note=note)
    cells = [[row["code"], row["note"], when_text(row["expiresAt"])]]
    desk.show(row, lambda: [make_table("Invitation", ("code", "for", "until"), cells)])


@nodes.command()
@click.argument("code")
@at_desk
def apply(desk: Desk, code: str) -> None:
    """Apply to the hub, as the operator of a node, with the code of an invitation."""
    row = desk.ask(APPLY, invitation=code)
    cells = [[row["code"], row["hub"]]]
    desk.show(row, lambda: [make_table("Application", ("node", "to the hub"), cells)])


@nodes.command("list")
@at_desk
def list_nodes(desk: Desk) -> None:
    """List the nodes: where they are, their keys, what is pending, who is suspended."""
    found = desk.ask(NODES)
    columns = ("node", "address", "keys", "moving to", "because", "suspended")
    cells = [
        [
            row["code"],
            row["url"],
            "\n".join(row["keys"]),
            row["movingTo"] or "",
            row["movingBecause"] or "",
            when_text(row["suspendedAt"]),
        ]
        for row in found
    ]
    desk.show(found, lambda: [make_table("Nodes", columns, cells)])


@nodes.command()
@at_desk
def applications(desk: Desk) -> None:
    """List who applied, each with the fingerprint of its key."""
    found = desk.walk(APPLICATIONS)
    _show_applications(desk, found, found)


@nodes.command()
@click.argument("number")
@click.option("--fingerprint", required=True, help="As the applicant told it by another channel.")
@at_desk
def recommend(desk: Desk, number: str, fingerprint: str) -> None:
    """Say that an application is in order, as the first of two people."""
    row = desk.ask(RECOMMEND, id=number, fingerprint=fingerprint)
    _show_applications(desk, row, [row])


@nodes.command()
@click.argument("number")
@click.option("--fingerprint", required=True, help="As the applicant told it by another channel.")
@at_desk
def approve(desk: Desk, number: str, fingerprint: str) -> None:
    """Admit who was recommended, as the second person."""
    row = desk.ask(APPROVE, id=number, fingerprint=fingerprint)
    _show_applications(desk, row, [row])


@nodes.command()
@click.argument("node")
@click.option("--reason", required=True)
@at_desk
def suspend(desk: Desk, node: str, reason: str) -> None:
    """Propose that the hub vouches for NODE no more; another confirms."""
    row = desk.ask(SUSPEND, node=node, reason=reason)
    _show(desk, row, [row])


@nodes.command()
@click.argument("node")
@click.option("--reason", required=True)
@at_desk
def lift(desk: Desk, node: str, reason: str) -> None:
    """Propose that the hub vouches for NODE again; another confirms."""
    row = desk.ask(LIFT, node=node, reason=reason)
    _show(desk, row, [row])


@nodes.command()
@click.argument("number")
@at_desk
def confirm(desk: Desk, number: str) -> None:
    """Confirm a proposal to suspend or to lift, as another person."""
    row = desk.ask(CONFIRM, id=number)
    _show(desk, row, [row])


@nodes.command()
@click.argument("number")
@at_desk
def withdraw(desk: Desk, number: str) -> None:
    """Take back a proposal that waits."""
    row = desk.ask(WITHDRAW, id=number)
    _show(desk, row, [row])


@nodes.command()
@at_desk
def suspensions(desk: Desk) -> None:
    """List every proposal about a suspension, and what came of it."""
    found = desk.walk(SUSPENSIONS)
    _show(desk, found, found)


def _show(desk: Desk, found: Any, rows: list[dict[str, Any]]) -> None:
    columns = ("id", "node", "act", "state", "by", "reason")
    cells = [
        [
            row["id"],
            row["node"],
            row["act"],
            row["state"],
            ", ".join(filter(None, (row["proposedBy"], row["decidedBy"]))),
            row["reason"],
        ]
        for row in rows
    ]
    desk.show(found, lambda: [make_table("Suspensions", columns, cells)])


def _show_applications(desk: Desk, found: Any, rows: list[dict[str, Any]]) -> None:
    columns = ("id", "code", "name", "state", "fingerprint", "by", "reason")
    cells = [
        [
            row["id"],
            row["code"],
            row["name"],
            row["state"],
            row["keyId"],
            ", ".join(filter(None, (row["recommendedBy"], row["decidedBy"]))),
            row["reason"] or "",
        ]
        for row in rows
    ]
    desk.show(found, lambda: [make_table("Applications", columns, cells)])
