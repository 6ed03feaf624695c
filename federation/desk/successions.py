"""`federation registry successions`: who stands in the place of whom is proposed, and listed."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import rich_click as click

from federation.desk.client import Desk, at_desk
from federation.desk.printing import make_table
from federation.desk.proposals import act_table

PAPER: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
SUCCESSIONS: Final = """query($first: Int!, $member: String) {
  successions(first: $first, member: $member) { edges { node {
    id subject startsOn successors { member shareBps } declaredBy capacity ground } } } }"""
_ANSWERED: Final = """{ __typename ... on RegistryDone { act member }
  ... on Proposal { id act member reason state expiresAt } ... on Refused { code message } } }"""
RECORD: Final = f"""mutation($succession: SuccessionInput!, $reason: String!) {{
  recordSuccession(succession: $succession, reason: $reason) {_ANSWERED}"""
WITHDRAW: Final = f"""mutation($id: ID!, $reason: String!) {{
  withdrawSuccession(id: $id, reason: $reason) {_ANSWERED}"""


@click.group()
def successions() -> None:
    """Say who succeeds a member or rightholder that died or closed (docs/registry.md)."""


@successions.command("list")
@click.option("--member", help="Of one member, or to which it succeeds; of all by default.")
@click.option("--first", type=click.IntRange(1, 100), default=20, show_default=True)
@at_desk
def list_successions(desk: Desk, member: str | None, first: int) -> None:
    """List successions by number."""
    found = [edge["node"] for edge in desk.ask(SUCCESSIONS, first=first, member=member)["edges"]]
    columns = ("succession", "of", "from", "successors", "declared by", "ground")
    desk.show(found, lambda: [make_table("Successions", columns, [_cells(row) for row in found])])


@successions.command("record")
@click.argument("subject")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first UTC day."
)
@click.option(
    "--share",
    "shares",
    type=(str, click.IntRange(1, 10_000)),
    multiple=True,
    required=True,
    help="A successor and its part in 1/10,000; the parts are 10,000 together.",
)
@click.option("--ground", required=True, help="On what ground: will, law, contract.")
@click.option("--declared-by", required=True, help="Who declared it.")
@click.option("--capacity", required=True, help="In which capacity: executor of the will.")
@click.option(
    "--paper",
    "papers",
    type=(str, str, PAPER),
    multiple=True,
    required=True,
    help="A paper that proves it: its kind, where it is kept, its file (only its SHA-256 is sent).",
)
@click.option("--reason", required=True, help="Why; it is kept with the act.")
@at_desk
def record(
    desk: Desk,
    subject: str,
    since: datetime,
    shares: tuple[tuple[str, int], ...],
    papers: tuple[tuple[str, str, Path], ...],
    **said: str,
) -> None:
    """Propose who succeeds SUBJECT, member:ID or rightholder:ID; another officer confirms it."""
    succession = {
        "subject": subject,
        "startsOn": since.date().isoformat(),
        "successors": [{"member": member, "shareBps": bps} for member, bps in shares],
        "ground": said["ground"],
        "declaredBy": said["declared_by"],
        "capacity": said["capacity"],
        "papers": [
            {"kind": kind, "reference": reference, "sha256": _digest(file)}
            for kind, reference, file in papers
        ],
    }
    found = desk.ask(RECORD, succession=succession, reason=said["reason"])
    desk.show(found, lambda: [act_table(found)])


@successions.command("withdraw")
@click.argument("number")
@click.option("--reason", required=True, help="Why it never was right.")
@at_desk
def withdraw(desk: Desk, number: str, reason: str) -> None:
    """Propose to take succession NUMBER back; another officer confirms it."""
    found = desk.ask(WITHDRAW, id=number, reason=reason)
    desk.show(found, lambda: [act_table(found)])


def _digest(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _cells(row: dict[str, Any]) -> list[str]:
    shares = ", ".join(f"{one['member']} {one['shareBps']:,}" for one in row["successors"])
    declared = f"{row['declaredBy']}, {row['capacity']}"
    return [row["id"], row["subject"], row["startsOn"], shares, declared, row["ground"]]
