"""Documents and values made up for real types: what people may ask, and what may go wrong."""

from collections import defaultdict, deque
from datetime import UTC, date, datetime

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)
from hypothesis import strategies as st
from strawberry.schema.schema_converter import GraphQLCoreConverter

DEPTH_MAX = 4
SOME = {
    "String": ["", "title", "naïve \U0001f4da"],
    "ID": ["GB:w-1", "2"],
    "Int": [0, -1, 2**31 - 1, -(2**31)],
    "Boolean": [True, False],
    "Float": [0.0, 1.5],
    "BigInt": [0, 10**20, "17"],
    "Date": [date(2026, 9, 1)],
    "DateTime": [datetime(2026, 9, 1, 12, tzinfo=UTC)],
    "LicensedUse": ["TRAIN"],
    "ContentTier": ["standard"],
    "Word": ["w", ""],
}
BACK = GraphQLCoreConverter.DEFINITION_BACKREF


class Later:
    """Something to be awaited, as often as one likes."""

    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield from ()
        return self.value


class OwnText(str):
    """Text of a class of its own."""

    __slots__ = ()


DIRECTIVES = [
    " @skip(if: $no)",
    " @skip(if: $yes)",
    " @include(if: $yes)",
    " @include(if: false)",
    " @include(if: true) @skip(if: $no)",
]
MADE_UP = frozenset({"Shelf"})  # types whose resolvers need no server

ODD = [None, ValueError("not there"), 2**31, 1.5, True, "text", OwnText("own"), b"bytes", [], {}]


def attribute_of(field):
    """Return the name of the attribute that a field is, None where it is more."""
    basic = field.extensions[BACK]
    return basic.python_name if basic.is_basic_field else None


def askable(kind):
    """Return the fields of a type that these values can answer."""
    return {
        name: field
        for name, field in kind.fields.items()
        if not field.args and (attribute_of(field) or kind.name in MADE_UP)
    }


class Documents:
    """Makes up one document that asks for `things` of a type."""

    def __init__(self, draw):
        self.draw = draw
        self.fragments = []
        self.aliases = 0
        self.asked = defaultdict(set)

    def document(self, kind):
        body = self.selection(kind, 0)
        head = "query($yes: Boolean!, $no: Boolean = false, $first: Int)"
        return "\n".join([f"{head} {{ things {body} }}", *self.fragments])

    def one_in(self, number):
        return self.draw(st.integers(1, number)) == number

    def selection(self, kind, level):
        if isinstance(kind, GraphQLUnionType):
            parts = [f"... on {each.name} {self.selection(each, level)}" for each in kind.types]
            return f"{{ __typename {' '.join(parts)} }}"
        fields = [
            name
            for name, field in askable(kind).items()
            if level < DEPTH_MAX or is_leaf_type(get_named_type(field.type))
        ]
        count = self.draw(st.integers(1, 6))
        chosen = [
            self.draw(st.sampled_from(["__typename", *fields])) if fields else "__typename"
            for _ in range(count)
        ]
        return f"{{ {' '.join(self.part(kind, name, level) for name in chosen)} }}"

    def part(self, kind, name, level):
        shown = self.field(kind, name, level)
        if self.one_in(8):
            on = f" on {kind.name}" if self.one_in(2) else ""
            return f"...{on}{self.directive()} {{ {shown} }}"
        if self.one_in(8):
            fragment = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {fragment} on {kind.name} {{ {shown} }}")
            again = f" ...{fragment}" if self.one_in(2) else ""
            return f"...{fragment}{self.directive()}{again}"
        return shown

    def field(self, kind, name, level):
        alias = ""
        if self.one_in(5):
            self.aliases += 1
            alias = f"a{self.aliases}: "
        inner = None
        if name != "__typename":
            inner = get_named_type(kind.fields[name].type)
            self.asked[kind.name].add(name)
        below = "" if inner is None or is_leaf_type(inner) else self.selection(inner, level + 1)
        return f"{alias}{name}{self.directive()} {below}"

    def directive(self):
        return self.draw(st.sampled_from(["", "", "", "", *DIRECTIVES]))


class Values:
    """Makes up values for a document; `odds` is how many are right for each wrong one, 0 for all.

    Objects have the attributes that the document asks for.
    """

    def __init__(self, draw, odds, asked):
        self.draw, self.odds, self.asked = draw, odds, asked

    def is_odd(self):
        return bool(self.odds) and self.draw(st.integers(0, self.odds)) == self.odds

    def of(self, kind, level=0):
        if self.is_odd():
            wrong = self.draw(st.sampled_from([*ODD, Later("later"), Later(None)]))
            return wrong if self.draw(st.booleans()) else Later(self.there(kind, level))
        if isinstance(kind, GraphQLNonNull):
            return self.there(kind.of_type, level)
        return None if self.draw(st.integers(0, 3)) == 3 else self.there(kind, level)

    def there(self, kind, level):
        if isinstance(kind, GraphQLNonNull):
            return self.there(kind.of_type, level)
        if isinstance(kind, GraphQLList):
            return self.list_of(kind.of_type, level)
        if isinstance(kind, GraphQLUnionType):
            return self.there(self.draw(st.sampled_from(kind.types)), level)
        if isinstance(kind, GraphQLObjectType):
            return self.object_of(kind, level)
        if isinstance(kind, GraphQLEnumType):
            return self.draw(st.sampled_from(list(kind.wrapped_cls)))
        return self.draw(st.sampled_from(SOME[kind.name]))

    def things(self, kind):
        """Return what `things` of a type are."""
        return [self.of(kind, 1) for _ in range(self.draw(st.integers(0, 12)))]

    def list_of(self, kind, level):
        most = 2 if level < 2 * DEPTH_MAX else 0
        found = [self.of(kind, level + 1) for _ in range(self.draw(st.integers(0, most)))]
        if self.is_odd():
            return self.draw(st.sampled_from([tuple, deque, OwnList]))(found)
        return found

    def object_of(self, kind, level):
        definition = kind.extensions[BACK]
        common = definition.concrete_of or definition
        made = object.__new__(common.origin)
        for name in sorted(self.asked.get(kind.name, ())):
            attribute = attribute_of(kind.fields[name])
            if attribute is not None and level <= 2 * DEPTH_MAX:
                object.__setattr__(made, attribute, self.of(kind.fields[name].type, level + 1))
        return made


class OwnList(list):
    """A list of a class of its own."""


def schema_of(kind, schema):
    """Return a schema that answers `things`, a list of a type of another schema."""
    things = GraphQLField(GraphQLList(kind), resolve=lambda root, _info: root["things"])
    query = GraphQLObjectType("Things", {"things": things})
    return GraphQLSchema(query, types=[kind], directives=schema.directives, assume_valid=True)
