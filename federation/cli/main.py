"""The command `federation`: servers, databases, tokens, scenarios, the demo, checks.

Commands that need a server's parts import them when they run: the others answer at once.
"""

import contextlib
import gc
import sys
from datetime import datetime
from pathlib import Path
from typing import Literal

import rich_click as click

from federation import __version__
from federation.cli.backup import backup, restore
from federation.cli.configuration import configuration
from federation.cli.exits import end_refused, end_without_file
from federation.cli.keys import keys
from federation.cli.options import CONFIG, FILE, config_option, load_config, run_loop
from federation.cli.paper import paper
from federation.cli.serving import hub, node
from federation.cli.voice import voice
from federation.clock import system_clock
from federation.conformance.command import conformance
from federation.desk.asking import ask
from federation.desk.audit import audit
from federation.desk.clients import clients
from federation.desk.deliveries import deliveries
from federation.desk.nodes import nodes
from federation.desk.people import people
from federation.desk.registry import registry
from federation.desk.sign_in import account, sign_in
from federation.errors import RefusalError
from federation.practice.command import practice
from federation.settlementdesk.month import month
from federation.settlementdesk.reconcile import reconcile

FOLDER = click.Path(file_okay=False, path_type=Path)


def main() -> None:
    """Run the command; a refusal is one clear line and an exit code (`exits`).

    The cycle collector looks seldom: what is imported stays, and looking took a fifth of the start.
    """
    gc.set_threshold(50_000, 20, 50)
    try:
        cli(standalone_mode=False)
    except RefusalError as refusal:
        end_refused(refusal)
    except OSError as error:
        end_without_file(error)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("federation: stopped", err=True)
        sys.exit(130)


@click.group()
@click.version_option(__version__, prog_name="federation")
def cli() -> None:
    """One worldwide AI licence, honoured by every national collective, every cent accounted for."""


for command in (
    ask,
    audit,
    backup,
    clients,
    configuration,
    conformance,
    deliveries,
    hub,
    keys,
    month,
    node,
    nodes,
    paper,
    people,
    practice,
    reconcile,
    registry,
    restore,
    sign_in,
    account,
    voice,
):
    cli.add_command(command)


@cli.group()
def db() -> None:
    """Look after a server's database."""


@db.command("upgrade")
@config_option
def db_upgrade(config: Path) -> None:
    """Bring the database to the newest revision."""
    from federation.store.migrations import upgrade_database  # noqa: PLC0415 - only this one needs it

    found = load_config(config)
    found.data_dir.mkdir(parents=True, exist_ok=True)
    run_loop(upgrade_database(found.database_url))
    click.echo("The database is at the newest revision.")


@cli.command()
@config_option
@click.option("--subject", required=True, help="A person of the server's directory.")
@click.option("--role", required=True, help="One of that person's roles.")
def token(config: Path, subject: str, role: str) -> None:
    """Sign a token for somebody who works at this server (12 hours)."""
    from federation.edge.staff import token_of_person  # noqa: PLC0415 - only this one needs it

    click.echo(run_loop(token_of_person(load_config(config), subject, role, system_clock)))


@people.command("first")
@config_option
@click.option("--subject", required=True, help="By what the server is to know the person.")
@click.option("--name", required=True, help="What people call the person.")
def people_first(config: Path, subject: str, name: str) -> None:
    """Take in one who may change the directory, while fewer than two can: on the machine itself."""
    from federation.cli.people import first  # noqa: PLC0415 - needed by no server

    run_loop(first(load_config(config), subject, name, system_clock))
    click.echo(f"{subject} is in the directory. It takes two to change it.")


@db.command("check")
@config_option
def db_check(config: Path) -> None:
    """Say whether the database is at the newest revision and its tables are as they should be."""
    from federation.store.migrations import check_database  # noqa: PLC0415 - only this one needs it

    run_loop(check_database(load_config(config).database_url))
    click.echo("The database is as this version of the code expects.")


