"""How large a document may be: a pure count over its syntax tree, before any validation.

The count takes time linear in the document: a fragment is weighed once, however often it is
spread, so that a small document cannot be made to cost much (Strawberry's own limiters double
their work with every nested fragment).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

_COUNT_SHOWN_MAX = 1_000_000
INTROSPECTION = frozenset({"__schema", "__type", "_service"})


@dataclass(frozen=True)
class Limits:
    """How large a document may be, as if each fragment were written out where it is spread.

    A page of a connection is three fields deep (connection, edges, node), so a depth of 12
    leaves room for three nested pages and a value. `nesting` is of fragments, named and inline.
    A screen that compares a dozen nodes, each under its alias, stays below 15 aliases.
    `__schema` and `__type` count one level: the usual tools' introspection is 15 deep, and
    graphql-core bounds its lists by a rule of its own; so does `_service`, which says the same
    in another language. Each may be answered with the whole schema, so there are two of them. A
    thousand tokens are some 8,000 characters; who is known may write long texts into a
    document.
    """

    characters: int = 16_384
    tokens: int = 1_000
    depth: int = 12
    nesting: int = 12
    aliases: int = 15
    directives: int = 50
    root_fields: int = 20
    fields: int = 1_000
    introspections: int = 2


ANONYMOUS = Limits(fields=300)  # comparing fields of one name takes time quadratic in them
KNOWN = Limits(characters=65_536)


class Weight(NamedTuple):
    """What a selection amounts to; `root_fields` are those on its own level."""

    depth: int = 0
    nesting: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    fields: int = 0
    introspections: int = 0


_MEASURES = {
    "depth": ("TOO_DEEP", "levels of fields"),
    "nesting": ("TOO_DEEP", "levels of fragments"),
    "aliases": ("TOO_MANY_ALIASES", "aliases"),
    "directives": ("TOO_MANY_DIRECTIVES", "directives"),
    "root_fields": ("TOO_MANY_ROOT_FIELDS", "root fields"),
    "fields": ("TOO_MANY_FIELDS", "fields with its fragments written out"),
    "introspections": ("TOO_MANY_FIELDS", "fields __schema, __type or _service"),
}


def weigh(document: DocumentNode, limits: Limits) -> Weight:
    """Return the weight of the document: of each measure what an operation of it has at most.

    Raises a GraphQLError with a code if an operation is over a limit.
    """
    scales = _Scales(document, limits)
    heaviest = _NONE
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            weight = scales.operation(definition)
            _compare(weight, limits)
            heaviest = Weight(*map(max, heaviest, weight))
    return heaviest


def _compare(weight: Weight, limits: Limits) -> None:
    for measure, (code, noun) in _MEASURES.items():
        found, allowed = getattr(weight, measure), getattr(limits, measure)
        if found > allowed:
            shown = found if found < _COUNT_SHOWN_MAX else f"more than {_COUNT_SHOWN_MAX}"
            message = f"The document has {shown} {noun}; {allowed} are allowed."
            raise GraphQLError(message, extensions={"code": code})


class _Scales:
    """Weighs the selections of one document, each fragment once."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self._levels_max = limits.depth + limits.nesting
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._weighed: dict[str, Weight] = {}

    def operation(self, node: OperationDefinitionNode) -> Weight:
        """Return the weight of an operation."""
        weight = self._selections(node.selection_set, 0)
        return weight._replace(directives=weight.directives + _length(node.directives))

    def _selections(self, node: SelectionSetNode | None, level: int) -> Weight:
        # The recursion stops here, so its own depth is bounded whatever the document says.
        if level > self._levels_max:
            message = f"The document is nested more than {self._levels_max} levels deep."
            raise GraphQLError(message, extensions={"code": "TOO_DEEP"})
        return _sum(self._selection(each, level + 1) for each in node.selections) if node else _NONE

    def _selection(self, node: SelectionNode, level: int) -> Weight:
        if isinstance(node, FieldNode):
            return _field(node, self._selections(node.selection_set, level))
        if isinstance(node, FragmentSpreadNode):
            inner = self._fragment(node.name.value, level)
        elif isinstance(node, InlineFragmentNode):
            inner = self._selections(node.selection_set, level)
        else:
            return _NONE
        directives = inner.directives + _length(node.directives)
        return inner._replace(nesting=inner.nesting + 1, directives=directives)

    def _fragment(self, name: str, level: int) -> Weight:
        if name not in self._weighed:
            # An unknown fragment, or one met inside itself, weighs nothing: validation refuses it.
            self._weighed[name] = _NONE
            if name in self._fragments:
                fragment = self._fragments[name]
                self._weighed[name] = self._selections(fragment.selection_set, level)
        return self._weighed[name]


_NONE = Weight()


def _field(node: FieldNode, inner: Weight) -> Weight:
    is_introspection = node.name.value in INTROSPECTION
    return Weight(
        depth=1 if is_introspection else inner.depth + 1,
        nesting=inner.nesting,
        aliases=inner.aliases + (node.alias is not None),
        directives=inner.directives + _length(node.directives),
        root_fields=1,
        fields=inner.fields + 1,
        introspections=inner.introspections + is_introspection,
    )


def _sum(weights: Iterable[Weight]) -> Weight:
    """Add up one level: the deepest selection counts for depth, every one for the rest."""
    depth, nesting, aliases, directives, root_fields, fields, introspections = _NONE
    for weight in weights:
        depth, nesting = max(depth, weight.depth), max(nesting, weight.nesting)
        aliases += weight.aliases
        directives += weight.directives
        root_fields += weight.root_fields
        fields += weight.fields
        introspections += weight.introspections
    return Weight(depth, nesting, aliases, directives, root_fields, fields, introspections)


def _length(nodes: tuple[object, ...] | None) -> int:
    return len(nodes or ())
