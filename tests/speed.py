"""What lets the suite do in half the time what it does: nothing here changes what a test sees."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import uvicorn.server
from sqlalchemy import Connection, Engine, String, event
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

TICK_SECONDS = 0.005


def compile_once() -> None:
    """Let all engines of a run share what statements were compiled to, by kind of database.

    A run makes hundreds of engines, and each would compile every statement anew: half of what the
    tests of federations took. What a statement becomes depends on the kind of its dialect and on
    what the dialect makes of types, so two dialects alike in both are one key of the cache.
    """
    compiled = LRUCache[Any, Any](5_000)

    def kind(dialect: DefaultDialect) -> tuple[type[Any], str]:
        return type(dialect), dialect.colspecs.get(String, String).__name__

    def alike(self: DefaultDialect, other: object) -> bool:
        return isinstance(other, DefaultDialect) and kind(self) == kind(other)

    DefaultDialect.__eq__ = alike
    DefaultDialect.__hash__ = lambda self: hash(kind(self))

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)


def stop_at_once() -> None:
    """Let a server that stops look more often whether it is done.

    Its library looks every 100 ms, twice or thrice, and a run stops servers hundreds of times.
    """

    async def tick(seconds: float) -> None:
        await asyncio.sleep(min(seconds, TICK_SECONDS))

    uvicorn.server.asyncio = SimpleNamespace(**{**vars(asyncio), "sleep": tick})


def look_for_garbage_less() -> None:
    """Leave out of every search for garbage what was there when the first test began.

    That is a million objects of modules, tables and schemas, which stay to the end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