@cli.command()
@click.option("--run", "run_file", type=FILE, help="A runs/<period>.json file.")
@click.option("--config", type=CONFIG, help="A server's TOML file: its live database.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def check(run_file: Path | None, config: Path | None, as_json: bool) -> None:
    """Recompute a run from its file alone, or examine every invariant on a live database."""
    from federation.cli import check as checking  # noqa: PLC0415 - needed by no server

    if (run_file is None) == (config is None):
        raise click.UsageError("Name a run file (--run) or a server (--config).")
    found: checking.Found | checking.Examined
    if run_file is not None:
        found = checking.check_run(run_file.read_bytes())
    else:
        assert config is not None  # noqa: S101 - one of the two is there
        found = run_loop(checking.check_server(load_config(config)))
    click.echo(found.as_json() if as_json else found.as_text())
    if found.violations:
        sys.exit(1)


@cli.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print what was seen as JSON.")
def doctor(config: Path, as_json: bool) -> None:
    """Look at one server from its machine: what is wrong, what to do. Exits 1 if anything is."""
    from federation.cli import doctor as looking  # noqa: PLC0415 - needed by no server

    seen = run_loop(looking.examine(load_config(config), system_clock))
    click.echo(looking.as_json(seen) if as_json else looking.as_text(seen))
    if any(each.state == "wrong" for each in seen):
        sys.exit(1)


@cli.group()
def ledger() -> None:
    """Read a server's books."""


@ledger.command("export")
@config_option
@click.option(
    "--format", "form", type=click.Choice(["beancount", "hledger"]), required=True, help="Whose."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day to count.")
def ledger_export(config: Path, form: str, until: datetime | None) -> None:
    """Write the journal of a live database for an outside program to check."""
    from federation.cli.ledger import export  # noqa: PLC0415 - needed by no server

    run_loop(export(load_config(config), form, until.date() if until else None, sys.stdout.buffer))
    sys.stdout.flush()


@cli.command()
@click.argument("role", type=click.Choice(["hub", "node"]))
def schema(role: str) -> None:
    """Print the GraphQL schema of a role."""
    from federation.cli.sdl import sdl  # noqa: PLC0415 - loads one role only

    click.echo(sdl(role), nl=False)


@cli.command()
@click.argument("role", type=click.Choice(["hub", "node"]))
def openapi(role: Literal["hub", "node"]) -> None:
    """Print what can be asked of a role over HTTP beside GraphQL, in OpenAPI 3.1."""
    from federation.cli.sdl import openapi_text  # noqa: PLC0415 - needed by no server

    click.echo(openapi_text(role), nl=False)


@cli.group()
def scenario() -> None:
    """Run a federation that lies on disk."""


@scenario.command("run")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=FOLDER, required=True, help="Where the results go.")
@click.option("--processes", is_flag=True, help="Each server as a process of its own.")
@click.option("--quiet", is_flag=True, help="Say nothing on success.")
def scenario_run(folder: Path, out: Path, processes: bool, quiet: bool) -> None:
    """Drive the scenario in FOLDER over HTTP and write OUT."""
    from federation import logs  # noqa: PLC0415
    from federation.scenario.processors import one_processor  # noqa: PLC0415
    from federation.scenario.runner import run_scenario  # noqa: PLC0415 - loads both servers

    logs.configure("warning")

    def say(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    # Processes may go where they like; within one, more processors only get in each other's way.
    with contextlib.nullcontext() if processes else one_processor():
        written = run_loop(run_scenario(folder, out, processes=processes, say=say))
    if not quiet:
        click.echo(f"{len(written)} files in {out}", err=True)


@cli.command()
@click.option("--out", type=FOLDER, default="demo-out", show_default=True, help="For the files.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def demo(out: Path, as_json: bool) -> None:
    """Play the whole story on this machine: join, buy, crawl, settle, pay.

    On a terminal the servers stay up until Ctrl-C.
    """
    from federation import logs  # noqa: PLC0415
    from federation.demo import command, teller  # noqa: PLC0415 - loads both servers

    logs.configure("error")  # a node that is down is part of the story
    tell = teller.Teller(teller.make_console(to_stderr=as_json))
    is_to_stay = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    report = run_loop(command.run_demo(out, tell, is_to_stay=is_to_stay))
    if as_json:
        click.echo(command.json_text(report))


if __name__ == "__main__":
    main()
