"""`federation config`: begin a configuration, and show what one comes to."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from federation.cli.options import config_option
from federation.configuration import beginning
from federation.configuration.fields import Field
from federation.configuration.showing import show


@click.group("config")
def configuration() -> None:
    """Begin a server's configuration, and see what it comes to."""


@configuration.command("show")
@config_option
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
def config_show(config: Path, origin: bool) -> None:
    """Print every field with its value, the environment's on top; secrets are blotted out."""
    click.echo(show(config, os.environ, with_origin=origin))


@configuration.group("init")
def config_init() -> None:
    """Write a first configuration, with what each field means."""


def _begin(role: str) -> Callable[..., None]:
    def command(out: Path, database_url: str | None, port: int | None, **said: str | None) -> None:
        fields = {_parameter(field): field for field in beginning.asked(role)}
        missing = [name for name in fields if said[name] is None]
        if missing and not sys.stdin.isatty():
            flags = ", ".join("--" + name.replace("_", "-") for name in missing)
            raise click.UsageError(f"Without a terminal nobody can be asked for: {flags}")
        values: dict[str, Any] = {field.name: said[name] for name, field in fields.items()}
        for name in missing:
            values[fields[name].name] = click.prompt(fields[name].meaning.rstrip("."), err=True)
        values |= {"database_url": database_url} if database_url else {}
        values |= {"port": port} if port else {}
        values |= {"data_dir": f"{out.stem}-data"}  # several may stand side by side
        beginning.begin(role, values, out)
        click.echo(f"{out} is written. Next: federation db upgrade --config {out}", err=True)

    command.__doc__ = f"Write a {role}'s first configuration; what no flag says is asked for."
    return command


def _parameter(field: Field) -> str:
    return "_".join(field.steps)


for _role in beginning.ROLES:
    _made = _begin(_role)
    for _field in reversed(beginning.asked(_role)):
        _flag = "--" + _parameter(_field).replace("_", "-")
        _made = click.option(_flag, help=_field.meaning)(_made)
    _made = click.option("--port", type=click.IntRange(1, 65_535), help="To listen at.")(_made)
    _made = click.option("--database-url", help="postgresql://… or sqlite:///…")(_made)
    _made = click.option(
        "--out", type=click.Path(path_type=Path), default=f"{_role}.toml", show_default=True
    )(_made)
    config_init.command(_role)(_made)
