"""Many things by their ids: each node is asked once for all of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from federation.federated.answers import BadAnswerError, why_unread
from federation.federated.asking import Asker, CallError, Node, Question
from federation.federated.listing import bytes_of_one
from federation.federated.selections import Selection
from federation.federated.shapes import Shape
from federation.federated.wire import OnBehalfOf

_NOTHING: Final = b"null"


class Wanted(NamedTuple):
    """What is asked of things of one kind, what each of them looks like, and for whom it is."""

    kind: str
    selection: Selection
    shape: Shape
    on_behalf_of: OnBehalfOf


class Found(NamedTuple):
    """{id: the thing as its node sent it}, and why nodes have not answered."""

    found: dict[str, msgspec.Raw]
    failed: dict[Node, CallError]


async def look_up_entities(
    asker: Asker,
    asked: Mapping[Node, Sequence[str]],
    wanted: Wanted,
    *,
    deadline: float,
) -> Found:
    """Ask each node for its things; whatever goes wrong with one ends there.

    The selection is not empty. `deadline` is in monotonic seconds.
    """
    result = Found({}, {})

    async def one(node: Node, ids: Sequence[str]) -> None:
        document, variables = wanted.selection.document_of_many(wanted.kind, ids)
        question = Question(document, variables, wanted.on_behalf_of)
        try:
            body = await asker.ask(
                node, question, deadline=deadline, bytes_max=bytes_of_one(len(asked))
            )
            result.found.update(read_entities(body, node.code, ids, wanted.shape))
        except CallError as error:
            result.failed[node] = error

    await asyncio.gather(*(one(node, ids) for node, ids in asked.items()))
    return result


def read_entities(
    body: bytes, code: str, ids: Sequence[str], shape: Shape
) -> dict[str, msgspec.Raw]:
    """Return {id: what a node sent of it}, checked whole: one answer for each id, in their order.

    It speaks of its own things only, and each is of the shape that was asked for (CallError).
    """
    try:
        sent = _DECODER.decode(body).data.entities
        if len(sent) != len(ids):
            raise BadAnswerError(f"{len(sent)} things, where {len(ids)} were asked for")
        found = {thing: raw for thing, raw in zip(ids, sent, strict=True) if bytes(raw) != _NOTHING}
        for raw in found.values():
            read = shape.decoder.decode(raw)
            for name in shape.ids:
                own: Any = getattr(read, name)
                if own is not msgspec.UNSET and not own.startswith(f"{code}:"):
                    raise BadAnswerError("it is another node's thing")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise why_unread(body) from error
    return found


class _Data(msgspec.Struct, forbid_unknown_fields=True):
    entities: list[msgspec.Raw] = msgspec.field(name="_entities")


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    data: _Data


_DECODER: Final = msgspec.json.Decoder(_Answer)
