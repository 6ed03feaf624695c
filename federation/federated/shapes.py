"""What a node's answer to a selection must look like, from the schema that all nodes have.

Every member that was asked for is there and of its type, and no other: so what is passed on as it
was sent is what a client of this schema expects, and no deeper than its own document.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    SelectionSetNode,
)

from federation.federated.selections import TYPENAME, Fragments, Selection

_LEAVES: Final[dict[str, Any]] = {
    "Boolean": bool,
    "Float": float,
    "Int": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
}
"""Every other scalar of the schemas is a text in JSON."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What reads an object, and the members of it that are its id."""

    decoder: msgspec.json.Decoder[Any]
    ids: tuple[str, ...]


def shapes_of(
    kind: GraphQLObjectType, selection: Selection, fragments: Fragments
) -> Sequence[Shape]:
    """Return the shapes of a selection's parts; those of the selections used last are kept."""
    key = (kind.name, selection.below, selection.fragments)
    if key not in _KEPT:
        _KEPT[key] = [shape_of(kind, sets, fragments) for sets in selection.parts]
        if len(_KEPT) > KEPT_MAX:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(key)
    return _KEPT[key]


KEPT_MAX: Final = 64
_KEPT: Final = OrderedDict[tuple[str, tuple[str, ...], str], Sequence[Shape]]()


def shape_of(
    kind: GraphQLObjectType, selections: Sequence[SelectionSetNode], fragments: Fragments
) -> Shape:
    """Return the shape of an object of a type under the selections of one field."""
    members = _members(kind, selections, fragments)
    found = _struct(kind, members, fragments)
    ids = tuple(f"f{n}" for n, (nodes, _) in enumerate(members.values()) if _is_id(nodes[0]))
    return Shape(msgspec.json.Decoder(found), ids)


def _is_id(node: FieldNode) -> bool:
    return node.name.value == "id"


Members = dict[str, tuple[list[FieldNode], bool]]


def _members(
    kind: GraphQLObjectType, selections: Sequence[SelectionSetNode], fragments: Fragments
) -> Members:
    """Return {name in the answer: (the fields of that name, whether it may be left out)}."""
    found: Members = {}
    for selection in selections:
        for node, is_optional in _written_out(kind, selection, fragments, may_lack=False):
            name = (node.alias or node.name).value
            nodes, was_optional = found.get(name, ([], True))
            found[name] = ([*nodes, node], was_optional and is_optional)
    return found


def _written_out(
    kind: GraphQLObjectType, selection: SelectionSetNode, fragments: Fragments, *, may_lack: bool
) -> Iterator[tuple[FieldNode, bool]]:
    for one in selection.selections:
        lacks = may_lack or bool(one.directives)
        if isinstance(one, FieldNode):
            yield one, lacks
            continue
        inner: InlineFragmentNode | FragmentDefinitionNode
        if isinstance(one, FragmentSpreadNode):
            inner = fragments[one.name.value]
        elif isinstance(one, InlineFragmentNode):
            inner = one
        else:
            continue
        condition = inner.type_condition
        if condition is None or condition.name.value == kind.name:
            yield from _written_out(kind, inner.selection_set, fragments, may_lack=lacks)


def _struct(kind: GraphQLObjectType, members: Members, fragments: Fragments) -> Any:
    fields: list[Any] = []
    names: dict[str, str] = {}
    for number, (name, (nodes, is_optional)) in enumerate(members.items()):
        names[f"f{number}"] = name
        value = _member(kind, nodes, fragments)
        fields.append(
            (f"f{number}", value | msgspec.UnsetType, msgspec.UNSET)
            if is_optional
            else (f"f{number}", value)
        )
    return msgspec.defstruct(
        kind.name, fields, rename=names, forbid_unknown_fields=True, kw_only=True
    )


def _member(kind: GraphQLObjectType, nodes: Sequence[FieldNode], fragments: Fragments) -> Any:
    name = nodes[0].name.value
    if name == TYPENAME:
        return Literal[kind.name]
    return _typed(kind.fields[name].type, nodes, fragments)


def _typed(kind: GraphQLOutputType, nodes: Sequence[FieldNode], fragments: Fragments) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _present(kind.of_type, nodes, fragments)
    return _present(kind, nodes, fragments) | None


def _present(kind: Any, nodes: Sequence[FieldNode], fragments: Fragments) -> Any:
    if isinstance(kind, GraphQLList):
        return list[_typed(kind.of_type, nodes, fragments)]  # type: ignore[misc]
    if isinstance(kind, GraphQLEnumType):
        return Literal[tuple(kind.values)]
    if isinstance(kind, GraphQLObjectType):
        sets = [node.selection_set for node in nodes if node.selection_set]
        return _struct(kind, _members(kind, sets, fragments), fragments)
    return _LEAVES.get(kind.name, str)
