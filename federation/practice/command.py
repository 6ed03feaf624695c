"""`federation practice`: start it, let days pass, let a node fail, hand in what others hand in."""

import socket
import sys
from pathlib import Path
from typing import ClassVar

import msgspec
import rich_click as click

from federation.desk.client import Desk, at_desk, refused
from federation.desk.printing import make_table, print_table
from federation.errors import RefusalError

FOLDER = click.Path(file_okay=False, path_type=Path)
KINDS = {".csv": "text/csv", ".ndjson": "application/x-ndjson"}
# What others than settlement's staff hand in, and at which door of a server.
DOORS = ("/usage", "/registry/works", "/registry/members", "/registry/optouts")
SECONDS_MAX = 120

READY = """\
The practice federation is ready. In another terminal:

  cd {folder}
  ./as alice federation month work

Ctrl-C ends it; federation practice resume {folder} goes on."""


class NoPracticeError(RefusalError):
    """No practice federation runs in this folder."""

    code: ClassVar[str] = "NO_PRACTICE"


@click.group()
def practice() -> None:
    """Practise on this machine a month of settlement, or a site behind its gate: not real."""


@practice.command()
@click.argument("folder", type=FOLDER)
def start(folder: Path) -> None:
    """Run a hub and three nodes in a new FOLDER until Ctrl-C, SIGTERM or the end of input."""
    _run(folder, is_new=True)


@practice.command()
@click.argument("folder", type=FOLDER)
def resume(folder: Path) -> None:
    """Go on in a FOLDER where practice was started before, on the day it was."""
    _run(folder, is_new=False)


def _run(folder: Path, *, is_new: bool) -> None:
    from federation import logs  # noqa: PLC0415
    from federation.practice.servers import run  # noqa: PLC0415 - loads both servers
    from federation.process import run_loop  # noqa: PLC0415 - loads a server

    logs.configure("error")
    ready = READY.format(folder=folder)
    run_loop(run(folder, lambda: click.echo(ready), sys.stdin, is_new=is_new))


@practice.command()
@click.argument("folder", type=FOLDER, default="practice-publisher")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Of the site; 8000 where a FOLDER is new, and what it was else.",
)
def publisher(folder: Path, port: int | None) -> None:
    """Try the gate of a site on http://press.localhost:PORT, in FOLDER, by today's clock.

    A hub and a node run until Ctrl-C, SIGTERM or the end of input. In a FOLDER where it ran before
    it goes on.
    """
    from federation import logs  # noqa: PLC0415
    from federation.practice.ending import run_until_ended  # noqa: PLC0415
    from federation.practice.publisher import practising  # noqa: PLC0415 - loads both servers
    from federation.practice.publisher_page import told  # noqa: PLC0415
    from federation.process import run_loop  # noqa: PLC0415 - loads a server

    logs.configure("error")
    running = practising(folder, port)
    run_loop(run_until_ended(running, lambda it: click.echo(told(it)), sys.stdin))


def _in_folder(function: click.decorators.FC) -> click.decorators.FC:
    option = click.option(
        "--dir", "folder", type=FOLDER, default=".", help="Where practice was started."
    )
    return option(function)


@practice.command()
@click.argument("day")
@_in_folder
def day(day: str, folder: Path) -> None:
    """Let time pass until the morning of a DAY, YYYY-MM-DD; everybody gets a new token."""
    click.echo(request(folder, "day", day))


@practice.command()
@click.argument("node")
@_in_folder
def down(node: str, folder: Path) -> None:
    """Let a NODE fail."""
    click.echo(request(folder, "down", node))


@practice.command()
@click.argument("node")
@_in_folder
def up(node: str, folder: Path) -> None:
    """Let a NODE that failed come back."""
    click.echo(request(folder, "up", node))


@practice.command()
@_in_folder
def console(folder: Path) -> None:
    """Let everybody sign in in a browser, and say where, and with which password."""
    from federation.practice.people import PEOPLE, address_of  # noqa: PLC0415 - loads a server
    from federation.practice.sign_in import PASSWORD  # noqa: PLC0415 - as above

    request(folder, "console")
    rows = [
        [person.name, f"{address_of(folder, person)}/sign-in", person.known_as, PASSWORD]
        for person in PEOPLE
    ]
    columns = ("name", "page", "signs in as", "password")
    print_table(make_table("In the browser", columns, rows))


@practice.command()
@click.argument("path", type=click.Choice(DOORS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@at_desk
def send(desk: Desk, path: str, file: Path) -> None:
    """Hand in what is not settlement's.

    Lines of usage (.ndjson) go to /usage; works, members and opt-outs (.csv) to /registry/works,
    /registry/members and /registry/optouts.
    """
    headers = {"Idempotency-Key": file.name}
    answer = desk.post(path, file.read_bytes(), KINDS.get(file.suffix, "text/plain"), headers)
    found = msgspec.json.decode(answer)
    rows = [[name, str(value)] for name, value in found.items() if isinstance(value, int)]
    desk.show(found, lambda: [make_table(f"{path}: {file.name}", ("what", "lines"), rows)])


def request(folder: Path, act: str, of: str = "") -> str:
    """Ask the practice federation of a folder to do something; return what it says."""
    try:
        port = int((folder / "port").read_text(encoding="ascii"))
        line = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX)
    except (OSError, ValueError) as error:
        raise NoPracticeError(str(folder)) from error
    with line, line.makefile("rb") as answers:
        line.sendall(msgspec.json.encode({"act": act, "of": of}) + b"\n")
        said = msgspec.json.decode(answers.readline())
    if said["code"]:
        raise refused(said["code"], said["text"])
    return str(said["text"])
