"""A read transaction and a write transaction: what a function that takes one may do.

`Database.read` gives a `ReadSession`, `Database.write` a `WriteSession`. A function says by its
parameter which it needs, and the type checker refuses one that writes through what only reads;
the database refuses it as well. Resolvers, routes and workers open one; rooms below them are handed
it and never commit.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import Select, bindparam, select
from sqlalchemy import inspect as mapper_of
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

Row = TypeVar("Row")


class ReadSession(AsyncSession):
    """One consistent view of the committed rows; nothing can be written through it."""

    async def get(self, entity: type[Row], ident: Any, **options: Any) -> Row | None:  # type: ignore[override]
        """Return the row with a primary key (a tuple where it has several columns), or None.

        SQLAlchemy's own makes its statement anew for every call, which costs half of the read.
        """
        if options:
            return await super().get(entity, ident, **options)
        key = cast("Sequence[Any]", ident) if isinstance(ident, tuple) else (ident,)
        statement, names = by_key(cast("Any", entity))
        found: Row | None = await self.scalar(statement, dict(zip(names, key, strict=True)))
        return found

    async def get_by(self, entity: type[Row], column: str, value: Any) -> Row | None:
        """Return the row that has a value in a column in which no two have the same, or None."""
        statement, names = by_key(cast("Any", entity), column)
        found: Row | None = await self.scalar(statement, {names[0]: value})
        return found

    async def rows(
        self, statement: Select[*tuple[Any, ...]], parameters: Mapping[str, Any], *, many: bool
    ) -> Sequence[Any]:
        """Return the rows of a statement as tuples with names; `many` if they will be hundreds.

        They come from the driver without the mapper's part, which costs more than all the rest.
        """
        connection = await self.connection()
        if many:
            await self._expect_many(connection)
        return (await connection.execute(statement, parameters)).all()

    async def _expect_many(self, connection: AsyncConnection) -> None:
        """Do what is done where a statement to come takes long."""


class WriteSession(ReadSession):
    """A write transaction: it reads what it wrote, and is committed by who opened it."""

    async def get(self, entity: type[Row], ident: Any, **options: Any) -> Row | None:  # type: ignore[override]
        """Return the row with a primary key, also one that is new here; None if there is none."""
        return await AsyncSession.get(self, entity, ident, **options)


@cache
def by_key(entity: Any, column: str | None = None) -> tuple[Select[Any], list[str]]:
    """Return the question for a row by its key, made once, and the names of its parameters.

    `column` is an attribute that is unique; without one the key is the primary key.
    """
    columns = columns_of_key(entity, column)
    names = [f"key_{number}" for number, _ in enumerate(columns)]
    wanted = (c == bindparam(name) for c, name in zip(columns, names, strict=True))
    return select(entity).where(*wanted), names


def columns_of_key(entity: Any, column: str | None) -> Sequence[Any]:
    """Return the columns of a unique attribute, or without one those of the primary key."""
    mapper = mapper_of(entity)
    found = mapper.primary_key if column is None else mapper.column_attrs[column].columns
    return cast("Sequence[Any]", found)
