"""`federation audit`: who did what to what at a server, newest first."""

import re
from typing import Any

import rich_click as click

from federation.desk.client import Desk, after, at_desk, in_pages, when_text
from federation.desk.printing import make_table

PAGE_MAX = 100
_INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00\Z")

ACT = "number at actor act subject detail { name value } previous hash"
AUDIT_LOG = f"""query($first: Int!, $after: String, $subject: String, $act: String) {{
  auditLog(first: $first, after: $after, subject: $subject, act: $act) {in_pages(ACT)} }}"""


@click.command()
@click.option(
    "--first",
    default=50,
    show_default=True,
    type=click.IntRange(1, PAGE_MAX),
    help="How many to show.",
)
@after
@click.option("--subject", help="What was done to this only, as HUB-000001 or anna.")
@click.option("--act", help="This kind of act only, as licence.revoke.")
@at_desk
def audit(desk: Desk, first: int, after: str | None, subject: str | None, act: str | None) -> None:
    """Show the audit log: who did what to what, newest first.

    A token is what `federation token --config F --subject S --role R` prints; R is auditor,
    federation_operator or node_operator.
    """
    page = desk.page(AUDIT_LOG, first=first, after=after, subject=subject, act=act)
    columns = ("number", "at", "actor", "act", "subject", "detail")
    rows = [
        [
            item["number"],
            when_text(item["at"]),
            item["actor"],
            item["act"],
            item["subject"],
            _detail(item),
        ]
        for item in page.rows
    ]
    desk.show(page, lambda: [make_table(page.title(f"Acts: {len(rows)}"), columns, rows)])


def _detail(item: dict[str, Any]) -> str:
    said = ((each["name"], each["value"]) for each in item["detail"] if each["value"])
    return ", ".join(f"{name} {_INSTANT.sub(_shortened, value)}" for name, value in said)


def _shortened(instant: re.Match[str]) -> str:
    return when_text(instant[0])
