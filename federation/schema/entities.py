"""Things of this server in a graph that somebody else composes (decision 65).

A lab's graph has things of its own that name ours: a dataset its works. Its router asks for ours by
their keys, many at once, and each kind is looked up once. Whoever asks is shown what the field of
the same thing shows; what does not exist for it is null.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import strawberry

from federation.errors import RefusalError
from federation.schema.context import Info

ENTITIES_MAX: Final = 100  # of one field: as many as a page has
KEY_LENGTH_MAX: Final = 300
TYPENAME: Final = "__typename"

Find = Callable[[Info, Sequence[str]], Awaitable[Mapping[str, Any]]]
"""Looks up things of one kind by their keys: {key: the thing, or why it is not shown}.

What does not exist for who asks is left out. A refusal that is raised is that of all of them.
"""


class BadRepresentationError(RefusalError):
    """A representation names a thing by its type and its key."""

    code: ClassVar[str] = "BAD_REPRESENTATION"


class TooManyEntitiesError(RefusalError):
    """One field answers for so many things at most; ask for the others by another request."""

    code: ClassVar[str] = "TOO_MANY_ENTITIES"


class Entity(NamedTuple):
    """A kind of thing that other graphs name: the field that is its key, and who looks it up."""

    key: str
    find: Find


@strawberry.type(name="_Service", description="This server as a subgraph of somebody's graph.")
class Subgraph:
    """What a composer reads."""

    sdl: str = strawberry.field(description="The whole schema in GraphQL's schema language.")


@strawberry.type
class SubgraphQuery:
    """What Apollo Federation asks of every subgraph beside its entities."""

    @strawberry.field(name="_service", description="The schema, for who composes graphs.")
    def service_(self, info: Info) -> Subgraph:
        """Show the schema as it is committed."""
        return Subgraph(sdl=info.schema.as_str())


async def entities(
    info: Info, kinds: Mapping[str, Entity], representations: Sequence[object]
) -> list[Any]:
    """Return what some representations stand for, in their order; null where there is nothing.

    Each counts as a request (TOO_MANY_REQUESTS, TOO_MANY_ENTITIES, BAD_REPRESENTATION).
    """
    if len(representations) > ENTITIES_MAX:
        raise TooManyEntitiesError(f"{len(representations)}, where {ENTITIES_MAX} are allowed")
    asked = [_read(kinds, number, one) for number, one in enumerate(representations)]
    info.context.count_requests(len(asked) - 1)
    found: dict[str, Mapping[str, Any]] = {}
    for name in dict.fromkeys(name for name, _ in asked):
        keys = list(dict.fromkeys(key for kind, key in asked if kind == name))
        try:
            found[name] = await kinds[name].find(info, keys)
        except RefusalError as refusal:
            found[name] = dict.fromkeys(keys, refusal)
    return [found[name].get(key) for name, key in asked]


def _read(kinds: Mapping[str, Entity], number: int, given: object) -> tuple[str, str]:
    """Return the type and the key that a representation has; what else stands in it is not ours."""
    place = f"representations[{number}]"
    if not isinstance(given, dict):
        raise BadRepresentationError(f"{place} is no object")
    name = given.get(TYPENAME)
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise BadRepresentationError(f"{place}.{TYPENAME} is none of {', '.join(sorted(kinds))}")
    key = given.get(kind.key)
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LENGTH_MAX:
        raise BadRepresentationError(
            f"{place}.{kind.key} is no text of 1 to {KEY_LENGTH_MAX} characters"
        )
    return str(name), key
