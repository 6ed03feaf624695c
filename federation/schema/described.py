"""What every part of a schema means: said in its class, else in the files of `words`.

A file is of one subject: a table for each type, or for the arguments of a field, with a text for
each name in it; `types` are those that have no class of ours. `everywhere.toml` has the names that
mean one thing wherever they stand.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
)

_FOLDER: Final = Path(__file__).parent / "words"
Words = Mapping[str, Mapping[str, str]]
Part = GraphQLNamedType | GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLEnumValue


def described(schema: strawberry.Schema) -> strawberry.Schema:
    """Give a schema the descriptions that its classes leave to the files of words."""
    for places, part in parts(schema._schema):  # noqa: SLF001 - printing and introspection read it
        if not part.description:
            part.description = _find(places)
    for kind in schema._schema.type_map.values():  # noqa: SLF001
        if isinstance(kind, GraphQLUnionType) and not kind.description:
            done = " or ".join(each.name for each in kind.types if each.name != "Refused")
            kind.description = f"What was done ({done}), or why it was refused."
    return schema


def parts(schema: GraphQLSchema) -> Iterator[tuple[list[tuple[str, str]], Part]]:
    """Go through what has to be described, each with its places (table, name), the nearest first.

    Left out is what GraphQL itself brings.
    """
    for kind in schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        yield [("types", kind.name)], kind
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                yield [(kind.name, name), ("names", name)], field
                for argument, given in field.args.items():
                    place = f"{kind.name}.{name}"
                    yield (
                        [(place, argument), ("arguments", argument), ("names", argument)],
                        given,
                    )
        elif isinstance(kind, GraphQLInputObjectType):
            for name, put in kind.fields.items():
                yield [(kind.name, name), ("names", name)], put
        elif isinstance(kind, GraphQLEnumType):
            for name, value in kind.values.items():
                yield [(kind.name, name)], value


@cache
def words() -> Words:
    """Return every table of the files by its name (of a type, `names` or `arguments`)."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for table, texts in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if table in found:
                raise ValueError(f"{path.name}: [{table}] stands in another file, too")
            found[table] = texts
    return found


def _find(places: list[tuple[str, str]]) -> str | None:
    tables = words()
    for table, name in places:
        if name in tables.get(table, {}):
            return tables[table][name]
    return None
