"""The commands `federation keys`: a server's own keys, on its own machine."""

from pathlib import Path
from typing import Final

import rich_click as click

from federation.cli.options import config_option, load_config, run_loop
from federation.clock import system_clock


@click.group()
def keys() -> None:
    """Look after a server's own keys (docs/keys.md); a running server follows within seconds."""


_urgent_option = click.option(
    "--now",
    "urgent_because",
    metavar="REASON",
    help="An emergency: do not wait until its time. The reason is kept.",
)


@keys.command("list")
@config_option
def keys_list(config: Path) -> None:
    """List every key this server ever had."""
    from federation.cli import own_keys  # noqa: PLC0415 - needed by no server

    click.echo(run_loop(own_keys.list_keys(load_config(config), system_clock)))


@keys.command("next")
@config_option
@click.option(
    "--purpose",
    type=click.Choice(["TOKEN", "FEDERATION"]),
    default="TOKEN",
    show_default=True,
    help="What it is to sign.",
)
def keys_next(config: Path, purpose: str) -> None:
    """Make the key that is to sign next, and publish it."""
    from federation.cli import own_keys  # noqa: PLC0415 - needed by no server

    click.echo(run_loop(own_keys.make_next(load_config(config), purpose, system_clock)))


# One key in 64 has an id that begins with a dash, as options do.
_WITH_KID: Final = {"ignore_unknown_options": True}


@keys.command("activate", context_settings=_WITH_KID)
@click.argument("kid")
@config_option
@_urgent_option
def keys_activate(kid: str, config: Path, urgent_because: str | None) -> None:
    """Let the published key KID sign from now on; the one before it only checks."""
    from federation.cli import own_keys  # noqa: PLC0415 - needed by no server

    click.echo(run_loop(own_keys.activate(load_config(config), kid, urgent_because, system_clock)))


@keys.command("retire", context_settings=_WITH_KID)
@click.argument("kid")
@config_option
@_urgent_option
def keys_retire(kid: str, config: Path, urgent_because: str | None) -> None:
    """Publish the key KID no more: what it signed is refused."""
    from federation.cli import own_keys  # noqa: PLC0415 - needed by no server

    click.echo(run_loop(own_keys.retire(load_config(config), kid, urgent_because, system_clock)))


@keys.command("encrypt-again")
@config_option
def keys_encrypt_again(config: Path) -> None:
    """Encrypt the private keys with the first of the secrets in `key_secret`."""
    from federation.cli import own_keys  # noqa: PLC0415 - needed by no server

    click.echo(run_loop(own_keys.encrypt_again(load_config(config), system_clock)))


@keys.command("secret")
def keys_secret() -> None:
    """Print a new secret for `key_secret`."""
    from federation.trust.key_secret import new_secret  # noqa: PLC0415 - needed by no server

    click.echo(new_secret())
