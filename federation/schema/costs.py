"""What a document costs before it runs: what it asks for, dear fields more (decision 66).

An object costs 1, a scalar nothing; a field with `@cost` what stands there, and what asks every
node that for each of them. A list has as many entries as the nearest field above it, or its own,
asks for: its `first`, or the entries of its list argument. Any other list counts as ten. So the
price is linear in each number asked for, and the count takes time linear in the document: a
fragment is priced once, however often it is spread. What the schema says of itself has a quota of
its own and costs nothing here.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)
from strawberry import UNSET
from strawberry.federation.schema_directives import Cost, ListSize
from strawberry.types.base import StrawberryContainer, get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.union import StrawberryUnion

from federation.values.cursors import FIRST_MAX

LIST_ASSUMED: Final = 10
FIRST: Final = "first"
EACH_NODE: Final[Mapping[Any, Any]] = MappingProxyType({"asks": "each node"})
"""The metadata of a field that asks every node: it costs its weight for each of them."""


class Price(NamedTuple):
    """What a field costs by itself, and the arguments by which it says how many it asks for."""

    own: int
    each_node: bool
    is_list: bool
    asked_by: tuple[tuple[str, GraphQLArgument], ...]


class Sum(NamedTuple):
    """The cost of a selection: `fixed`, and `each` for every entry of the list that comes first."""

    fixed: int = 0
    each: int = 0

    def of(self, size: int) -> int:
        """Return the cost where that list has so many entries."""
        return self.fixed + self.each * size


class Costs:
    """The prices of one schema, each read once."""

    def __init__(self) -> None:
        self._prices: dict[tuple[str, str], Price] = {}

    def of(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: str | None,
        variables: Mapping[str, Any],
        nodes: Callable[[], int],
    ) -> int:
        """Return what an operation of a document that is valid costs.

        `nodes` tells how many there are to ask; it is called where one of its fields asks them all.
        """
        found = next(
            node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
            and operation in (None, node.name.value if node.name else None)
        )
        walk = Walk(self, schema, document, _given(found, variables), nodes)
        root = cast("GraphQLCompositeType", schema.get_root_type(found.operation))
        return walk.selections(root, found.selection_set).of(LIST_ASSUMED)

    def price(self, kind: GraphQLNamedType, name: str, field: GraphQLField) -> Price:
        """Return what a field of a type costs."""
        key = (kind.name, name)
        if key not in self._prices:
            self._prices[key] = _price(field)
        return self._prices[key]


class Walk:
    """Adds up one operation, each fragment once."""

    def __init__(
        self,
        costs: Costs,
        schema: GraphQLSchema,
        document: DocumentNode,
        values: Mapping[str, Any],
        nodes: Callable[[], int],
    ) -> None:
        self._costs, self._schema, self._values, self._nodes = costs, schema, values, nodes
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._priced: dict[str, Sum] = {}

    def selections(self, kind: GraphQLNamedType, node: SelectionSetNode | None) -> Sum:
        """Return what is selected of one thing of a type."""
        return _total(self.selection(kind, one) for one in node.selections) if node else Sum()

    def selection(self, kind: GraphQLNamedType, node: SelectionNode) -> Sum:
        """Return what one part of a selection comes to."""
        if isinstance(node, FieldNode):
            return self._field(kind, node)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        fragment = cast("InlineFragmentNode", node)
        named = fragment.type_condition
        inner = self._schema.type_map[named.name.value] if named else kind
        return self.selections(inner, fragment.selection_set)

    def _fragment(self, name: str) -> Sum:
        if name not in self._priced:
            fragment = self._fragments[name]
            kind = self._schema.type_map[fragment.type_condition.name.value]
            self._priced[name] = self.selections(kind, fragment.selection_set)
        return self._priced[name]

    def _field(self, kind: GraphQLNamedType, node: FieldNode) -> Sum:
        name = node.name.value
        field = getattr(kind, "fields", {}).get(name)
        if field is None:  # what every type has: __typename, __schema, __type
            return Sum()
        price = self._costs.price(kind, name, field)
        inner = self.selections(get_named_type(field.type), node.selection_set)
        own = price.own * (self._nodes() if price.each_node else 1)
        size = self._size(price, node)
        if price.is_list:
            entry = own + inner.of(LIST_ASSUMED)
            return Sum(each=entry) if size is None else Sum(entry * size)
        return Sum(own + inner.fixed, inner.each) if size is None else Sum(own + inner.of(size))

    def _size(self, price: Price, node: FieldNode) -> int | None:
        """Return how many a field asks for, None where it does not say."""
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        sizes = [
            self._number(given.get(name), argument, is_first=name == FIRST)
            for name, argument in price.asked_by
        ]
        return max((size for size in sizes if size is not None), default=None)

    def _number(
        self, given: ValueNode | None, argument: GraphQLArgument, *, is_first: bool
    ) -> int | None:
        value: object = Undefined
        if isinstance(given, VariableNode):
            value = self._values.get(given.name.value, Undefined)
        elif given is not None:
            value = _written(given)
        if value is Undefined:
            value = argument.default_value
        if is_first:  # another is refused
            return min(max(value, 0), FIRST_MAX) if isinstance(value, int) else FIRST_MAX
        if value is None or value is Undefined:
            return None
        return len(value) if isinstance(value, list | tuple) else 1


def size_lists(*roots: object) -> None:
    """Say in `@listSize` of each field that is a page by which argument it is sized, and of what.

    It is so for routers of other graphs; here the argument alone counts.
    """
    seen, waiting = set[int](), list(roots)
    while waiting:
        kind: Any = waiting.pop()
        while isinstance(kind, StrawberryContainer):
            kind = kind.of_type
        if isinstance(kind, StrawberryUnion):
            waiting.extend(kind.types)
            continue
        definition = get_object_definition(kind)
        if definition is None or id(definition) in seen:
            continue
        seen.add(id(definition))
        for field in definition.fields:
            waiting.append(field.type)
            _size_list(field)


def _size_list(field: StrawberryField) -> None:
    first = next((one for one in field.arguments if one.python_name == FIRST), None)
    page: Any = field.type
    definition = get_object_definition(page)
    if first is None or definition is None:
        return
    lists = [one.python_name for one in definition.fields if one.python_name in {"edges", "late"}]
    is_said = any(isinstance(one, ListSize) for one in field.directives)
    if lists and not is_said:
        size = ListSize(
            assumed_size=cast("None", UNSET),  # a composer takes none beside a default of `first`
            slicing_arguments=[FIRST],
            sized_fields=lists,
            require_one_slicing_argument=first.default is UNSET,
        )
        field.directives = [*field.directives, size]


def _price(field: GraphQLField) -> Price:
    found = field.extensions.get("strawberry-definition")
    said = found if isinstance(found, StrawberryField) else None
    is_list = is_list_type(get_nullable_type(field.type))
    own = 0 if is_leaf_type(get_named_type(field.type)) else 1
    for directive in said.directives if said else ():
        own = directive.weight if isinstance(directive, Cost) else own
    by_first = [(name, one) for name, one in field.args.items() if name == FIRST]
    by_lists = [
        (name, one) for name, one in field.args.items() if is_list_type(get_nullable_type(one.type))
    ]
    each_node = said is not None and said.metadata == EACH_NODE
    return Price(own, each_node, is_list, tuple(by_first or by_lists))


def _given(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of an operation by name, with their defaults."""
    values = {
        one.variable.name.value: _written(one.default_value)
        for one in operation.variable_definitions or ()
        if one.default_value is not None
    }
    return values | dict(variables)


def _written(node: ValueNode) -> object:
    """Return of a value in a document what counts: a number, or a list by its entries."""
    if isinstance(node, IntValueNode):
        return int(node.value)
    if isinstance(node, ListValueNode):
        return node.values
    return None if isinstance(node, NullValueNode) else node


def _total(sums: Iterable[Sum]) -> Sum:
    fixed = each = 0
    for one in sums:
        fixed, each = fixed + one.fixed, each + one.each
    return Sum(fixed, each)
