"""`federation ask`: a document of GraphQL goes to a server, and what it answers is shown."""

import sys
from typing import IO, Any, Final

import msgspec
import rich_click as click

from federation.desk.client import Desk, with_server

EXIT_REFUSED: Final = 1


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option(
    "--say",
    "said",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="A variable of the document, as text; as often as there are some.",
)
@with_server
def ask(desk: Desk, file: IO[str], said: tuple[tuple[str, str], ...]) -> None:
    """Send the document in FILE (- for standard input) and print the data of the answer as JSON.

    Exit code 1: something in it was refused; the answer says why.
    """
    data = desk.data(file.read(), dict(said))
    click.echo(msgspec.json.format(msgspec.json.encode(data)).decode())
    if any(is_refusal(value) for value in data.values()):
        sys.exit(EXIT_REFUSED)


def is_refusal(value: Any) -> bool:
    """Tell whether an answer is `Refused`: the code and the message of one, and nothing else."""
    return isinstance(value, dict) and value.keys() - {"__typename"} == {"code", "message"}
