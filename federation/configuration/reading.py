"""Read a configuration: a TOML file, then the environment on top of it.

Every field can be overridden by `FEDERATION_` and its path in capitals (`FEDERATION_PORT`,
`FEDERATION_HUB_URL`), and read from a file by the same name with `_FILE`, as secrets are handed
over; lists and tables are written as JSON there. What is not known is refused, in the file and in
the environment alike: a misspelt limit must not pass for the default.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from federation.config import ConfigError, HubConfig, NodeConfig, ServerConfig
from federation.configuration.allowed import with_allowed
from federation.configuration.fields import PREFIX, steps_by_variable

KEY_SECRET_FILE: Final = "FEDERATION_KEY_SECRET_FILE"  # noqa: S105 - the name of a variable
OF_CLIENTS: Final = frozenset(
    {"FEDERATION_URL", "FEDERATION_TOKEN"}
)  # of commands that ask a server

Config = TypeVar("Config", bound=ServerConfig)
Steps = tuple[str, ...]


class Given(NamedTuple):
    """What file and environment say, before it is checked, and which variable set which field."""

    values: dict[str, Any]
    variables: Mapping[Steps, str]


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> HubConfig | NodeConfig:
    """Read a configuration of either role: a node's names its hub."""
    return _load(path, environ, role_of(path))


def load_hub_config(path: Path, environ: Mapping[str, str] = os.environ) -> HubConfig:
    """Read a hub's configuration; a relative `data_dir` stands beside the file."""
    return _load(path, environ, HubConfig)


def load_node_config(path: Path, environ: Mapping[str, str] = os.environ) -> NodeConfig:
    """Read a node's configuration; a relative `data_dir` stands beside the file."""
    return _load(path, environ, NodeConfig)


def role_of(path: Path) -> type[HubConfig | NodeConfig]:
    """Return whose configuration a file is: a node's names its hub."""
    return NodeConfig if "hub" in _read(path) else HubConfig


def given(path: Path, environ: Mapping[str, str], kind: type[ServerConfig]) -> Given:
    """Return what is said to a server of this kind, the environment's word last."""
    values = _read(path)
    if kind is NodeConfig and "clearing_currency" in values:
        raise ConfigError(f"{path}: this is a hub's configuration")
    if kind is HubConfig and "settlement_currency" in values:
        raise ConfigError(f"{path}: this is a node's configuration")
    return Given(values, _override(values, environ, kind))


def _load(path: Path, environ: Mapping[str, str], kind: type[Config]) -> Config:
    values = given(path, environ, kind).values
    try:
        return msgspec.convert(values, kind, dec_hook=partial(_beside, path.parent))
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {with_allowed(str(error), kind)}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _override(
    values: dict[str, Any], environ: Mapping[str, str], kind: type[ServerConfig]
) -> dict[Steps, str]:
    """Lay the variables over the values of the file, each read as the type of its field."""
    fields = steps_by_variable(kind)
    set_by = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        if variable in OF_CLIENTS:
            continue
        name = variable if variable in fields else variable.removesuffix("_FILE")
        if name not in fields:
            raise ConfigError(f"{variable}: no such field")
        if name != variable and name in environ:
            raise ConfigError(f"{variable}: {name} is set as well")
        steps, of = fields[name]
        text = environ[variable] if name == variable else _secret(variable, environ[variable])
        _set(values, steps, _value(variable, text, of))
        set_by[steps] = variable
    return set_by


def _secret(variable: str, path: str) -> str:
    """Read a file by which a secret is handed over: to this user, or to its group."""
    try:
        if variable == KEY_SECRET_FILE and Path(path).stat().st_mode & stat.S_IROTH:
            raise ConfigError(f"{variable}: everybody may read {path}; chmod 600")
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{variable}: {path} cannot be read") from error


def _value(variable: str, text: str, of: Any) -> Any:
    """Read a variable as text if its field takes text, else as JSON."""
    read = partial(msgspec.convert, type=of, dec_hook=partial(_beside, Path()))
    try:
        read(text)
    except msgspec.ValidationError as refused:
        try:
            value = msgspec.json.decode(text)
            read(value)
        except ValueError as error:
            refusal = error if isinstance(error, msgspec.ValidationError) else refused
            raise ConfigError(f"{variable}: {with_allowed(str(refusal), of)}") from error
        return value
    return text


def _beside(folder: Path, kind: type, value: object) -> object:
    """Read a path; a relative one starts from `folder`."""
    if kind is Path and isinstance(value, str) and value:
        return (folder / value).absolute()
    raise ValueError(f"{value!r} is no path")


def _set(values: dict[str, Any], steps: tuple[str, ...], value: Any) -> None:
    for step in steps[:-1]:
        inner = values.get(step)
        values[step] = values = inner if isinstance(inner, dict) else {}
    values[steps[-1]] = value
