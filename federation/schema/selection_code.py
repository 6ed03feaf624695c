"""What completes one selection in one go: a function, written for its type and its fields.

graphql-core asks itself some thirty things for every field of every object of a list; for a field
that is an attribute of a known class all answers but one are the same each time. The function reads
attributes, tests the exact type of each value and builds the answer. Whatever it is not sure of it
leaves (`OddError`): an error, an object of another class, something to be awaited.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from inspect import isawaitable
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNamedOutputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLWrappingType,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetails
from graphql.pyutils import Undefined
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

TYPENAME: Final = "__typename"
_BACK: Final = GraphQLCoreConverter.DEFINITION_BACKREF
_CONDITIONS: Final = frozenset({"skip", "include"})
_PLAIN: Final = frozenset({str, int, bool, float, date, datetime})  # no errors, nothing to await
_LISTS: Final = frozenset({list, tuple})
_EXACT: Final[dict[object, str]] = {
    GraphQLString: "type({0}) is str",
    GraphQLID: "type({0}) is str",
    GraphQLBoolean: "type({0}) is bool",
    GraphQLInt: "type({0}) is int and -2147483648 <= {0} <= 2147483647",
}
"""Where a value of a built-in scalar is its own answer."""

Kind = GraphQLNamedOutputType | GraphQLWrappingType[Any]
Details = list[FieldDetails]
Collect = Callable[[GraphQLObjectType, Details], CollectedFields]
Complete = Callable[[Any], Any]


class OddError(Exception):
    """A value is not what the function was written for: the executor has to complete it."""


class _OutOfReachError(Exception):
    """A field of the selection is more than an attribute: no function can be written."""


class Written(NamedTuple):
    """A function that completes values of one selection, and how long its text is."""

    complete: Complete
    length: int


def write(schema: GraphQLSchema, kind: Kind, details: Details, collect: Collect) -> Written | None:
    """Return what completes values of a type under a selection; None where not every field can be.

    `collect` gives the fields of an object of a type below some fields, as the executor does:
    fragments written out, what @skip and @include leave out left out.
    """
    writer = _Writer(schema, collect)
    if any(_is_odd(one) for one in details):
        return None
    try:
        shown = writer.value(kind, "v", details)
    except _OutOfReachError:
        return None
    text = "\n".join([*writer.lines, "def complete(v):", f"    return {shown}"])
    names = writer.names
    # The text has names of attributes of our own classes, and names of the answer as literals.
    exec(compile(text, "<selection>", "exec"), names)  # noqa: S102
    return Written(names["complete"], len(text))


class _Writer:
    """Writes the functions of one selection: one for each object in it, the inner ones first."""

    def __init__(self, schema: GraphQLSchema, collect: Collect) -> None:
        self._schema, self._collect = schema, collect
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"items": _items, "OddError": OddError}
        self._leaves: dict[GraphQLLeafType, str] = {}

    def value(self, kind: Kind, name: str, details: Details, level: int = 0) -> str:
        """Return an expression for the completed value of a variable."""
        if isinstance(kind, GraphQLNonNull):
            return self._there(_inside(kind), name, details, level)
        return f"(None if {name} is None else {self._there(kind, name, details, level)})"

    def _there(self, kind: Kind, name: str, details: Details, level: int) -> str:
        if isinstance(kind, GraphQLList):
            each = f"i{level}"
            shown = self.value(_inside(kind), each, details, level + 1)
            return f"[{shown} for {each} in ({name} if type({name}) is list else items({name}))]"
        if isinstance(kind, GraphQLObjectType):
            return f"{self._object(kind, details)}({name})"
        if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
            return self._leaf(kind).format(name)
        raise _OutOfReachError

    def _leaf(self, kind: GraphQLLeafType) -> str:
        """Return the expression for a value of a type whose name stands in its place."""
        if kind not in self._leaves:
            exact, answer = _EXACT.get(kind), "{0}"
            wrapped = getattr(kind, "wrapped_cls", None)
            if isinstance(kind, GraphQLEnumType) and wrapped is not None:
                answer = self._named("words", _words_of(kind, wrapped)) + "[{0}]"
                exact = "type({0}) is " + self._named("enum", wrapped)
            coerced = self._named("leaf", _leaf_of(kind)) + "({0})"
            self._leaves[kind] = f"({answer} if {exact} else {coerced})" if exact else coerced
        return self._leaves[kind]

    def _object(self, kind: GraphQLObjectType, details: Details) -> str:
        """Write the function of an object, and return its name."""
        fields, deferred, _ = self._collect(kind, details)
        definition = kind.extensions.get(_BACK)
        if deferred or kind.is_type_of or not isinstance(definition, StrawberryObjectDefinition):
            raise _OutOfReachError
        lines, members = list[str](), list[str]()
        for number, (shown, found) in enumerate(fields.items()):
            if found[0].node.name.value == TYPENAME:
                members.append(f"{shown!r}: {kind.name!r}")
                continue
            field, attribute = self._attribute(kind, found)
            lines.append(f"    a{number} = v.{attribute}")
            members.append(f"{shown!r}: {self.value(_type_of(field), f'a{number}', found)}")
        classes = self._named("classes", _classes_of(definition))
        function = self._named("object", None)
        self.lines += [
            f"def {function}(v):",
            f"    if type(v) not in {classes}: raise OddError",
            *lines,
            f"    return {{{', '.join(members)}}}",
        ]
        return function

    def _attribute(self, kind: GraphQLObjectType, found: Details) -> tuple[GraphQLField, str]:
        """Return a field that is an attribute and nothing more, and the attribute's name."""
        field = self._schema.get_field(kind, found[0].node.name.value)
        basic = field.extensions.get(_BACK) if field else None
        if (
            field is None
            or field.args
            or not isinstance(basic, StrawberryField)
            or not basic.is_basic_field
            or basic.default_resolver is not getattr
            or any(_is_odd(one) for one in found)
        ):
            raise _OutOfReachError
        return field, basic.python_name

    def _named(self, what: str, value: object) -> str:
        name = f"{what}{len(self.names)}"
        self.names[name] = value
        return name


