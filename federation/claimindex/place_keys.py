"""How a path, or a pattern, is found in an index: by how long it is, and by what it starts with.

Said twice, as SQL for the index and in Python for what is asked, so that no statement computes it
of what it asks for (`tests/registry` compares both).
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Text, case, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

HEAD_LENGTH: Final = 1_000  # characters: an index of PostgreSQL takes no long texts
_FIRST: Final[ColumnElement[int]] = literal_column("1")
_HEAD: Final[ColumnElement[int]] = literal_column(str(HEAD_LENGTH))
_STAR: Final[ColumnElement[str]] = literal_column("'*'", Text())


class _StarAt(FunctionElement[int]):
    """Where the first `*` of a text stands, counted from one; 0 where none does."""

    name = "star_at"
    inherit_cache = True
    type = Integer()


@compiles(_StarAt)
def _star_at(element: _StarAt, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)}, '*')"


@compiles(_StarAt, "sqlite")
def _star_at_sqlite(element: _StarAt, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)}, '*')"


def path_length(path: ColumnElement[str], *, may_be_pattern: bool) -> ColumnElement[int]:
    """Return how long a path is, as an index has it.

    Of a pattern with a `*` it is below zero: minus the place of the first, counted from one.
    """
    length = func.length(path, type_=Integer())
    if not may_be_pattern:
        return length
    return case((path.like(literal_column("'%*%'")), -_StarAt(path)), else_=length)


def path_head(path: ColumnElement[str], *, may_be_pattern: bool) -> ColumnElement[str]:
    """Return by what of a path a row is found: an index of PostgreSQL takes no long texts.

    Of a pattern it is what stands before its first `*`.
    """
    head = func.substr(path, _FIRST, _HEAD, type_=Text())
    if not may_be_pattern:
        return head
    return func.substr(head, _FIRST, _StarAt(head + _STAR) - _FIRST, type_=Text())


def path_rest(path: ColumnElement[str]) -> ColumnElement[str]:
    """Return by what a pattern is found among those of one head: what stands from its `*` on."""
    return func.substr(path, _StarAt(path + _STAR), _HEAD, type_=Text())


def place_of(path: str, *, may_be_pattern: bool) -> tuple[int, str, str]:
    """Return the same three of a path, or of a pattern, as an index has them; the last is often "".

    Two that have them in common are alike in their first 1,000 characters.
    """
    mark = path.find("*") if may_be_pattern else -1
    if mark < 0:
        return len(path), path[:HEAD_LENGTH], ""
    return -(mark + 1), path[: min(mark, HEAD_LENGTH)], path[mark : mark + HEAD_LENGTH]
