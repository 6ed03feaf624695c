"""`federation people`: the directory of a server: who works there, and the two who change it."""

from typing import Any, ClassVar

import rich_click as click
from rich.table import Table

from federation.desk.client import Desk, Page, after, at_desk, in_pages, when_text
from federation.desk.printing import make_table
from federation.errors import RefusalError

PAGE_MAX = 100
STATES = ("PROPOSED", "IN_FORCE", "ENDED", "WITHDRAWN")
PERSON = """id subject version name roles party state reason proposedBy confirmedBy withdrawnBy
  validFrom validTo"""
RESULT = f"{{ __typename ... on Person {{ {PERSON} }} ... on Refused {{ code message }} }}"

PEOPLE = f"""query($first: Int!, $after: String, $subject: String, $state: PersonState) {{
  people(first: $first, after: $after, subject: $subject, state: $state) {in_pages(PERSON)} }}"""

PROPOSE = f"""mutation($subject: String!, $name: String!, $roles: [Role!]!, $party: String,
    $reason: String!) {{
  proposePerson(subject: $subject, name: $name, roles: $roles, party: $party, reason: $reason)
  {RESULT} }}"""

CONFIRM = f"mutation($id: ID!) {{ confirmPerson(id: $id) {RESULT} }}"

WITHDRAW = f"""mutation($id: ID!, $reason: String!) {{
  withdrawPerson(id: $id, reason: $reason) {RESULT} }}"""


class NotHereNowError(RefusalError):
    """Nobody of this subject works at this server."""

    code: ClassVar[str] = "UNKNOWN_PERSON"


@click.group()
def people() -> None:
    """Look after who works at a server: they join, change and leave by two people.

    A token is what `federation token --config F --subject S --role R` prints; R is
    federation_operator at the hub and node_operator at a node, or auditor to look.
    """


@people.command("list")
@click.option("--subject", help="One person, with all that it was.")
@click.option("--state", type=click.Choice(STATES), help="IN_FORCE, unless a subject is named.")
@click.option("--first", default=PAGE_MAX, show_default=True, type=click.IntRange(1, PAGE_MAX))
@after
@at_desk
def list_people(
    desk: Desk, subject: str | None, state: str | None, first: int, after: str | None
) -> None:
    """List who works here now, or what one person was and is."""
    wanted = state if state or subject else "IN_FORCE"
    page = desk.page(PEOPLE, first=first, after=after, subject=subject, state=wanted)
    if subject:
        _show(desk, page, page.rows, page.title("People"))
    else:
        desk.show(page, lambda: [_short(page)])


def _short(page: Page) -> Table:
    """Return who is who, in as little room as a terminal may have; the rest is asked of one."""
    cells = [
        [
            row["id"],
            row["subject"],
            row["name"],
            ", ".join(row["roles"]) + (f" for {row['party']}" if row["party"] else ""),
            row["state"],
        ]
        for row in page.rows
    ]
    columns = ("id", "subject", "name", "roles", "state")
    title = f"{page.title('People')}; all of one: --subject SUBJECT"
    return make_table(title, columns, cells)


@people.command()
@click.argument("subject")
@click.option("--name", required=True, help="What people call the person.")
@click.option("--role", "roles", multiple=True, required=True, help="Each of its roles.")
@click.option("--party", help="The lab or member that the person stands for.")
@click.option("--reason", required=True)
@at_desk
def propose(
    desk: Desk, subject: str, name: str, roles: tuple[str, ...], party: str | None, reason: str
) -> None:
    """Propose what SUBJECT is to be, whole: who joins, and who changes; another confirms."""
    row = desk.ask(
        PROPOSE, subject=subject, name=name, roles=list(roles), party=party, reason=reason
    )
    _show(desk, row, [row])


@people.command()
@click.argument("subject")
@click.option("--reason", required=True)
@at_desk
def leave(desk: Desk, subject: str, reason: str) -> None:
    """Propose that SUBJECT leaves, and holds no role from then on; another confirms."""
    known = desk.page(PEOPLE, first=1, after=None, subject=subject, state="IN_FORCE").rows
    if not known:
        raise NotHereNowError(subject)
    row = desk.ask(
        PROPOSE,
        subject=subject,
        name=known[0]["name"],
        roles=[],
        party=known[0]["party"],
        reason=reason,
    )
    _show(desk, row, [row])


@people.command()
@click.argument("number")
@at_desk
def confirm(desk: Desk, number: str) -> None:
    """Confirm a proposal as another person, whom it does not concern."""
    row = desk.ask(CONFIRM, id=number)
    _show(desk, row, [row])


@people.command()
@click.argument("number")
@click.option("--reason", required=True)
@at_desk
def withdraw(desk: Desk, number: str, reason: str) -> None:
    """Take back a proposal that waits."""
    row = desk.ask(WITHDRAW, id=number, reason=reason)
    _show(desk, row, [row])


def _show(desk: Desk, found: Any, rows: list[dict[str, Any]], title: str = "People") -> None:
    columns = ("id", "subject", "name", "roles", "for", "state", "from", "until", "by", "reason")
    cells = [
        [
            row["id"],
            row["subject"],
            row["name"],
            ", ".join(row["roles"]) or "none: has left",
            row["party"] or "",
            row["state"],
            when_text(row["validFrom"]),
            when_text(row["validTo"]),
            ", ".join(filter(None, (row["proposedBy"], row["confirmedBy"], row["withdrawnBy"]))),
            row["reason"],
        ]
        for row in rows
    ]
    desk.show(found, lambda: [make_table(title, columns, cells)])
