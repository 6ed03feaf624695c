"""The fields of a configuration, read off its types: names, meanings, defaults, variables."""

import ast
import enum
import inspect
import textwrap
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct

PREFIX: Final = "FEDERATION_"
REQUIRED: Final = object()


class Field(NamedTuple):
    """One field: the steps that lead to it, its type, its meaning, its default or REQUIRED."""

    steps: tuple[str, ...]
    of: Any
    meaning: str
    default: Any

    @property
    def name(self) -> str:
        """Return the field as TOML and messages write it: `hub.url`."""
        return ".".join(self.steps)

    @property
    def variable(self) -> str:
        """Return the environment's name of it."""
        return PREFIX + "_".join(self.steps).upper()


def fields_of(kind: type[Struct], before: tuple[str, ...] = ()) -> Iterator[Field]:
    """Yield every field that file and environment can set, tables with their own after them."""
    meanings = meanings_of(kind)
    for field in msgspec.structs.fields(kind):
        steps = (*before, field.name)
        yield Field(steps, field.type, meanings.get(field.name, ""), _default(field))
        inner = table_of(field.type)
        if inner is not None:
            yield from fields_of(inner, steps)


def steps_by_variable(kind: type[Struct]) -> dict[str, tuple[tuple[str, ...], Any]]:
    """Return by variable the steps and the type of every field that the environment reaches."""
    return {PREFIX + "_".join(s).upper(): (s, of) for s, of in _paths(kind)}


def _paths(kind: type[Struct]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for field in msgspec.structs.fields(kind):
        yield (field.name,), field.type
        inner = table_of(field.type)
        if inner is not None:
            for steps, of in _paths(inner):
                yield (field.name, *steps), of


def table_of(of: Any) -> type[Struct] | None:
    """Return the type of a table, which may be absent; None for what is no table of fields."""
    inner = [each for each in alternatives(of) if each is not type(None)]
    if len(inner) == 1 and isinstance(inner[0], type) and issubclass(inner[0], Struct):
        return inner[0]
    return None


def alternatives(of: Any) -> tuple[Any, ...]:
    """Return the types that a value may have, without what is annotated on them."""
    if get_origin(of) is Annotated:
        return alternatives(get_args(of)[0])
    if get_origin(of) in {Union, types.UnionType}:
        return tuple(each for arm in get_args(of) for each in alternatives(arm))
    return (of,)


def choices(of: Any) -> list[str]:
    """Return the words that are allowed where only some are, in their order; else none."""
    for each in alternatives(of):
        if get_origin(each) is Literal:
            return [str(word) for word in get_args(each)]
        if isinstance(each, type) and issubclass(each, enum.Enum):
            return [str(word.value) for word in each]
    return []


def form(of: Any) -> str:
    """Return the form of a value in words, as the reference page has it."""
    return " or ".join(_form(each) for each in alternatives(of) if each is not type(None))


_FORMS: Final = {str: "text", int: "integer", bool: "true or false", Path: "path", float: "number"}


def _form(of: Any) -> str:
    if words := choices(of):
        return "one of " + ", ".join(f"`{word}`" for word in words)
    origin, inner = get_origin(of), get_args(of)
    if origin is list or (origin is tuple and inner[-1] is ...):
        return f"list of {form(inner[0])}"
    if origin is tuple:
        return f"list of {len(inner)}: {form(inner[0])}"
    if origin is dict:
        return f"table: {form(inner[0])} = {form(inner[1])}"
    return _FORMS.get(of, "table")


@cache
def meanings_of(kind: type[Struct]) -> dict[str, str]:
    """Return what the texts under the fields of a type and of those it stands on say."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if issubclass(each, Struct) and each is not Struct:
            found |= _texts(each)
    return found


def _texts(kind: type[Struct]) -> dict[str, str]:
    """Read the texts of one class from its source: Python itself drops them."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - it is the source of a class
    return {
        field.target.id: " ".join(inspect.cleandoc(text.value.value).split())
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not NODEFAULT:
        return field.default
    return REQUIRED if field.default_factory is NODEFAULT else field.default_factory()
