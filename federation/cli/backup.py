"""`federation backup` and `federation restore`: a server's data in one file, and out of it."""

import sys
from pathlib import Path

import rich_click as click

from federation.cli.options import CONFIG, FILE, config_option, load_config, run_loop, shell_user
from federation.clock import system_clock

NEW = click.Path(dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--config", type=CONFIG, help="The server's TOML file.")
@click.option("--to", type=NEW, help="The file to write; it may not be there yet.")
@click.option("--recovery-key", type=FILE, help="The public one: the secrets are sealed for it.")
@click.pass_context
def backup(
    at: click.Context, config: Path | None, to: Path | None, recovery_key: Path | None
) -> None:
    """Copy all that a server has into one file, while it serves or not."""
    if at.invoked_subcommand is not None:
        return
    if config is None or to is None:
        raise click.UsageError("Name the server (--config) and the file to write (--to).")
    from federation.backup import sealing, taking  # noqa: PLC0415 - needed by no server

    key = None if recovery_key is None else sealing.read_public(recovery_key)
    made = run_loop(taking.take(load_config(config), to, key, system_clock))
    click.echo(f"{to}: {made.entity_id} as of {made.taken_at:%Y-%m-%d %H:%M:%S} UTC.")
    if any(part.name == "secrets" for part in made.parts):
        click.echo("Its secrets are in it, sealed for the recovery key.")
    else:
        click.echo("Its secrets are NOT in it: keep key.secret and client-secrets.pepper as well.")


@backup.command("key")
@click.option("--private", type=NEW, required=True, help="For a safe: it opens the secrets.")
@click.option("--public", type=NEW, required=True, help="For the server: it seals them.")
def backup_key(private: Path, public: Path) -> None:
    """Make a recovery key, for which the secrets in backups are sealed."""
    from federation.backup import sealing  # noqa: PLC0415 - needed by no server

    sealing.make_pair(private, public)
    click.echo(f"Take {private} off this machine; {public} is what `federation backup` is given.")


@backup.command("verify")
@click.argument("file", type=FILE)
def backup_verify(file: Path) -> None:
    """Say whose backup a file is, after all of it was checked."""
    from federation.backup.archive import opened_archive  # noqa: PLC0415 - needed by no server

    with opened_archive(file) as found:
        stated = found.manifest
    click.echo(
        f"{stated.entity_id} as of {stated.taken_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"version {stated.version}, {stated.database} at {stated.revision}"
    )
    for part in stated.parts:
        click.echo(f"  {part.name:<10}{part.size:>14} bytes  {part.sha256}")


@click.command()
@config_option
@click.option("--from", "source", type=FILE, required=True, help="The backup.")
@click.option("--recovery-key", type=FILE, help="The private one: it opens the secrets.")
def restore(config: Path, source: Path, recovery_key: Path | None) -> None:
    """Put a backup into an empty folder and database, and examine every invariant of it.

    Exits 1 if one is violated.
    """
    from federation.backup import restoring, sealing  # noqa: PLC0415 - needed by no server
    from federation.cli import check  # noqa: PLC0415

    found = load_config(config)
    key = None if recovery_key is None else sealing.read_recovery(recovery_key)
    done = run_loop(restoring.restore(found, source, key, shell_user(), system_clock))
    examined = run_loop(check.check_server(found))
    click.echo(examined.as_text())
    click.echo("")
    click.echo(f"This is {found.entity_id} as of {done.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC.")
    if not done.has_keys:
        click.echo(f"Its keys cannot be used: put key.secret into {found.data_dir}, or configure")
        click.echo("key_secret, and put client-secrets.pepper beside it, before it is started.")
    if examined.violations:
        sys.exit(1)
