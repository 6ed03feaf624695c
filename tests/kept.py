"""Databases of PostgreSQL that one test after another borrows, each emptied for the next.

To make a database and to drop it costs more than most tests do with it, and so does what a new one
has to read of itself first. What a test leaves behind is deleted by a function on a connection that
stays open, so that its plans are made once. A database is dropped in the place of being emptied
where somebody is still connected to it, or where a test changed more than rows.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

LENT_MAX = 60  # times: what is deleted stays in its files, which nobody vacuums here

_NOTE = """
CREATE SCHEMA kept;
CREATE TABLE kept.changed (tag text);
CREATE FUNCTION kept.note() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO kept.changed VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER kept_made ON ddl_command_end EXECUTE FUNCTION kept.note();
CREATE EVENT TRIGGER kept_dropped ON sql_drop EXECUTE FUNCTION kept.note();
"""
_IS_FIT = """
SELECT NOT EXISTS (SELECT 1 FROM kept.changed) AND NOT EXISTS (
  SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
"""
Result = TypeVar("Result")


@dataclass(slots=True)
class _Kept:
    name: str
    emptying: Any
    lent: int = 0


class KeptDatabases:
    """Lends databases; `make` and `drop` are of one, by its name, and `dsn` says where it is.

    Tests have an event loop each: the connections live in one of their own, in a thread.
    """

    def __init__(
        self,
        make: Callable[[], Awaitable[str]],
        drop: Callable[[str], Awaitable[None]],
        dsn: Callable[[str], str],
    ) -> None:
        self._make, self._drop, self._dsn = make, drop, dsn
        self._free: list[_Kept] = []
        self._lent: dict[str, _Kept] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def borrow(self) -> str:
        """Return the name of an empty database."""
        return await self._there(self._borrow())

    async def give_back(self, name: str) -> None:
        """Empty it for the next one, or drop it."""
        await self._there(self._give_back(name))

    async def end(self) -> None:
        """Close what is open; the databases go with their server."""
        await self._there(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    async def _there(self, act: Coroutine[Any, Any, Result]) -> Result:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(act, self._loop))

    async def _borrow(self) -> str:
        kept = self._free.pop() if self._free else await self._new()
        kept.lent += 1
        self._lent[kept.name] = kept
        return kept.name

    async def _new(self) -> _Kept:
        name = await self._make()
        emptying = await asyncpg.connect(self._dsn(name))
        tables = await emptying.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = [table for (table,) in tables if table != "alembic_version"]
        deleting = "\n".join(
            f"IF EXISTS (SELECT 1 FROM public.{table}) THEN DELETE FROM public.{table}; END IF;"
            for table in names
        )
        await emptying.execute(f"""
          SET session_replication_role = replica;  -- neither triggers nor keys are asked
          CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
          {deleting}
          PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
          FROM pg_sequences WHERE last_value IS NOT NULL;
          END $$;
          {_NOTE}
        """)
        return _Kept(name, emptying)

    async def _give_back(self, name: str) -> None:
        kept = self._lent.pop(name)
        if kept.lent < LENT_MAX and await kept.emptying.fetchval(_IS_FIT):
            await kept.emptying.execute("SELECT pg_temp.empty()")
            self._free.append(kept)
        else:
            await kept.emptying.close()
            await self._drop(name)

    async def _close(self) -> None:
        for kept in [*self._free, *self._lent.values()]:
            await kept.emptying.close()
