"""A long list as one parameter of a statement, which stays the same however long the list is."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import ARRAY, FromClause, Text, bindparam, func, literal_column, select

from federation.store.plain import require_plain_rows
from federation.store.sessions import ReadSession

_encoder = msgspec.json.Encoder()


def asked(
    session: ReadSession, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> FromClause:
    """Return texts as a table that a statement can join, with columns of these names."""
    listed = list(rows)
    require_plain_rows(listed)
    if session.get_bind().dialect.name == "sqlite":
        text = bindparam(None, _encoder.encode(listed).decode(), Text(), unique=True)
        each = func.json_each(text).table_valued("value", name="asked_rows")
        parts = (
            func.json_extract(each.c.value, literal_column(f"'$[{place}]'"), type_=Text()).label(
                name
            )
            for place, name in enumerate(columns)
        )
        return select(*parts).subquery("asked")
    turned = zip(*listed, strict=True) if listed else ([] for _ in columns)
    arrays = (bindparam(None, list(each), ARRAY(Text()), unique=True) for each in turned)
    return func.unnest(*arrays).table_valued(*columns, name="asked").render_derived()