def _inside(kind: Any) -> Kind:
    """Return what a list, or a type without null, is of."""
    inner: Kind = kind.of_type
    return inner


def _type_of(field: Any) -> Kind:
    kind: Kind = field.type
    return kind


def _is_odd(one: FieldDetails) -> bool:
    """Tell whether more is said of a field than whether it is asked for, such as @stream."""
    said = (directive.name.value for directive in one.node.directives or ())
    return one.fragment_variable_values is not None or not _CONDITIONS.issuperset(said)


def _classes_of(definition: StrawberryObjectDefinition) -> frozenset[type]:
    """Return the classes whose objects are of a type: its own and, of a generic one, the common."""
    classes = {definition.origin}
    if definition.concrete_of is not None:
        classes.add(definition.concrete_of.origin)
    if any(issubclass(one, Exception) or hasattr(one, "__await__") for one in classes):
        raise _OutOfReachError
    return frozenset(classes)


def _leaf_of(kind: GraphQLLeafType) -> Complete:
    """Return what coerces a value that is there, or raises."""
    coerce = kind.coerce_output_value

    def leaf(value: Any) -> Any:
        if type(value) not in _PLAIN and (
            value is None
            or value is Undefined
            or isinstance(value, Exception)
            or isawaitable(value)
        ):
            raise OddError
        found = coerce(value)
        if found is None or found is Undefined:
            raise OddError
        return found

    return leaf


def _words_of(kind: GraphQLEnumType, wrapped: Iterable[Any]) -> dict[Any, str]:
    """Return how each member of an enum is written."""
    return {one: kind.coerce_output_value(one) for one in wrapped}


def _items(value: object) -> object:
    """Return a list as it is; what can be read but once, or has to be awaited, is left alone."""
    if type(value) in _LISTS:
        return value
    raise OddError
