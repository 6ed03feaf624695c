"""What the commands on a server's own machine share: its configuration, its event loop."""

import getpass
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from federation.config import HubConfig, NodeConfig

Result = TypeVar("Result")

_NAME_MAX: Final = 255  # as long as the audit log takes it

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# Not looked at here: `configuration` says in one line what is wrong with it.
CONFIG = click.Path(path_type=Path)
config_option = click.option("--config", type=CONFIG, required=True, help="The server's TOML file.")


def load_config(config: Path) -> "HubConfig | NodeConfig":
    """Read a configuration of either role: a node's names its hub."""
    from federation.configuration import reading  # noqa: PLC0415

    return reading.load_config(config)


def shell_user() -> str:
    """Return who types, as the audit log names it: no person of the directory has such a name."""
    return f"shell:{getpass.getuser()}"[:_NAME_MAX]


def run_loop(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on the fast event loop where there is one."""
    from federation import process as service  # noqa: PLC0415 - not for those who only ask a server

    return service.run_loop(main)
