"""The reading session of a server on SQLite: a short read waits for nobody.

Most of what a row by its key costs is not SQLite's work but that of making a session, of putting
it on a connection and of running a statement through it. So a session asks the driver for such
rows, and is one of SQLAlchemy only once something else is asked of it, with the same view.

Nothing in a short read waits, so reads that follow each other would keep the loop to themselves:
after `TURN_SECONDS` of them others have their turn.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import PoolProxiedConnection
from sqlalchemy import inspect as mapper_of
from sqlalchemy.engine import Result
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from federation.store.dialects import SqliteDialect
from federation.store.sessions import ReadSession, by_key, columns_of_key
from federation.store.sqlite import Connection, Cursor, asking

TURN_SECONDS = 0.005  # of one read after another

Row = TypeVar("Row")
Convert = Callable[[Any], Any] | None
"""What a value goes through on its way to the driver or from it; None where it stays as it is."""

_DIALECT = SqliteDialect()


class Turns:
    """Lets others of a loop have their turn between reads that do not wait."""

    def __init__(self) -> None:
        self._began: float | None = None

    async def mine(self) -> None:
        """Wait for others if reads have followed each other for too long."""
        now = time.monotonic()
        if self._began is not None and now - self._began > TURN_SECONDS:
            await asyncio.sleep(0)
            now = time.monotonic()
        if self._began is None:
            self._began = now
            asyncio.get_running_loop().call_soon(self._over)

    def _over(self) -> None:
        self._began = None


class _ByKey(NamedTuple):
    """The question for a row by its key, as the driver takes it, and how its answer is read."""

    sql: str
    key: tuple[Convert, ...]
    columns: tuple[tuple[str, Convert], ...]  # the attribute of each, in the order of the answer
    new: Callable[[], Any]

    def bound(self, key: Sequence[Any]) -> list[Any]:
        """Return a key as the driver takes it; a text with U+0000 is refused (BAD_TEXT)."""
        return [
            value if convert is None else convert(value)
            for value, convert in zip(key, self.key, strict=True)
        ]

    def row(self, values: Sequence[Any]) -> Any:
        """Return the row that the driver's values are: whole, and of no session."""
        found = self.new()
        attributes = found.__dict__
        for (name, convert), value in zip(self.columns, values, strict=True):
            attributes[name] = value if convert is None else convert(value)
        return found


@cache
def _driver_by_key(entity: Any, column: str | None = None) -> _ByKey:
    """Return SQLAlchemy's own question (`by_key`) for a row of a mapped class, made once."""
    mapper, (statement, _) = mapper_of(entity), by_key(entity, column)
    key = columns_of_key(entity, column)
    kinds = [one.type.dialect_impl(_DIALECT) for one in key]
    return _ByKey(
        sql=str(statement.compile(dialect=_DIALECT)),
        key=tuple(kind.bind_processor(_DIALECT) for kind in kinds),
        columns=tuple(
            (
                mapper.get_property_by_column(cast("Any", column)).key,
                column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None),
            )
            for column in statement.selected_columns
        ),
        new=mapper.class_manager.new_instance,
    )


class ShortReads(ReadSession):
    """A reading session that waits for nobody, and asks again as one that may where it has to."""

    def __init__(self, engine: AsyncEngine, turns: Turns) -> None:  # SQLAlchemy's own comes later
        self._engine, self._turns = engine, turns
        self._lent: PoolProxiedConnection | None = None
        self._is_whole = False

    def __getattr__(self, name: str) -> Any:
        """Become a session of SQLAlchemy, of which these two are the parts, when first asked."""
        if self._is_whole or name not in {"sync_session", "_proxied"}:
            raise AttributeError(name)
        self._is_whole = True
        super().__init__(self._engine, expire_on_commit=False)
        if self._lent is not None:
            self.sync_session.bind = SqlConnection(self._engine.sync_engine, self._lent)
        return getattr(self, name)

    async def get(self, entity: type[Row], ident: Any, **options: Any) -> Row | None:  # type: ignore[override]
        """Return the row with a primary key (a tuple where it has several columns), or None."""
        await self._turns.mine()
        if not options and not self._is_whole:
            question = _driver_by_key(cast("Any", entity))
            key = cast("Sequence[Any]", ident) if isinstance(ident, tuple) else (ident,)
            if (found := self._rows_here(question.sql, question.bound(key))) is not None:
                return question.row(found[0]) if found else None
        return await super().get(entity, ident, **options)

    async def get_by(self, entity: type[Row], column: str, value: Any) -> Row | None:
        """Return the row that has a value in a column in which no two have the same, or None."""
        await self._turns.mine()
        if not self._is_whole:
            question = _driver_by_key(cast("Any", entity), column)
            if (found := self._rows_here(question.sql, question.bound([value]))) is not None:
                return question.row(found[0]) if found else None
        return await super().get_by(entity, column, value)

    def _rows_here(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any] | None:
        """Return a short read's rows; None where it has to wait, or where SQLAlchemy says why."""
        try:
            if self._lent is None:
                self._lent = self._engine.sync_engine.raw_connection()
            driver = cast("Connection", self._lent.driver_connection)
            driver.begin()
            return Cursor(driver).execute_here(sql, parameters)
        except (MissingGreenlet, sqlite3.Error):
            return None

    async def execute(
        self,
        statement: Any,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] = MappingProxyType({}),
        **options: Any,
    ) -> Result[Any]:
        """Return the rows of a statement, all of them read already."""
        options["execution_options"] = {**execution_options, "prebuffer_rows": True}
        return cast("Result[Any]", await self._ask("execute", statement, params, options))

    async def scalar(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Return the first column of a statement's first row, None where there is no row."""
        return await self._ask("scalar", statement, params, options)

    async def _ask(self, method: str, statement: Any, params: Any, options: dict[str, Any]) -> Any:
        await self._turns.mine()
        asking.here = True
        try:
            return getattr(self.sync_session, method)(statement, params, **options)
        except MissingGreenlet:
            pass
        finally:
            asking.here = False
        return await getattr(super(), method)(statement, params, **options)

    async def _expect_many(self, connection: AsyncConnection) -> None:
        """Do not try the statement to come in the loop's thread: it would be begun twice."""
        await self._turns.mine()
        raw = await connection.get_raw_connection()
        cast("Connection", raw.driver_connection).begun_here = True

    async def close(self) -> None:
        """Give the connection back."""
        try:
            if self._is_whole:
                await self._close_session()
        finally:
            if self._lent is not None:
                self._lent.close()
                self._lent = None

    async def _close_session(self) -> None:
        try:
            self.sync_session.close()
        except MissingGreenlet:
            await super().close()
