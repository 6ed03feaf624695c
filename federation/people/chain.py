"""How each act of the audit log commits to all before it (invariant I22). Pure."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from federation.store.canonical import digest

GENESIS = "0" * 64  # what the first act follows


class Link(NamedTuple):
    """An act as it is stored; `at` is ISO 8601 in UTC, `detail` the text that is kept."""

    number: int
    at: str
    actor: str
    act: str
    subject: str
    detail: str
    previous: str
    hash: str


def hash_of(link: Link) -> str:
    """Return the SHA-256, in hex, of the canonical JSON (RFC 8785) of all of an act but `hash`."""
    return digest({name: value for name, value in link._asdict().items() if name != "hash"})


def written(at: datetime) -> str:
    """Return an instant as the hash takes it in: ISO 8601, in UTC, with microseconds."""
    return at.isoformat(timespec="microseconds")


async def broken(links: AsyncIterator[Link]) -> tuple[int, list[str]]:
    """Return how many acts were examined, and what is wrong with which, by its number.

    Acts come in the order of their numbers. After one that is wrong, the rest is held against what
    that one says, so each fault is named once, where it is. That the newest acts were cut off is
    seen by whoever kept a later head.
    """
    examined, wrong = 0, list[str]()
    number, previous = 0, GENESIS
    async for link in links:
        examined += 1
        wrong += [f"act {missing}: missing" for missing in _between(number, link.number)]
        if link.number == number + 1 and link.previous != previous:
            wrong.append(f"act {link.number}: does not follow the act before it")
        if link.hash != hash_of(link):
            wrong.append(f"act {link.number}: its content is not what was recorded")
        number, previous = link.number, link.hash
    return examined, wrong


NAMED_MAX = 1_000  # acts missing in one place that are named each


def _between(last: int, found: int) -> list[str]:
    gap = range(last + 1, found)
    if len(gap) > NAMED_MAX:
        return [f"{gap[0]} to {gap[-1]}"]
    return [str(number) for number in gap]
