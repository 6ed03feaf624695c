"""What a node remembers for its members' sites has one budget, and an end."""

from datetime import timedelta

import msgspec
import pytest

from federation.addresses.urls import UrlKey
from federation.claimindex.messages import OptOutFact, Slice, SliceOptOut
from federation.nodes import site_memory as module
from federation.nodes.originals import OriginalsHolder
from federation.nodes.site_memory import FORGOTTEN_SECONDS, Shelf, SiteMemory
from federation.registry.site_store import Elsewhere
from tests.nodes.policies import Here
from tests.nodes.random_registries import NOW

LETTERS = 1_000
KEYS = frozenset({UrlKey("c.example", "/x")})


@pytest.fixture
def here():
    return Here()


@pytest.fixture
def memory(here, monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES_MAX", 100)
    return SiteMemory(here)


def test_who_asked_least_recently_goes_first_with_all_that_is_kept_for_it(memory):
    one, other = Shelf(memory), Shelf(memory)
    one.keep("a", "a", 30)
    one.keep("b", "b", 30)
    other.keep("a", "A", 30)
    assert (memory.members, memory.size) == (["b", "a"], 90)
    one.find("b")

    one.keep("c", "c", 11)

    assert (memory.members, memory.size) == (["b", "c"], 41)
    assert [one.find(who) for who in "abc"] == [None, "b", "c"]
    assert other.find("a") is None


def test_what_is_kept_instead_is_counted_once_and_what_is_dropped_no_more(memory):
    one, other = Shelf(memory), Shelf(memory)
    one.keep("a", "a", 30)
    one.keep("a", "b", 40)
    other.keep("a", "A", 5)
    assert memory.size == 45

    one.drop("a")
    one.drop("a")

    assert (memory.members, memory.size) == (["a"], 5)
    memory.forget("a")
    memory.forget("a")
    assert (memory.members, memory.size) == ([], 0)


def test_what_is_too_much_alone_stays_for_who_asks_and_goes_with_the_next(memory):
    shelf = Shelf(memory)
    shelf.keep("a", "a", 1_000)
    assert shelf.find("a") == "a"

    shelf.keep("b", "b", 1)

    assert (memory.members, memory.size) == (["b"], 1)


def test_what_nobody_asks_for_is_forgotten(memory, here):
    shelf = Shelf(memory)
    shelf.keep("a", "a", 1)
    here.now += timedelta(seconds=FORGOTTEN_SECONDS - 1)
    shelf.keep("b", "b", 1)
    assert memory.members == ["a", "b"]

    here.now += timedelta(seconds=1)
    shelf.find("b")

    assert (memory.members, memory.size) == (["b"], 1)


async def test_answers_of_the_index_count_and_go(memory, here, monkeypatch):
    fact = OptOutFact(None, "c.example", "/" * LETTERS, False, "TRAIN", NOW)
    answer = Slice([], [SliceOptOut("FR", fact)])

    async def ask_index(*_):
        return msgspec.json.decode(msgspec.json.encode(answer), type=Slice)

    monkeypatch.setattr("federation.nodes.originals.ask_index", ask_index)
    holder = OriginalsHolder(here, None, memory)

    first = await holder.elsewhere("a", Elsewhere(KEYS))
    one = memory.size
    here.now += timedelta(minutes=1)
    again = await holder.elsewhere("a", Elsewhere(KEYS))

    assert LETTERS < one == memory.size
    assert first == answer
    assert again is first  # what says the same is not held twice
    assert await holder.elsewhere("b", Elsewhere(KEYS)) == answer
    assert (memory.members, memory.size) == (["b"], one)
    await holder.elsewhere("b", Elsewhere())
    assert (memory.members, memory.size) == ([], 0)
