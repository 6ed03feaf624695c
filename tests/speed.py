"""What lets the suite do in half the time what it does: nothing here changes what a test sees."""

import gc
from typing import Any

from sqlalchemy import Connection, Engine, String, event
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache


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


def look_for_garbage_less() -> None:
    """Look for garbage after fifty times as many objects: what is imported and collected stays."""
    gc.set_threshold(50_000, 20, 100)


def keep_what_is_there() -> None:
    """Look for garbage once, and leave what is no garbage out of every later search.

    When the first test begins, that is a million objects of modules, tables and schemas.
    """
    gc.collect()
    gc.freeze()
