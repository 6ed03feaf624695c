"""What a schema says of itself: that never changes while a process lives, so it is said again."""

from collections import OrderedDict
from hashlib import sha256
from typing import Any

import msgspec
from graphql import DocumentNode, FieldNode, OperationDefinitionNode

from federation.schema.limits import INTROSPECTION

ANSWERS_BYTES_MAX = 4 * 1024 * 1024
ANSWER_BYTES_MAX = 1024 * 1024  # a whole schema is some 200 KiB
_AROUND_BYTES = 512  # what an answer takes beside its text


class Answers:
    """Answers about one schema, as JSON, by document; those asked for longest ago give way."""

    def __init__(self, bytes_max: int = ANSWERS_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._kept: OrderedDict[bytes, msgspec.Raw] = OrderedDict()
        self.size = 0

    def find(self, query: str) -> msgspec.Raw | None:
        """Return the `data` that a document was answered with, None if it was not asked before."""
        name = _name(query)
        found = self._kept.get(name)
        if found is not None:
            self._kept.move_to_end(name)
        return found

    def keep(self, query: str, result: Any) -> None:
        """Keep the `data` of a result without errors, unless it is large."""
        if result is None or result.errors:
            return
        answer, name = msgspec.Raw(msgspec.json.encode(result.data)), _name(query)
        if len(answer) > ANSWER_BYTES_MAX or name in self._kept:
            return
        self._kept[name] = answer
        self.size += len(answer) + _AROUND_BYTES
        while self.size > self._bytes_max:
            _, given_up = self._kept.popitem(last=False)
            self.size -= len(given_up) + _AROUND_BYTES


def _name(query: str) -> bytes:
    return sha256(query.encode()).digest()


def asks_for_schema_only(document: DocumentNode) -> bool:
    """Tell whether a document has one answer, whoever asks and whatever is sent beside it.

    It is one operation without variables whose root fields are of the schema. A fragment at the
    root is not followed.
    """
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    return (
        len(operations) == 1
        and not operations[0].variable_definitions
        and all(
            isinstance(node, FieldNode) and node.name.value in {*INTROSPECTION, "__typename"}
            for node in operations[0].selection_set.selections
        )
    )
