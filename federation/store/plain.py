"""No statement takes U+0000: PostgreSQL has it in no text, and SQLite is to behave alike.

Every door refuses it with its place (`values.plain`); here is where whatever a door let through is
refused, before it reaches a database.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Dialect, String
from sqlalchemy.exc import DontWrapMixin

from federation.values.plain import BadTextError

Colspecs = dict[Any, Any]
"""What a dialect makes of the types of SQLAlchemy."""


class BadParameterError(BadTextError, DontWrapMixin):
    """A text holds U+0000."""


def require_plain_rows(rows: Iterable[Iterable[object]]) -> None:
    """Refuse driver tuples with U+0000 in a text (BAD_TEXT)."""
    for row in rows:
        for value in row:
            if type(value) is str and "\x00" in value:
                raise BadParameterError(_shown(value))


def plain(colspecs: Colspecs) -> Colspecs:
    """Return how a dialect treats types, changed to refuse U+0000 in every text (BAD_TEXT)."""
    kind: type[Any] = colspecs.get(String, String)
    members = {"bind_processor": _binds, "cache_ok": True}
    return {**colspecs, String: type("PlainString", (kind,), members)}


def _binds(_: String, __: Dialect) -> Callable[[Any], Any]:
    """Return what a text goes through on its way to the driver; neither dialect has its own."""

    def bind(value: Any) -> Any:
        if isinstance(value, str) and "\x00" in value:
            raise BadParameterError(_shown(value))
        return value

    return bind


def _shown(value: str) -> str:
    return f"{value[:40]!r}: character {value.index(chr(0)) + 1}"
