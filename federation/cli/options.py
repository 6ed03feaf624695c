"""What the commands on a server's own machine share: its configuration, its event loop."""

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from federation.config import HubConfig, NodeConfig

Result = TypeVar("Result")

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
config_option = click.option("--config", type=FILE, required=True, help="The server's TOML file.")


def load_config(config: Path) -> "HubConfig | NodeConfig":
    """Read a configuration of either role: a node's names its hub."""
    import tomllib  # noqa: PLC0415

    from federation.config import load_hub_config, load_node_config  # noqa: PLC0415

    is_node = "hub" in tomllib.loads(config.read_text(encoding="utf-8"))
    return load_node_config(config) if is_node else load_hub_config(config)


def run_loop(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on the fast event loop where there is one."""
    from federation import process as service  # noqa: PLC0415 - not for those who only ask a server

    return service.run_loop(main)
