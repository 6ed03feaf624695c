"""What a client selects of a federated list: printed for the nodes, and put together again.

Of the list itself (its edges, cursors, pages) the hub answers; what stands below `node` and `late`
is asked of the nodes as the client wrote it, aliases, fragments and directives included, with the
variables that it uses and no others. So a node is asked for no more aliases or levels than the
client's own document has.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, cast

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    print_ast,
)

Fragments = Mapping[str, FragmentDefinitionNode]
TYPENAME: Final = "__typename"
THINGS: Final = frozenset({"late", "works"})  # fields of an answer that are lists of things
ENTITY: Final = "_Entity"  # the union of what is asked for by its key


class Asking(NamedTuple):
    """The document in which a list is asked for, as it came: what its parts may refer to."""

    operation: OperationDefinitionNode
    fragments: Fragments
    values: Mapping[str, Any]
    """The variables as they are executed, by name."""
    sent: Mapping[str, Any]
    """The variables as they were sent, by name; one that was left out is not there."""


class Argument(NamedTuple):
    """An argument that the hub gives to a node's list: its type in GraphQL, its value in JSON."""

    type: str
    value: Any


class Shown(NamedTuple):
    """A member of an edge, in order: its name in the answer, and what it is.

    `number` is that of the selection whose answer it is, None for the cursor and `__typename`.
    """

    name: str
    field: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Selection:
    """What a client selects of a list.

    `below` are the selections below `node` and `late`, each once, as they are printed, `parts` the
    same as they were read. `edges` says for each name under which edges are asked for how an edge
    is put together, `things` for each under which things themselves are (`late`, `works`) which
    selection it is.
    """

    below: tuple[str, ...]
    parts: tuple[tuple[SelectionSetNode, ...], ...]
    fragments: str
    variables: tuple[str, ...]
    sent: Mapping[str, Any]
    edges: Mapping[str, tuple[Shown, ...]]
    things: Mapping[str, int]

    @property
    def prefix(self) -> str:
        """What the hub's own variables begin with, so that none has the name of another."""
        prefix = "of_the_list_"
        while any(one.startswith(f"${prefix}") for one in self.variables):
            prefix += "_"
        return prefix

    def names(self) -> list[str]:
        """Return under which names an edge of a node's answer has the selections, in order."""
        return ["node" if number == 0 else f"node{number}" for number in range(len(self.below))]

    def with_id(self) -> "Selection":
        """Return the same where nothing of a thing is selected, with its id."""
        document = cast("OperationDefinitionNode", parse("{ id }").definitions[0])
        return replace(self, below=("{ id }",), parts=((document.selection_set,),))

    def document(self, field: str, arguments: Mapping[str, Argument]) -> tuple[str, dict[str, Any]]:
        """Return the document that asks a node for its part of a list, and its variables.

        The list's own arguments are variables whose names begin with `prefix`.
        """
        head, passed, values = self._given(arguments)
        nodes = " ".join(
            f"{name if name == 'node' else f'{name}: node'} {below}"
            for name, below in zip(self.names(), self.below, strict=True)
        )
        text = (
            f"query({head}) {{ {field}({passed}) {{ edges {{ cursor {nodes} }}"
            f" pageInfo {{ hasNextPage endCursor }} }} }}"
        )
        return f"{text}\n{self.fragments}".rstrip(), values

    def document_of_one(
        self, field: str, arguments: Mapping[str, Argument]
    ) -> tuple[str, dict[str, Any]]:
        """Return the document that asks a node for one thing, under each of `names`."""
        head, passed, values = self._given(arguments)
        asked = " ".join(
            f"{name}: {field}({passed}) {below}"
            for name, below in zip(self.names(), self.below, strict=True)
        )
        return f"query({head}) {{ {asked} }}\n{self.fragments}".rstrip(), values

    def document_of_many(self, kind: str, ids: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """Return the document that asks a node for things of one kind by their ids."""
        named = [{TYPENAME: kind, "id": thing} for thing in ids]
        head, passed, values = self._given({"representations": Argument("[_Any!]!", named)})
        asked = f"_entities({passed}) {{ ... on {kind} {self.below[0]} }}"
        return f"query({head}) {{ {asked} }}\n{self.fragments}".rstrip(), values

    def _given(self, arguments: Mapping[str, Argument]) -> tuple[str, str, dict[str, Any]]:
        """Return a document's variables, the arguments that they are, and their values."""
        prefix = self.prefix
        given = [f"${prefix}{name}: {one.type}" for name, one in arguments.items()]
        passed = ", ".join(f"{name}: ${prefix}{name}" for name in arguments)
        values = {f"{prefix}{name}": one.value for name, one in arguments.items()}
        return ", ".join([*given, *self.variables]), passed, {**values, **self.sent}


def whole(asking: Asking, fields: Sequence[FieldNode]) -> Selection:
    """Return all that is selected of a field, to be passed on as it is: edges, pages and all."""
    sets = tuple(node.selection_set for node in fields if node.selection_set)
    inner = " ".join(print_ast(each)[1:-1].strip() for each in sets)
    return _selection(asking, {f"{{ {inner} }}": sets}, {}, {})


def select(asking: Asking, fields: Sequence[FieldNode]) -> Selection:
    """Return what is selected of a list by the fields of one name in the answer."""
    below: dict[str, tuple[SelectionSetNode, ...]] = {}

    def number_of(found: Sequence[FieldNode]) -> int:
        sets = tuple(node.selection_set for node in found if node.selection_set)
        inner = " ".join(print_ast(each)[1:-1].strip() for each in sets)
        below.setdefault(f"{{ {inner} }}", sets)
        return list(below).index(f"{{ {inner} }}")

    edges, things = dict[str, tuple[Shown, ...]](), dict[str, int]()
    for name, found in _collected(asking, fields).items():
        field = found[0].name.value
        if field == "edges":
            edges[name] = tuple(
                Shown(
                    inner,
                    nodes[0].name.value,
                    number_of(nodes) if nodes[0].name.value == "node" else None,
                )
                for inner, nodes in _collected(asking, found).items()
            )
        elif field in THINGS:
            things[name] = number_of(found)
    return _selection(asking, below, edges, things)


def select_of_kind(asking: Asking, fields: Sequence[FieldNode], kind: str) -> Selection:
    """Return what the fields `_entities` of one name select of things of one kind.

    Nothing stands below where it is nothing.
    """
    found = [
        one
        for field in fields
        for one in _written_out(asking, field.selection_set, frozenset(), kind)
    ]
    inner = SelectionSetNode(selections=tuple(found))
    below = {f"{{ {print_ast(inner)[1:-1].strip()} }}": (inner,)} if found else {}
    return _selection(asking, below, {}, {})


def _selection(
    asking: Asking,
    below: Mapping[str, tuple[SelectionSetNode, ...]],
    edges: Mapping[str, tuple[Shown, ...]],
    things: Mapping[str, int],
) -> Selection:
    """Put a selection together with the fragments and the variables that its parts use."""
    parts = [each for sets in below.values() for each in sets]
    used = _fragments_of(asking.fragments, parts)
    names = {one.name.value for node in [*parts, *used] for one in _variables_in(node)}
    definitions = [
        one
        for one in asking.operation.variable_definitions or ()
        if one.variable.name.value in names
    ]
    return Selection(
        below=tuple(below),
        parts=tuple(below.values()),
        fragments="\n".join(print_ast(node) for node in used),
        variables=tuple(print_ast(one) for one in definitions),
        sent={name: asking.sent[name] for name in sorted(names) if name in asking.sent},
        edges=edges,
        things=things,
    )


def _collected(asking: Asking, fields: Iterable[FieldNode]) -> dict[str, list[FieldNode]]:
    """Return what fields of one name select, by the name in the answer, in order.

    Fragments are written out, and what a directive leaves out is left out. All of it is of one type
    of objects, so that every fragment applies.
    """
    found: dict[str, list[FieldNode]] = {}
    for field in fields:
        for one in _written_out(asking, field.selection_set, frozenset()):
            found.setdefault((one.alias or one.name).value, []).append(one)
    return found


def _written_out(
    asking: Asking,
    selections: SelectionSetNode | None,
    within: frozenset[str],
    kind: str | None = None,
) -> Iterator[FieldNode]:
    """Yield what is selected, of things of one `kind` where several can stand there."""
    for one in selections.selections if selections else ():
        if not _is_included(one.directives or (), asking.values):
            continue
        if isinstance(one, FieldNode):
            yield one
        elif isinstance(one, InlineFragmentNode):
            if _applies(one, kind):
                yield from _written_out(asking, one.selection_set, within, kind)
        elif isinstance(one, FragmentSpreadNode) and one.name.value not in within:
            inner = asking.fragments[one.name.value]
            if _applies(inner, kind):
                yield from _written_out(
                    asking, inner.selection_set, within | {one.name.value}, kind
                )


def _applies(fragment: InlineFragmentNode | FragmentDefinitionNode, kind: str | None) -> bool:
    condition = fragment.type_condition
    return kind is None or condition is None or condition.name.value in {kind, ENTITY}


def _is_included(directives: Iterable[DirectiveNode], values: Mapping[str, Any]) -> bool:
    """Tell whether @skip and @include let a part of a document in."""
    for directive in directives:
        if directive.name.value not in {"skip", "include"} or not directive.arguments:
            continue
        value: Any = directive.arguments[0].value
        says = values.get(value.name.value) if isinstance(value, VariableNode) else value.value
        if says is (directive.name.value == "skip"):
            return False
    return True


def _fragments_of(fragments: Fragments, parts: Sequence[Node]) -> list[FragmentDefinitionNode]:
    """Return the fragments that parts of a document use, also by one another, by name."""
    found: dict[str, FragmentDefinitionNode] = {}
    waiting: list[Node] = list(parts)
    while waiting:
        for spread in _inside(waiting.pop(), FragmentSpreadNode):
            name = spread.name.value
            if name not in found:
                found[name] = fragments[name]
                waiting.append(fragments[name])
    return [found[name] for name in sorted(found)]


def _variables_in(node: Node) -> Iterator[VariableNode]:
    yield from _inside(node, VariableNode)


def _inside(node: Node, kind: type[Any]) -> Iterator[Any]:
    """Yield every part of one kind in a part of a document."""
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, kind):
            yield one
        for key in one.keys:
            value = getattr(one, key, None)
            if isinstance(value, Node):
                waiting.append(value)
            elif isinstance(value, tuple | list):
                waiting.extend(each for each in value if isinstance(each, Node))
