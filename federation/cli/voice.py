"""`federation voice`: which of two databases speaks for a server."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from federation.cli.options import config_option, load_config, run_loop, shell_user
from federation.clock import Clock, system_clock

if TYPE_CHECKING:
    from federation.config import HubConfig, NodeConfig


@click.group()
def voice() -> None:
    """Say which of two databases speaks for a server."""


@voice.command("claim")
@config_option
@click.option("--because", required=True, help="Why it is this one: kept in the audit log.")
def voice_claim(config: Path, because: str) -> None:
    """Let this database speak, also where others heard another one; the server is stopped."""
    run_loop(_claim(load_config(config), because, system_clock))
    click.echo("This database speaks from now on. End the other one, then start this server.")


async def _claim(config: "HubConfig | NodeConfig", because: str, clock: Clock) -> None:
    from federation.edge.data_folder import DataFolder  # noqa: PLC0415 - not for other commands
    from federation.people import voices  # noqa: PLC0415
    from federation.store.database import Database  # noqa: PLC0415
    from federation.store.migrations import require_migrated  # noqa: PLC0415

    folder = DataFolder(config.data_dir, config.entity_id, is_shared=False)
    database = Database(config.database_url, clock=clock)
    try:
        await require_migrated(database)
        async with database.write("voice.claim") as session:
            await voices.claim(session, who=shell_user(), reason=because, now=clock())
    finally:
        await database.close()
        folder.close()
