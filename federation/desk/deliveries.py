"""`federation deliveries`: messages that another server does not take, and why."""

import rich_click as click

from federation.desk.client import Desk, at_desk
from federation.desk.printing import make_table

_STREAM = "target stream sequence waiting"
NOT_TAKEN = f"{{ streamsNotTaken {{ {_STREAM} reason }} }}"
RENUMBER = f"""mutation($target: String!, $stream: String!, $expected: Int!, $reason: String!) {{
  renumberStream(target: $target, stream: $stream, expected: $expected, reason: $reason) {{
    __typename ... on StreamRenumbered {{ {_STREAM} }} ... on Refused {{ code message }} }} }}"""
_COLUMNS = ("to", "stream", "number", "waiting")


@click.group()
def deliveries() -> None:
    """Look after the messages of a server to others (docs/trust.md).

    A token is what `federation token --config gb.toml --subject S --role node_operator` prints, or
    with the role auditor to look.
    """


@deliveries.command("list")
@at_desk
def list_streams(desk: Desk) -> None:
    """List the streams that were not taken when they were last sent, and why."""
    found = desk.ask(NOT_TAKEN)
    cells = [
        [row["target"], row["stream"], str(row["sequence"]), str(row["waiting"]), row["reason"]]
        for row in found
    ]
    desk.show(found, lambda: [make_table("Not taken", (*_COLUMNS, "because"), cells)])


@deliveries.command()
@click.argument("target")
@click.argument("stream")
@click.option("--expected", required=True, type=int, help="Number that TARGET expects.")
@click.option("--reason", required=True)
@at_desk
def renumber(desk: Desk, target: str, stream: str, expected: int, reason: str) -> None:
    """Number what waits in STREAM to TARGET anew: somebody else used its numbers."""
    row = desk.ask(RENUMBER, target=target, stream=stream, expected=expected, reason=reason)
    cells = [[row["target"], row["stream"], str(row["sequence"]), str(row["waiting"])]]
    desk.show(row, lambda: [make_table("Numbered anew", _COLUMNS, cells)])
