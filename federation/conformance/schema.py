"""Rules of the schema: what hub and labs rely on is there, and described."""

from functools import cache, partial
from importlib.resources import files
from typing import Any, Final, cast

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    find_breaking_changes,
    get_introspection_query,
    is_introspection_type,
)

from federation.conformance.trial import Trial
from federation.conformance.verdicts import BrokenError, Rules

RULES: Final = Rules()
READ_SECONDS: Final = 60.0  # a whole schema is a megabyte
RELIED_ON: Final = {
    "Query": (
        "collectives",
        "rights",
        "rightsStatement",
        "works",
        "work",
        "worksAt",
        "rightholders",
        "rightholder",
        "licences",
        "licence",
    ),
    "Mutation": (
        "applyForAdmission",
        "registerMember",
        "registerClaim",
        "registerWork",
        "recordOptOut",
        "mintToken",
    ),
}
"""What the hub, labs and this kit ask a node for; its other fields are its own affair."""


@cache
def relied_on() -> GraphQLSchema:
    """Return the part of a node's schema that others rely on, with all types that it leads to."""
    text = files("federation").joinpath("schema/node.graphql").read_text(encoding="utf-8")
    whole = build_schema(text, assume_valid_sdl=True)
    query, mutation = (_only(whole, name, kept) for name, kept in RELIED_ON.items())
    return GraphQLSchema(query=query, mutation=mutation)


def _only(schema: GraphQLSchema, name: str, kept: tuple[str, ...]) -> GraphQLObjectType:
    root = cast(GraphQLObjectType, schema.type_map[name])
    fields = {field: root.fields[field] for field in kept}
    return GraphQLObjectType(name, fields, description=root.description)


async def read(trial: Trial) -> GraphQLSchema:
    """Return the schema of the node, as its introspection tells it."""
    answer = await trial.wire.graphql(get_introspection_query(), seconds=READ_SECONDS)
    data: Any = answer.data()
    try:
        return build_client_schema(data)
    except (TypeError, ValueError, KeyError, GraphQLError) as error:
        raise answer.broken(f"introspection is no schema: {error}") from error


@RULES.rule("schema.fields", "federation/schema/node.graphql")
async def fields(trial: Trial) -> None:
    """Every field, argument and type that hub and labs rely on is there; there may be more."""
    theirs = await trial.judge("introspection", partial(read, trial))
    changes = sorted(change.description for change in find_breaking_changes(relied_on(), theirs))
    if changes:
        raise BrokenError(f"{len(changes)} differences: {'; '.join(changes[:3])}", "introspection")


@RULES.rule("schema.described", "CONTRIBUTING.md; the committed schema")
async def described(trial: Trial) -> None:
    """What hub and labs rely on is described: each field of each type that it leads to."""
    theirs = await trial.need("introspection", partial(read, trial))
    missing = [
        f"{name}.{field}"
        for name, kind in relied_on().type_map.items()
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind)
        for field, ours in kind.fields.items()
        if ours.description and not _description(theirs, name, field)
    ]
    if missing:
        raise BrokenError(f"without a description: {', '.join(missing[:5])}", "introspection")


def _description(schema: GraphQLSchema, name: str, field: str) -> str:
    kind = schema.type_map.get(name)
    found = kind.fields.get(field) if isinstance(kind, GraphQLObjectType) else None
    return (found.description if found else None) or ""
