"""Every kind of message is taken by somebody, and no word stands for two kinds."""

from collections import Counter
from collections.abc import Iterator

import pytest

from federation.hub.handlers import HANDLERS as AT_HUB
from federation.messaging.inbox import handlers_of
from federation.nodes.handlers import HANDLERS as AT_NODES
from federation.store.messages import Message


def kinds(shape: type[Message] = Message) -> Iterator[type[Message]]:
    for narrower in shape.__subclasses__():
        if narrower.__module__.startswith("federation.") and "KIND" in vars(narrower):
            yield narrower
        yield from kinds(narrower)


def test_every_kind_of_message_is_taken_at_the_hub_or_at_nodes():
    taken = {shape for shape, _ in [*AT_HUB.values(), *AT_NODES.values()]}

    assert {shape.__name__ for shape in kinds()} == {shape.__name__ for shape in taken}


def test_no_word_stands_for_two_kinds():
    words = Counter(shape.KIND for shape in set(kinds()))

    assert [word for word, shapes in words.items() if shapes > 1] == []


def test_a_kind_with_two_handlers_is_refused():
    shape, handler = next(iter(AT_HUB.values()))

    with pytest.raises(ValueError, match=shape.KIND):
        handlers_of([(shape, handler), (shape, handler)])
