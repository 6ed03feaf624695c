"""Write `federation_client/generated` from the hub's schema and what a lab's program asks of it.

Each fragment of kit/client/lab.graphql becomes a frozen struct, each enum and input object that is
met a class, each operation a function that returns a typed `Question`. What lies beyond these few
forms is refused by name: the documents are written so that they need no others.
"""

import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    is_required_input_field,
    parse,
    print_ast,
    strip_ignored_characters,
    type_from_ast,
    validate,
)

SCALARS: Final = {
    "BigInt": "int",
    "Boolean": "bool",
    "ContentTier": "str",
    "Date": "date",
    "DateTime": "datetime",
    "ID": "str",
    "Int": "int",
    "LicensedUse": "str",
    "String": "str",
}
AS_INT: Final = {("Money", "minor")}  # an integer in a field of type String
_WORDS: Final = '''"""Words of the schema: written from it by `make client`; edit nothing here."""

from federation_client.question import Word
'''
_ANSWERS: Final = '''"""What a hub sends and takes: by `make client`; edit nothing here."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import UNSET, Struct, UnsetType

from federation_client.generated.words import {words}
'''
_QUESTIONS: Final = '''"""What a lab asks: from lab.graphql by `make client`; edit nothing here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from federation_client.generated.answers import {answers}
from federation_client.question import Question, Reader, reader
'''


class UnknownFormError(Exception):
    """The documents hold a form that this generator has no class for."""


def generated(schema_text: str, asked: str) -> dict[str, str]:
    """Return the text of each module by its name, before they are formatted.

    Raises UnknownFormError for what `asked` may not ask of the schema, or asks in another form.
    """
    schema, document = build_schema(schema_text, assume_valid_sdl=True), parse(asked)
    errors = validate(schema, document)
    if errors:
        raise UnknownFormError("\n".join(str(error) for error in errors))
    return _Package(schema, document).modules()


def snake(name: str) -> str:
    """Return how Python spells a name of GraphQL."""
    found = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    return f"{found}_" if keyword.iskeyword(found) else found


