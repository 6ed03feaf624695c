"""Many addresses or lines, parted into what one request may hold; answers put together again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from federation_client.generated.answers import CoverageAnswer, NodeStatus, RightsAnswer
from federation_client.generated.words import NodeState

T = TypeVar("T", str, bytes)
URLS_MAX: Final = 1_000
_URLS_BYTES_MAX: Final = 400_000  # a hub reads 512 KiB of a GraphQL request
LINES_MAX: Final = 5_000
_LINES_BYTES_MAX: Final = 8_000_000  # 8 MiB


def of_urls(urls: Iterable[str]) -> Iterator[list[str]]:
    """Part addresses into batches that the hub takes, in their order."""
    return _parted(urls, lambda url: len(msgspec.json.encode(url)) + 1, URLS_MAX, _URLS_BYTES_MAX)


def of_lines(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Part lines of usage into batches that the hub takes; the same lines make the same ones."""
    return _parted(lines, lambda line: len(line) + 1, LINES_MAX, _LINES_BYTES_MAX)


def _parted(
    items: Iterable[T], size: Callable[[T], int], most: int, bytes_max: int
) -> Iterator[list[T]]:
    batch, held = list[T](), 0
    for item in items:
        length = size(item)
        if batch and (len(batch) == most or held + length > bytes_max):
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += length
    if batch:
        yield batch


def joined_rights(answers: Sequence[RightsAnswer]) -> RightsAnswer:
    """Return one answer: complete if each is, of each node what it answered worst."""
    return RightsAnswer(
        items=tuple(item for answer in answers for item in answer.items),
        nodes=_worst(node for answer in answers for node in answer.nodes),
        complete=all(answer.complete for answer in answers),
    )


def joined_coverage(answers: Sequence[CoverageAnswer]) -> CoverageAnswer:
    """Return one answer: complete if each is, of each node what it answered worst."""
    return CoverageAnswer(
        items=tuple(item for answer in answers for item in answer.items),
        nodes=_worst(node for answer in answers for node in answer.nodes),
        complete=all(answer.complete for answer in answers),
    )


def _worst(nodes: Iterable[NodeStatus]) -> tuple[NodeStatus, ...]:
    """Return one status for each node: the first that is not OK, where there is one."""
    found: dict[str, NodeStatus] = {}
    for status in nodes:
        known = found.get(status.node)
        if known is None or known.state == NodeState.OK:
            found[status.node] = status
    return tuple(found[node] for node in sorted(found))
