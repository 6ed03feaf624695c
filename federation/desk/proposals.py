"""`federation registry proposals`: what another proposed is listed, confirmed or refused."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import rich_click as click

from federation.desk.client import Desk, at_desk, when_text
from federation.desk.printing import make_table

PROPOSALS: Final = """query($first: Int!) { proposals(first: $first, state: WAITS) {
  edges { node { id act member details reason proposedBy expiresAt } } } }"""
CONFIRM: Final = """mutation($id: ID!) { confirmProposal(id: $id) {
  __typename ... on RegistryDone { act member } ... on Refused { code message } } }"""
REFUSE: Final = """mutation($id: ID!, $reason: String!) { refuseProposal(id: $id, reason: $reason) {
  __typename ... on Proposal { id act member reason state expiresAt }
  ... on Refused { code message } } }"""


@click.group()
def proposals() -> None:
    """Decide on acts that another officer proposed, or a member asked for (docs/registry.md)."""


@proposals.command("list")
@click.option("--first", type=click.IntRange(1, 100), default=20, show_default=True)
@at_desk
def list_proposals(desk: Desk, first: int) -> None:
    """List what waits, by number, with all that is to be done."""
    found = [edge["node"] for edge in desk.ask(PROPOSALS, first=first)["edges"]]
    columns = ("proposal", "act", "member", "details", "by", "because", "until")
    rows = [
        [
            row["id"],
            row["act"].replace("_", " ").lower(),
            row["member"] or "",
            in_words(row["details"]),
            row["proposedBy"],
            row["reason"],
            when_text(row["expiresAt"]),
        ]
        for row in found
    ]
    desk.show(found, lambda: [make_table("Proposals", columns, rows)])


@proposals.command("confirm")
@click.argument("number")
@at_desk
def confirm(desk: Desk, number: str) -> None:
    """Do what proposal NUMBER says; not by who made it."""
    found = desk.ask(CONFIRM, id=number)
    desk.show(found, lambda: [act_table(found)])


@proposals.command("refuse")
@click.argument("number")
@click.option("--reason", required=True, help="Why not.")
@at_desk
def refuse(desk: Desk, number: str, reason: str) -> None:
    """Refuse proposal NUMBER; not by who made it."""
    found = desk.ask(REFUSE, id=number, reason=reason)
    desk.show(found, lambda: [act_table(found)])


def in_words(details: str) -> str:
    """Return all that is to be done as one reads it: what is not said is left out."""
    said = msgspec.json.decode(details)
    for name in ("act", "member"):  # columns of their own
        said.pop(name, None)
    said |= said.pop("draft", {})
    return "; ".join(_said("", said))


def _said(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _said(f"{name} {key.replace('_', ' ')}".strip(), each)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for number, each in enumerate(value, start=1):
            yield from _said(f"{name} {number}", each)
    elif isinstance(value, list):
        yield from _said(name, ", ".join(map(str, value)))
    elif isinstance(value, bool):
        yield f"{name}: {'yes' if value else 'no'}"
    elif value not in {None, ""}:
        yield f"{name}: {value}"


def act_table(found: dict[str, Any]) -> Any:
    """Show an act that was done, or the proposal of it."""
    columns = ("act", "member", "proposal", "state")
    state = found.get("state", "DONE")
    row = [found["act"], found["member"] or "", found.get("id", ""), state]
    return make_table("Registry", columns, [row])
