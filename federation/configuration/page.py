"""The reference page of the configuration, docs/configuration.md, written from the types."""

from collections.abc import Iterator
from typing import Final

from federation.config import HubConfig, NodeConfig, ServerConfig, StaffMember
from federation.configuration.fields import REQUIRED, Field, fields_of, form, table_of
from federation.configuration.toml import toml_value
from federation.quotas import DEFAULTS
from federation.values import roles
from federation.values.roles import Readers, Role

HEAD: Final = """# The configuration

Every field of a server's TOML file, written from the types by `python -m tools.configuration_page`.

`federation config init hub` (or `node`) writes a first file, in which each field stands with what
it means; `federation config show --config hub.toml --origin` says what it comes to and who said so,
without secrets.

A variable of the environment stands above the file: `FEDERATION_` and the name in capitals, with
`_` for each dot. Lists and tables are written as JSON there. With `_FILE` behind its name a
variable names a file to read the value from, as secrets are handed over.
What is not known is refused, in the file and in the environment alike, with what is.
"""


def page() -> str:
    """Return the whole page."""
    common = {field.name for field in fields_of(ServerConfig)}
    of_hub = [field for field in fields_of(HubConfig) if field.name not in common]
    of_node = [field for field in fields_of(NodeConfig) if field.name not in common]
    people = [field for field in fields_of(StaffMember, ("principal",))]
    sections = [
        ("Hub and node", list(fields_of(ServerConfig))),
        ("The hub", of_hub),
        ("A node", of_node),
        ("A person: `[[principal]]`", people),
    ]
    parts = [HEAD, *(_section(title, fields) for title, fields in sections), _roles(), _quotas()]
    return "\n".join(parts)


def _section(title: str, fields: list[Field]) -> str:
    rows = [_row(field) for field in fields]
    head = ["| field | what it is | form | default | variable |", "|---|---|---|---|---|"]
    return "\n".join([f"## {title}", "", *head, *rows, ""])


def _row(field: Field) -> str:
    is_listed = field.steps[0] == "principal" and len(field.steps) > 1
    variable = "" if is_listed else f"`{field.variable}`"
    kind = "table" if table_of(field.of) is not None else form(field.of)
    cells = [f"`{field.name}`", field.meaning, kind, _default(field), variable]
    return f"| {' | '.join(cells)} |"


def _default(field: Field) -> str:
    if field.default is REQUIRED:
        return "needed"
    if field.default is None or table_of(field.of) is not None:
        return "none" if field.default is None else ""
    return f"`{toml_value(field.default)}`"


def _roles() -> str:
    """Return what each role may do, as `values/roles.py` states it."""
    rows = [f"| `{role.value}` | {', '.join(_may(role))} |" for role in Role]
    told = "What is its own: that of the lab or member that its person acts for (`party`)."
    return "\n".join(
        ["## Roles", "", told, "", "| role | may |", "|---|---|", *rows, ""],
    )


def _may(role: Role) -> Iterator[str]:
    for name, who in vars(roles).items():
        if not name.startswith("MAY_"):
            continue
        act = name.removeprefix("MAY_").lower().replace("_", " ")
        staff, own = (who.staff, who.own) if isinstance(who, Readers) else (who, None)
        if role in staff:
            yield act
        elif role == own:
            yield f"{act} (its own)"


def _quotas() -> str:
    rows = [f"| `{act}` | {each.burst:,} | {each.per_minute:,} |" for act, each in DEFAULTS.items()]
    head = ["| act | at once | per minute |", "|---|---|---|"]
    said = "Where `quotas` names none. A PDF or a workbook (.xlsx) counts as twenty `files`:"
    return "\n".join(["## Quotas", "", said, "", *head, *rows, ""])
