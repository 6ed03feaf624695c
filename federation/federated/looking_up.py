"""One thing, looked up at those nodes that may have it: what each answers, or that it has none."""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from federation.federated.answers import BadAnswerError, Shown, why_unread
from federation.federated.asking import OK, Asker, CallError, Node, Question
from federation.federated.earlier import Earlier, ask_and_read
from federation.federated.listing import Listing, Reply, bytes_of_one, stale

_NOTHING: Final = b"null"


class Looked(NamedTuple):
    """What was found, by node, and how each node that was asked has answered."""

    found: list[Shown]
    replies: list[Reply]

    @property
    def is_complete(self) -> bool:
        """Tell whether every node that was asked has answered."""
        return all(reply.state == OK for reply in self.replies)


async def look_up(
    asker: Asker,
    nodes: Sequence[Node],
    listing: Listing,
    *,
    deadline: float,
    monotonic: Callable[[], float],
    earlier: Earlier | None = None,
) -> Looked:
    """Ask some nodes for one thing each; whatever goes wrong with one ends there.

    Where a node gives no answer, one that is among the `earlier` ones is told.

    `listing` names the field of the thing; its selection is not empty. `deadline` is in seconds of
    `monotonic`.
    """
    document, variables = listing.selection.document_of_one(listing.field, listing.arguments)
    question = Question(document, variables, listing.on_behalf_of)

    async def one(node: Node) -> tuple[Shown | None, Reply]:
        began = monotonic()
        shown, reply = None, Reply(node.code, OK, 0)
        try:
            shown, heard = await ask_and_read(
                asker,
                earlier,
                node,
                question,
                lambda body: read_one(body, node.code, listing),
                deadline=deadline,
                bytes_max=bytes_of_one(len(nodes)),
            )
            reply = stale(reply, heard)
        except CallError as error:
            reply = Reply(node.code, error.state, 0, error.code, error.message)
        return shown, reply._replace(latency_ms=int((monotonic() - began) * 1000))

    answers = await asyncio.gather(*(one(node) for node in nodes))
    found = [shown for shown, _ in answers if shown is not None]
    return Looked(found, [reply for _, reply in answers])


def read_one(body: bytes, code: str, listing: Listing) -> Shown | None:
    """Return what a node sent of a thing, a member for each selection; None if it has none.

    It speaks of its own things only, and each is of the shape that was asked for (CallError).
    """
    names = listing.selection.names()
    try:
        data = _decoder(tuple(names)).decode(body).data
        shown = tuple(getattr(data, name) for name in names)
        nothing = [bytes(raw) == _NOTHING for raw in shown]
        if all(nothing):
            return None
        if any(nothing):
            raise BadAnswerError("it has the thing, and has it not")
        for raw, shape in zip(shown, listing.shapes, strict=True):
            read = shape.decoder.decode(raw)
            for name in shape.ids:
                found = getattr(read, name)
                if found is not msgspec.UNSET and not found.startswith(f"{code}:"):
                    raise BadAnswerError("it is another node's thing")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise why_unread(body) from error
    return shown


@lru_cache(maxsize=64)
def _decoder(names: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Return what reads an answer to its things, and leaves those as they were sent."""
    members = [(name, msgspec.Raw) for name in names]
    data = msgspec.defstruct("Data", members, forbid_unknown_fields=True)
    whole = msgspec.defstruct("Answer", [("data", data)], forbid_unknown_fields=True)
    return msgspec.json.Decoder(whole)
