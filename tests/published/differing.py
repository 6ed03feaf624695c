"""Our reading of a robots.txt beside that of `protego`, for every crawler and path."""

from collections.abc import Iterable
from functools import cache

from protego import Protego

from federation.addresses.urls import normalise_url
from federation.published.agents import AGENT_USES, AI_USES, SEARCHING
from federation.published.robots import read_robots
from federation.published.rules import Reading
from tests.published.reserving import reserving

SITE = "https://site.example"
HOST = "site.example"
NOBODY_KNOWN = "Xyzzy"
EVERY = (*AI_USES, *SEARCHING, "SOME_NEW_USE")
WHO = {**AGENT_USES, NOBODY_KNOWN: EVERY}


@cache
def key_of(path: str) -> str:
    return normalise_url(SITE + path).path


def refused_by_protego(text: str, paths: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """Return {(use, path): crawlers for that use that are refused the path}."""
    parsed = Protego.parse(text)
    found: dict[tuple[str, str], set[str]] = {}
    for crawler, uses in WHO.items():
        for path in paths:
            if not parsed.can_fetch(SITE + key_of(path), crawler):
                for use in uses:
                    found.setdefault((use, path), set()).add(crawler)
    return found


def reserved_here(reading: Reading, paths: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Return {(use, path): places of the rules that reserve it}."""
    return {
        (use, path): [rule.place for rule in rules]
        for path in paths
        for use in EVERY
        if (rules := reserving(reading, key_of(path), use))
    }


def differences(
    text: str, paths: Iterable[str]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return what protego refuses and we do not reserve, and what we reserve and did not announce.

    Announced is what is noted to reach further than it says, place by place.
    """
    paths = list(paths)
    reading = read_robots(text.encode(), HOST)
    refused, reserved = refused_by_protego(text, paths), reserved_here(reading, paths)
    announced = {note.place for note in reading.not_expressed if note.reserved}
    less = set(refused) - set(reserved)
    more = {
        key for key in set(reserved) - set(refused) if not announced.intersection(reserved[key])
    }
    return less, more
