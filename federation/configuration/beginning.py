"""Write the first configuration of a server: every field with what it means, what is needed set."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from federation.config import ConfigError, HubConfig, NodeConfig
from federation.configuration.fields import REQUIRED, Field, fields_of, form, table_of
from federation.configuration.reading import load_config
from federation.configuration.toml import toml_value

WIDTH: Final = 96
ROLES: Final[Mapping[str, type[HubConfig | NodeConfig]]] = {"hub": HubConfig, "node": NodeConfig}
# What a server begins with where nobody says otherwise, though the type has no default.
_FIRST: Final[Mapping[str, Any]] = {
    "data_dir": "data",
    "fee_bps": 300,
    "fee_band_bps": [1000, 3000],
    "terms.tier_weight": {"premium": 3000, "standard": 1000},
    "terms.use_weight": {"GROUND": 1500, "SEARCH": 250, "TRAIN": 1000},
    "admin_fee_bps": 1200,
    "collecting_fee_bps": 1000,
    "minimum_payment": 100,
    "plan": "per_usage",
}


def asked(role: str) -> list[Field]:
    """Return the fields that somebody has to say: they are needed, and have no usual value."""
    found = fields_of(ROLES[role])
    return [
        field
        for field in found
        if field.default is REQUIRED
        and field.name not in _FIRST
        and table_of(field.of) is None
        and field.steps[0] not in _OPTIONAL
    ]


_OPTIONAL: Final = frozenset({"invoicing", "sign_in"})  # tables that may be absent


def begin(role: str, said: Mapping[str, Any], path: Path) -> None:
    """Write a new file with what was said by the names of fields (BAD_CONFIG); none is replaced.

    It is read once, as a server would: what is refused then is not left behind.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text(role, said))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    try:
        load_config(path, {})
    except ConfigError:
        path.unlink()
        raise


def text(role: str, said: Mapping[str, Any]) -> str:
    """Return the file: fields first, then tables; what is left at its default is commented out."""
    kind, values = ROLES[role], {**_FIRST, **said}
    tops = [field for field in fields_of(kind) if len(field.steps) == 1]
    lines = [
        f"# The configuration of a {role}. `federation config show` says what it comes to,",
        "# docs/configuration.md what each field means. Variables FEDERATION_… stand above it.",
    ]
    for field in tops:
        if table_of(field.of) is None:
            lines += _lines(field, values)
    for field in tops:
        table = table_of(field.of)
        if table is not None:
            lines += _table(field, table, values)
    return "\n".join([*lines, ""])


def _table(field: Field, table: type[Struct], values: Mapping[str, Any]) -> Iterator[str]:
    own = [f for f in fields_of(table, field.steps) if len(f.steps) == len(field.steps) + 1]
    is_set = any(each.name in values for each in own)
    yield ""
    yield from _comment(field.meaning)
    yield f"[{field.name}]" if is_set else f"# [{field.name}]"
    for each in own:
        if table_of(each.of) is None:
            yield from _lines(each, values)
    for each in own:
        inner = table_of(each.of)
        if inner is not None:
            yield from _table(each, inner, values)


def _lines(field: Field, values: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield from _comment(field.meaning)
    name = field.steps[-1]
    if field.name in values:
        yield f"{name} = {toml_value(values[field.name])}"
    elif field.default in (None, REQUIRED):
        yield f"# {name} =  # {form(field.of)}"
    else:
        yield f"# {name} = {toml_value(field.default)}"


def _comment(meaning: str) -> Sequence[str]:
    return [f"# {line}" for line in textwrap.wrap(meaning, WIDTH)]
