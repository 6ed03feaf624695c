"""Answers to the questions of pages, made up by the schema: each text is what a test says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    visit,
)

SCALARS = {
    "Int": 1,
    "Float": 1.5,
    "Boolean": True,
    "BigInt": "1",
    "Date": "2026-09-20",
    "DateTime": "2026-09-20T12:00:00+00:00",
}
NAMED = {"currency": "EUR", "path": "0", "minor": "1"}  # texts that pages count with


@dataclass(frozen=True)
class Made:
    """How an answer is made: every text is `text`; `turn` chooses among words and kinds.

    With `nulls` whatever may be null is.
    """

    schema: GraphQLSchema
    text: str
    turn: int = 0
    nulls: bool = False

    def answer(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data of a document's one operation."""
        parts = parse(document).definitions
        [operation] = [each for each in parts if isinstance(each, OperationDefinitionNode)]
        fragments = {
            each.name.value: each for each in parts if isinstance(each, FragmentDefinitionNode)
        }
        is_query = operation.operation is OperationType.QUERY
        root = self.schema.query_type if is_query else self.schema.mutation_type
        assert root is not None
        return self._object(root, [operation.selection_set], _Of(fragments, variables))

    def turns(self, document: str) -> int:
        """Return how many turns show every word, and every kind, of each field that is asked."""
        info = TypeInfo(self.schema)
        widest = _Widest(info, self.schema)
        visit(parse(document), TypeInfoVisitor(info, widest))
        return widest.found

    def _object(
        self, kind: GraphQLObjectType, selections: list[SelectionSetNode], of: "_Of"
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in of.fields(selections, kind.name):
            name = (field.alias or field.name).value
            if field.name.value == "__typename":
                found[name] = kind.name
            else:
                inner = kind.fields[field.name.value].type
                found[name] = self._value(inner, field, of)
        return found

    def _value(self, kind: Any, field: FieldNode, of: "_Of") -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._there(kind.of_type, field, of)
        return None if self.nulls else self._there(kind, field, of)

    def _there(self, kind: Any, field: FieldNode, of: "_Of") -> Any:
        if isinstance(kind, GraphQLList):
            return [self._value(kind.of_type, field, of) for _ in range(2)]
        if isinstance(kind, GraphQLEnumType):
            words = list(kind.values)
            return words[self.turn % len(words)]
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            members = [
                each for each in self.schema.get_possible_types(kind) if each.name != "Refused"
            ]
            kind = members[self.turn % len(members)]
        if isinstance(kind, GraphQLObjectType):
            assert field.selection_set is not None
            return self._object(kind, [field.selection_set], of)
        return SCALARS.get(kind.name, NAMED.get(field.name.value, self.text))


class _Widest(Visitor):
    """Finds the field with the most words or kinds."""

    def __init__(self, info: TypeInfo, schema: GraphQLSchema) -> None:
        super().__init__()
        self._info, self._schema, self.found = info, schema, 1

    def enter_field(self, *_: Any) -> None:
        kind = get_named_type(self._info.get_type())
        if isinstance(kind, GraphQLEnumType):
            self.found = max(self.found, len(kind.values))
        elif isinstance(kind, GraphQLUnionType):
            self.found = max(self.found, len(kind.types))


@dataclass(frozen=True)
class _Of:
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def fields(self, selections: list[SelectionSetNode], kind: str) -> Iterator[FieldNode]:
        """Yield the fields that are asked of an object of a kind."""
        for selection in selections:
            for each in selection.selections:
                if not self._is_included(each):
                    continue
                if isinstance(each, FieldNode):
                    yield each
                    continue
                part = (
                    self.fragments[each.name.value]
                    if isinstance(each, FragmentSpreadNode)
                    else each
                )
                said = part.type_condition
                if said is None or said.name.value == kind:
                    yield from self.fields([part.selection_set], kind)

    def _is_included(self, node: Any) -> bool:
        for each in node.directives or ():
            value = bool(self.variables.get(each.arguments[0].value.name.value))
            if value != (each.name.value == "include"):
                return False
        return True
