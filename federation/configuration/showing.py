"""Show what a server would be told, and where each word comes from; secrets are not repeated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from federation.configuration.fields import fields_of, table_of
from federation.configuration.reading import given, load_config, role_of
from federation.configuration.toml import toml_value
from federation.logs import REDACTED, redact

_SECRET: Final = frozenset({"key_secret", "metrics_token"})


def show(path: Path, environ: Mapping[str, str], *, with_origin: bool) -> str:
    """Return a line for each field: its value and, if asked, who said so (BAD_CONFIG)."""
    kind, config = role_of(path), load_config(path, environ)
    said = given(path, environ, kind)
    lines = []
    for field in fields_of(kind):
        if table_of(field.of) is not None:
            continue  # its own fields follow
        value = _reached(config, field.steps)
        if value is None:
            continue
        line = f"{field.name} = {toml_value(_shown(field.name, value))}"
        origin = _origin(field.steps, said.values, said.variables, path)
        lines.append(f"{line}  # {origin}" if with_origin else line)
    return "\n".join(lines)


def _reached(config: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        config = getattr(config, step, None)
    return config


def _shown(name: str, value: Any) -> Any:
    if name in _SECRET:
        return REDACTED if value else value
    built = msgspec.to_builtins(value, enc_hook=str)
    return redact(None, "", {"value": built})["value"]


def _origin(
    steps: tuple[str, ...], values: Any, variables: Mapping[tuple[str, ...], str], path: Path
) -> str:
    """Return the variable that said it, of the field or of its table; else the file or nobody."""
    for length in range(len(steps), 0, -1):
        if steps[:length] in variables:
            return variables[steps[:length]]
    for step in steps:
        if not isinstance(values, dict) or step not in values:
            return "default"
        values = values[step]
    return str(path)
