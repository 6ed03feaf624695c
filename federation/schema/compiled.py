"""Lists completed by functions that are written once for a document, and kept with it.

Where a selection is attributes of known classes only (`selection_code.py`), its values are
completed by such a function from the eighth on. Anything else is completed by graphql-core at that
object, with functions again below it. Where a function raises, graphql-core completes the value
instead: errors stand where they always stood.
"""

from collections import OrderedDict
from collections.abc import Callable, Sized
from typing import Any, ClassVar, Final, NamedTuple, cast

from graphql import (
    GraphQLBoolean,
    GraphQLList,
    GraphQLObjectType,
    GraphQLResolveInfo,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
)
from graphql.pyutils import Path, Undefined
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from federation.schema.guards import weight_of
from federation.schema.selection_code import Complete, Details, Kind, Written, write

WORTH: Final = 8
"""From how many values of a selection on a function is written for it.

Writing one costs as much as graphql-core needs to complete about as many.
"""
BYTES_MAX: Final = 16 * 1024 * 1024
CHARACTER_BYTES: Final = 12  # what a function comes to by the length of its text, measured
AROUND_BYTES: Final = 1_024  # what is kept of a selection beside its function and its document
_SLOW: Final = object()

Key = tuple[int, int, tuple[int, ...], tuple[Any, ...]]
"""A selection: its operation, its type, its fields in the document, what the booleans are."""


class _Kept(NamedTuple):
    complete: Complete | None
    size: int
    of: tuple[object, ...]
    """What the key names by its identity: as long as it is here, nothing else has that."""


class Compiled:
    """The functions of documents by selection; those used longest ago give way, by their bytes."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self.size = 0

    def get(
        self,
        key: Key,
        operation: OperationDefinitionNode,
        kind: Kind,
        details: Details,
        make: Callable[[], Written | None],
    ) -> Complete | None:
        """Return the function of a selection, made if need be; None where there can be none."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found.complete
        written = make()
        size = AROUND_BYTES + weight_of(_text(operation), operation)
        if written is not None:
            size += CHARACTER_BYTES * written.length
        complete = written.complete if written else None
        self._kept[key] = _Kept(complete, size, (operation, kind, *(one.node for one in details)))
        self.size += size
        while self.size > self._bytes_max:
            _, given_up = self._kept.popitem(last=False)
            self.size -= given_up.size
        return complete


class _Use:
    """How many values of a selection were completed in one execution, and by what they are."""

    __slots__ = ("complete", "count", "details", "is_looked_up")

    def __init__(self, details: Details) -> None:
        self.details = details  # its identity is this use's name: it must outlive it
        self.count, self.is_looked_up = 0, False
        self.complete: Complete | None = None


class Compiling(StrawberryGraphQLCoreExecutionContext):
    """Executes as ever, and completes the values of simple selections by functions."""

    compiled: ClassVar[Compiled] = Compiled()
    worth: ClassVar[int] = WORTH

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._uses: dict[tuple[int, int], _Use] = {}
        self._booleans: tuple[Any, ...] | None = None

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete a list, whole where that can be done."""
        count = len(cast("Sized", result)) if isinstance(result, list | tuple) else 0
        done = self._complete(return_type, field_details_list, result, count)
        if done is not _SLOW:
            return done
        executor: Any = super()
        return executor.complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete an object, whole where that can be done."""
        done = self._complete(return_type, field_details_list, result, 1)
        if done is not _SLOW:
            return done
        executor: Any = super()
        return executor.complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _complete(self, kind: Kind, details: Details, result: Any, count: int) -> Any:
        name = id(kind), id(details)
        use = self._uses.get(name)
        if use is None:
            use = self._uses[name] = _Use(details)
        use.count += count
        if use.count < self.worth:
            return _SLOW
        if not use.is_looked_up:
            use.complete, use.is_looked_up = self._find(kind, details), True
        if use.complete is None:
            return _SLOW
        try:
            return use.complete(result)
        except Exception:  # noqa: BLE001 - whatever it is, it comes again, and stands in its place
            use.complete = None
            return _SLOW

    def _find(self, kind: Kind, details: Details) -> Complete | None:
        if self.middleware_manager is not None and self.middleware_manager.middlewares:
            return None  # an extension is to see each field
        if self._booleans is None:
            self._booleans = self._values_of_booleans()
        nodes = tuple(id(one.node) for one in details)
        key = id(self.operation), id(kind), nodes, self._booleans
        return self.compiled.get(
            key,
            self.operation,
            kind,
            details,
            lambda: write(self.schema, kind, details, self.collect_subfields),
        )

    def _values_of_booleans(self) -> tuple[Any, ...]:
        """Return the variables by which @skip and @include can decide: no others fit them."""
        found = list[Any]()
        for one in self.operation.variable_definitions or ():
            inner = one.type.type if isinstance(one.type, NonNullTypeNode) else one.type
            if isinstance(inner, NamedTypeNode) and inner.name.value == GraphQLBoolean.name:
                name = one.variable.name.value
                found.append(self.variable_values.coerced.get(name, Undefined))
        return tuple(found)


def _text(operation: OperationDefinitionNode) -> str:
    return operation.loc.source.body if operation.loc else ""
