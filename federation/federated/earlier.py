"""Answers of an earlier time, told where a node gives none now: few bytes, and not for long.

An answer is told again to the same question only, put on behalf of the same: what is shown to
partners is told to nobody else. It is in memory of one process, of nodes that are asked.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, TypeVar

import msgspec

from federation.federated.asking import BREAKER_OPEN, NO_ANSWER, TIMEOUT, Asker, CallError, Question
from federation.federated.asking import Node as AskedNode

Read = TypeVar("Read")

AGE_SECONDS_MAX: Final = 600.0
BYTES_MAX: Final = 32 * 1024 * 1024  # of all
BYTES_OF_ONE_MAX: Final = 256 * 1024
ENTRY_BYTES: Final = 512  # what is kept of an answer beside its bytes, about

_Key = tuple[str, str, bytes]
"""By what a question is the same as another: node, for whom, and document with variables."""


class Told(NamedTuple):
    """What a node answered earlier, and how many seconds ago."""

    body: bytes
    age_seconds: float


class Earlier:
    """The sound answers of a while; those heard longest ago give way. Times are monotonic."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._kept: OrderedDict[_Key, tuple[bytes, float]] = OrderedDict()
        self._of: Sequence[str] = ()
        self.size = 0

    def keep(self, node: AskedNode, question: Question, body: bytes) -> None:
        """Keep an answer that was read and is sound, unless it is large."""
        key = _key(node, question)
        self._forget(key)
        if len(body) > BYTES_OF_ONE_MAX:
            return
        self._kept[key] = body, self._now()
        self.size += len(body) + ENTRY_BYTES
        while self.size > BYTES_MAX:
            self._forget(next(iter(self._kept)))

    def find(self, node: AskedNode, question: Question) -> Told | None:
        """Return what a node answered to the same question, if that is not too long ago."""
        key = _key(node, question)
        body, at = self._kept.get(key, (b"", 0.0))
        age = self._now() - at
        if key in self._kept and age > AGE_SECONDS_MAX:
            self._forget(key)
        return Told(body, age) if key in self._kept else None

    def keep_of(self, codes: Sequence[str]) -> None:
        """Forget what nodes said that are asked no more."""
        if codes == self._of:
            return
        self._of = codes
        for key in [key for key in self._kept if key[0] not in codes]:
            self._forget(key)

    def _forget(self, key: _Key) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self.size -= len(found[0]) + ENTRY_BYTES


class Heard(NamedTuple):
    """What came of a question: why it was not answered, if what is told is of an earlier time."""

    silence: CallError | None = None
    age_seconds: float = 0.0


async def ask_and_read(
    asker: Asker,
    earlier: Earlier | None,
    node: AskedNode,
    question: Question,
    read: Callable[[bytes], Read],
    *,
    deadline: float,
    bytes_max: int,
) -> tuple[Read, Heard]:
    """Return what is read of an answer, or of an earlier one where the node gives none (CallError).

    Without `earlier` only what is said now counts, and it is not kept either. A node that answers
    with a refusal, or with nonsense, has answered: nothing else is told.
    """
    try:
        body = await asker.ask(node, question, deadline=deadline, bytes_max=bytes_max)
    except CallError as error:
        told = earlier.find(node, question) if earlier and _gives_none(error) else None
        if told is None or len(told.body) > bytes_max:
            raise
        return read(told.body), Heard(error, told.age_seconds)
    found = read(body)
    if earlier:
        earlier.keep(node, question, body)
    return found, Heard()


def _gives_none(error: CallError) -> bool:
    return error.state in {TIMEOUT, BREAKER_OPEN} or error.code == NO_ANSWER


def _key(node: AskedNode, question: Question) -> _Key:
    asked = msgspec.json.encode((node.entity_id, question.document, question.variables))
    return node.code, question.on_behalf_of.value, sha256(asked).digest()
