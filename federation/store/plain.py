"""No statement takes U+0000: PostgreSQL has it in no text, and SQLite is to behave alike.

Every door refuses it with its place (`values.plain`); here is where whatever a door let through is
refused, before it reaches a database.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Dialect, String
from sqlalchemy.exc import DontWrapMixin

from federation.values.plain import BadTextError


class BadParameterError(BadTextError, DontWrapMixin):
    """A text holds U+0000."""


def require_plain_rows(rows: Iterable[Iterable[object]]) -> None:
    """Refuse driver tuples with U+0000 in a text (BAD_TEXT)."""
    for row in rows:
        for value in row:
            if type(value) is str and "\x00" in value:
                raise BadParameterError(_shown(value))


def refuse_zero(dialect: Dialect) -> None:
    """Let a dialect refuse U+0000 in every text it binds (BAD_TEXT)."""
    kind: type[String] = dialect.colspecs.get(String, String)  # type: ignore[assignment]
    dialect.colspecs = {**dialect.colspecs, String: type("PlainString", (_Plain, kind), {})}


class _Plain(String):
    """A text as the dialect binds it, without U+0000."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        inner = super().bind_processor(dialect)

        def bind(value: Any) -> Any:
            if isinstance(value, str) and "\x00" in value:
                raise BadParameterError(_shown(value))
            return inner(value) if inner is not None else value

        return bind


def _shown(value: str) -> str:
    return f"{value[:40]!r}: character {value.index(chr(0)) + 1}"