class _Package:
    """The modules in the making: what was met of the schema, in the order of the documents."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._operations: list[OperationDefinitionNode] = []
        for each in document.definitions:
            if isinstance(each, FragmentDefinitionNode):
                self._fragments[each.name.value] = each
            elif isinstance(each, OperationDefinitionNode):
                self._operations.append(each)
        self._enums: dict[str, GraphQLEnumType] = {}
        self._inputs: dict[str, GraphQLInputObjectType] = {}
        self._tagged = {name for each in self._operations for name in self._members(each)}

    def modules(self) -> dict[str, str]:
        """Return the enums, the fragments and inputs, the questions."""
        structs = [self._struct(each) for each in self._fragments.values()]
        questions = [self._question(each) for each in self._operations]
        inputs = [self._input(each) for each in self._inputs.values()]
        enums = [_enum(each) for each in sorted(self._enums.values(), key=lambda it: it.name)]
        named = ", ".join([*self._fragments, *self._inputs])  # ruff drops what is not used
        parts = {
            "words": [_WORDS, *enums],
            "answers": [_ANSWERS.format(words=", ".join(sorted(self._enums))), *structs, *inputs],
            "questions": [_QUESTIONS.format(answers=named), *questions],
        }
        return {name: "\n\n".join(texts) for name, texts in parts.items()}

    def _members(self, operation: OperationDefinitionNode) -> Iterator[str]:
        """Yield the fragments that are told apart by `__typename`."""
        selected = _only_field(operation.selection_set)
        spreads = _spreads(selected.selection_set)
        if len(spreads) > 1:
            yield from spreads

    def _struct(self, fragment: FragmentDefinitionNode) -> str:
        name = fragment.name.value
        on = self._schema.get_type(fragment.type_condition.name.value)
        if not isinstance(on, GraphQLObjectType):
            raise UnknownFormError(f"fragment {name} is on no object")
        lines, told = [], []
        for field in fragment.selection_set.selections:
            if not isinstance(field, FieldNode) or field.alias or field.arguments:
                raise UnknownFormError(f"fragment {name} has something else than plain fields")
            known = on.fields[field.name.value]
            shape = self._shape(known.type, field.selection_set)
            if (on.name, field.name.value) in AS_INT:
                shape = "int"
            lines.append(f"{snake(field.name.value)}: {shape}")
            told.append((snake(field.name.value), known.description or ""))
        tag = f', tag="{on.name}", tag_field="__typename"' if name in self._tagged else ""
        bases = f'Struct, frozen=True, kw_only=True, rename="camel"{tag}'
        return _class(name, bases, on.description or "", told, lines)

    def _input(self, kind: GraphQLInputObjectType) -> str:
        """Return the class of an input object; what has a default may be left out."""
        lines, told = [], []
        for name, field in kind.fields.items():
            shape = self._given(field.type)
            is_optional = not is_required_input_field(field)
            lines.append(f"{snake(name)}: {shape}{' | UnsetType = UNSET' if is_optional else ''}")
            told.append((snake(name), field.description or ""))
        bases = 'Struct, frozen=True, kw_only=True, rename="camel"'
        return _class(kind.name, bases, kind.description or "", told, lines)

    def _question(self, operation: OperationDefinitionNode) -> str:
        field = _only_field(operation.selection_set)
        name, root = field.name.value, self._root(operation)
        if operation.name is None or operation.name.value != name:
            raise UnknownFormError(f"the operation of {name} has another name")
        known = root.fields[name]
        shape = self._shape(known.type, field.selection_set)
        parameters, variables = [], []
        for variable in operation.variable_definitions or ():
            given = variable.variable.name.value
            kind = type_from_ast(self._schema, variable.type)
            default = "" if _is_needed(kind) else " = None"
            parameters.append(f"{snake(given)}: {self._given(kind)}{default}")
            variables.append(f'"{given}": {snake(given)}')
        constant = snake(name).upper()
        parts = [operation, *self._used(operation.selection_set)]
        document = strip_ignored_characters("\n".join(map(print_ast, parts)))
        return f'''{constant}: Final = "{document}"
_{constant}_READ: Final[Reader[{shape}]] = reader({shape})


def {snake(name)}(*, {", ".join(parameters)}) -> Question[{shape}]:
    """{_sentence(known.description or name)}"""
    return Question("{name}", {constant}, {{{", ".join(variables)}}}, _{constant}_READ)
'''

    def _root(self, operation: OperationDefinitionNode) -> GraphQLObjectType:
        found = self._schema.get_root_type(operation.operation)
        if found is None:
            raise UnknownFormError(f"the schema has no {operation.operation.value}")
        return found

    def _used(self, selections: SelectionSetNode | None) -> list[FragmentDefinitionNode]:
        """Return the fragments that a selection spreads, and those that they spread, once each."""
        found: dict[str, FragmentDefinitionNode] = {}

        def walk(part: SelectionSetNode | None) -> None:
            for each in part.selections if part else ():
                if isinstance(each, FieldNode):
                    walk(each.selection_set)
                elif isinstance(each, FragmentSpreadNode) and each.name.value not in found:
                    found[each.name.value] = self._fragments[each.name.value]
                    walk(found[each.name.value].selection_set)

        walk(selections)
        return [found[name] for name in sorted(found)]

    def _shape(self, kind: object, selections: SelectionSetNode | None) -> str:
        """Return the annotation of what a field answers."""
        if isinstance(kind, GraphQLNonNull):
            return self._present(kind.of_type, selections)
        return f"{self._present(kind, selections)} | None"

    def _present(self, kind: object, selections: SelectionSetNode | None) -> str:
        if isinstance(kind, GraphQLList):
            return f"tuple[{self._shape(kind.of_type, selections)}, ...]"
        if isinstance(kind, GraphQLObjectType | GraphQLUnionType | GraphQLInterfaceType):
            spreads = _spreads(selections)
            if len(spreads) != 1 and not isinstance(kind, GraphQLUnionType):
                raise UnknownFormError(f"a {kind.name} is not asked for by one fragment")
            return " | ".join(spreads)
        return self._leaf(kind)

    def _given(self, kind: object) -> str:
        """Return the annotation of what is sent."""
        if not isinstance(kind, GraphQLNonNull):
            return f"{self._given_present(kind)} | None"
        return self._given_present(kind.of_type)

    def _given_present(self, kind: object) -> str:
        if isinstance(kind, GraphQLList):
            return f"Sequence[{self._given(kind.of_type)}]"
        if isinstance(kind, GraphQLInputObjectType):
            for field in kind.fields.values():  # what it holds is met before it
                self._given(field.type)
            self._inputs.setdefault(kind.name, kind)
            return kind.name
        return self._leaf(kind)

    def _leaf(self, kind: object) -> str:
        if isinstance(kind, GraphQLEnumType):
            self._enums[kind.name] = kind
            return kind.name
        found = SCALARS.get(getattr(kind, "name", ""))
        if found is None:
            raise UnknownFormError(f"no type for {kind}")
        return found


def _only_field(selections: SelectionSetNode) -> FieldNode:
    found = selections.selections
    if len(found) != 1 or not isinstance(found[0], FieldNode):
        raise UnknownFormError("an operation has one root field")
    return found[0]


def _spreads(selections: SelectionSetNode | None) -> list[str]:
    """Return the fragments of a selection that holds nothing else but `__typename`."""
    found = []
    for each in selections.selections if selections else ():
        if isinstance(each, FragmentSpreadNode):
            found.append(each.name.value)
        elif not (isinstance(each, FieldNode) and each.name.value == "__typename"):
            raise UnknownFormError(f"{print_ast(each)} is no fragment")
    return found


def _is_needed(kind: object) -> bool:
    return isinstance(kind, GraphQLNonNull)


def _class(
    name: str, bases: str, told: str, fields: Iterable[tuple[str, str]], lines: Iterable[str]
) -> str:
    words = [_sentence(told)]
    for field, meaning in fields:
        said = f"{field}: {_sentence(meaning)}"
        words.append(textwrap.fill(said, 92, subsequent_indent="    ", break_long_words=False))
    text = "\n\n".join([words[0], "\n".join(words[1:])]) if words[1:] else words[0]
    body = textwrap.indent(f'"""{text}\n"""\n\n' + "\n".join(lines), "    ")
    return f"class {name}({bases}):\n{body}\n"


def _enum(kind: GraphQLEnumType) -> str:
    """Return the class of an enum, with what each of its words means."""
    told = [(snake(name).upper(), value.description or "") for name, value in kind.values.items()]
    lines = [f'{snake(name).upper()} = "{name}"' for name in kind.values]
    return _class(kind.name, "Word", kind.description or "", told, lines)


def _sentence(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")
