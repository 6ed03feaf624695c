"""A list over all nodes, asked at one of them: passed on to the hub, which asks them all.

The hub asks nodes for their own lists only, so that nothing goes round.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from federation.errors import RefusalError
from federation.federated.asking import ERROR, Asker, CallError, Node, Question
from federation.federated.cursors import (
    CursorExpiredError,
    OtherQuestionError,
    TooMuchMissingError,
)
from federation.federated.listing import BYTES_OF_ONE_MAX, Listing, NodesMissingError
from federation.federated.looking_up import read_one
from federation.federated.wire import ON_ITS_WAY_MS
from federation.values.cursors import BadCursorError

REFUSALS: Final[Mapping[str, type[RefusalError]]] = {
    kind.code: kind
    for kind in (
        BadCursorError,
        CursorExpiredError,
        NodesMissingError,
        OtherQuestionError,
        TooMuchMissingError,
    )
}
"""What the hub may refuse that only it can judge."""
_SAID_MAX: Final = 1_000  # characters of why


class _Extensions(msgspec.Struct):
    code: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    extensions: _Extensions = msgspec.field(default_factory=_Extensions)


class _Refused(msgspec.Struct):
    errors: list[_Error]


def deadline_of_hub(deadline_ms: int, least: int) -> int:
    """Return how long the hub may take of a deadline, so that its answer still comes in time."""
    return max(least, deadline_ms - 2 * ON_ITS_WAY_MS)


async def ask_hub(asker: Asker, hub: Node, listing: Listing, *, deadline: float) -> msgspec.Raw:
    """Return the hub's answer to a list as it came, of the shape that was asked for.

    Raises CallError, or the refusal of the hub's that only it can judge.
    """
    document, variables = listing.selection.document_of_one(listing.field, listing.arguments)
    question = Question(document, variables, listing.on_behalf_of)
    body = await asker.ask(hub, question, deadline=deadline, bytes_max=BYTES_OF_ONE_MAX)
    try:
        shown = read_one(body, hub.code, listing)
    except CallError as error:
        raise _refusal(body, error) from error
    if shown is None:
        raise CallError(ERROR, "BAD_ANSWER", "the hub answers nothing")
    return shown[0]


def _refusal(body: bytes, error: CallError) -> Exception:
    """Return the hub's refusal as one of ours, where it is one that it alone can judge."""
    kind = REFUSALS.get(error.code)
    if kind is None:
        return error
    said = msgspec.json.decode(body, type=_Refused).errors[0].message
    detail = said[:_SAID_MAX].removeprefix(kind().headline).strip().removeprefix("(")
    return kind(detail.removesuffix(")"))
