"""A long list as one parameter of a statement, which stays the same however long the list is.

So a statement is made and compiled once, and nothing of it grows with what is asked for.
"""

from collections.abc import Collection, Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    union,
)

from federation.store.plain import require_plain_rows
from federation.store.sessions import ReadSession

_encoder = msgspec.json.Encoder()


def is_sqlite(session: ReadSession) -> bool:
    """Tell for which of the two databases a statement of a session is made."""
    return session.get_bind().dialect.name == "sqlite"


def among(session: ReadSession, column: Any, texts: Sequence[str]) -> ColumnElement[bool]:
    """Return which rows have one of many texts in a column: all of them are one parameter.

    So a statement is written once however many there are, and PostgreSQL plans it once: it looks
    for them by an index, also in a table that has grown since anybody counted its rows.
    """
    require_plain_rows([texts])
    if is_sqlite(session):
        rows = literal(_encoder.encode(texts).decode(), Text)
        listed = func.json_each(rows).table_valued("value")
        return cast("ColumnElement[bool]", column.in_(select(listed.c.value)))
    # Of a type of its own the column has a length, to which PostgreSQL would cut what is asked.
    return cast("ColumnElement[bool]", column == any_(literal(list(texts), ARRAY(Text))))


def found_by(column: Any, ways: Sequence[Select[Any]]) -> ColumnElement[bool]:
    """Return which rows have in a column what any of some selections of one column found.

    Each goes by an index of its own, and may have a limit. Of an OR of them PostgreSQL would read
    the table through.
    """
    parts = [select(way.subquery().columns[0]) for way in ways]
    return cast("ColumnElement[bool]", column.in_(union(*parts)))


def asked(columns: Sequence[str], *, sqlite: bool, numbers: Collection[str] = ()) -> FromClause:
    """Return a table that a statement can join; `parameters_of` says what stands in it.

    Its columns hold texts, but for those that are named as `numbers`. SQLite takes a value out of
    its row each time that a statement speaks of it: say each column once, and nothing of it.
    """
    kinds = {name: BigInteger() if name in numbers else Text() for name in columns}
    if sqlite:
        each = func.json_each(bindparam("asked", type_=Text())).table_valued("value", name="rows")
        parts = [
            func.json_extract(each.c.value, literal_column(f"'$[{place}]'"), type_=kind).label(name)
            for place, (name, kind) in enumerate(kinds.items())
        ]
        return select(*parts).subquery("asked")
    arrays = (bindparam(f"asked_{name}", type_=ARRAY(kind)) for name, kind in kinds.items())
    return func.unnest(*arrays).table_valued(*columns, name="asked").render_derived()


def parameters_of(
    columns: Sequence[str], rows: Sequence[Sequence[str | int]], *, sqlite: bool
) -> dict[str, Any]:
    """Return the parameters of a statement that joins `asked`; U+0000 is refused (BAD_TEXT)."""
    require_plain_rows(rows)
    if sqlite:
        return {"asked": _encoder.encode(rows).decode()}
    turned = [list(each) for each in zip(*rows, strict=True)] or [[] for _ in columns]
    return {f"asked_{name}": texts for name, texts in zip(columns, turned, strict=True)}
