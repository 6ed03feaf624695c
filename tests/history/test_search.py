"""A search gives the same pages on every database, however common its words are."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from federation.history import search_store
from federation.history.kinds import Moment, Saying, Statement
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.store import RIGHTHOLDERS, record
from federation.values.search_words import words_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = ["The Salt", "Salt & Sea", "Sea of the North", "Théâtre", "North", "The North Sea", "Rain"]


FOUND = {
    "the": ["Sea of the North", "The North Sea", "The Salt", "Théâtre"],
    "sea north": ["Sea of the North", "The North Sea"],
    "SALT s": ["Salt & Sea", "The Salt"],
    "salt": ["Salt & Sea", "The Salt"],
    "snow": [],
    "": NAMES,
}


@pytest.fixture
async def filled(database):
    said = [
        Statement(f"R-{number}", "REGISTERED", NOW, None, Rightholder(name))
        for number, name in enumerate(NAMES * 2)
    ]
    async with database.write("test") as session:
        await record(session, said, Saying("anna", "told", NOW))
    return database


async def pages(database, asked, moment):
    """Read a list page by page: the names of each page."""
    found, after = [], None
    while True:
        async with database.read() as session:
            page = await search_store.search(
                session, RIGHTHOLDERS, asked, moment, after=after, limit=3
            )
        found.append([one.body.name for one in page.found])
        if page.after is None:
            return found
        assert after is None or after < page.after
        after = page.after


async def test_every_page_holds_what_holds_the_words(filled, monkeypatch):
    """In whatever way it is found, by how many there are."""
    ways = [
        *itertools.product([1], [0, 2, 100], [1, 100], [0, 100]),
        *itertools.product([5, 100], [2], [1], [0, 100]),
    ]
    for (first, few, looked_at, many), known_at in itertools.product(ways, [None, NOW]):
        monkeypatch.setattr(search_store, "FIRST", first)
        monkeypatch.setattr(search_store, "FEW", few)
        monkeypatch.setattr(search_store, "MANY", many)
        monkeypatch.setattr(search_store, "LOOKED_AT_MAX", looked_at)
        for asked, names in FOUND.items():
            shown = await pages(filled, asked, Moment(NOW, known_at))
            wanted = sorted(names * 2, key=lambda name: Rightholder(name).sorted_by)
            assert list(itertools.chain(*shown)) == wanted, (asked, first, few, looked_at, many)


async def test_a_page_of_common_words_asks_no_index_of_words(filled, monkeypatch):
    async def asked(*_):
        raise AssertionError

    monkeypatch.setattr(search_store, "_holding", asked)
    monkeypatch.setattr(search_store, "FIRST", 12)

    async with filled.read() as session:
        page = await search_store.search(
            session, RIGHTHOLDERS, "s", Moment(NOW), after=None, limit=3
        )
    assert [one.body.name for one in page.found] == [*["Salt & Sea"] * 2, "Sea of the North"]


async def test_a_page_ends_after_so_many_looked_at(filled, monkeypatch):
    for name in ("FEW", "MANY"):
        monkeypatch.setattr(search_store, name, 0)
    monkeypatch.setattr(search_store, "FIRST", 1)
    monkeypatch.setattr(search_store, "LOOKED_AT_MAX", 4)

    # In order: North, North, Rain, Rain, Salt & Sea, Salt & Sea, Sea of the North, ...
    assert await pages(filled, "sea", Moment(NOW)) == [
        [],
        ["Salt & Sea", "Salt & Sea", "Sea of the North"],
        ["Sea of the North", "The North Sea", "The North Sea"],
        [],
    ]
    assert await pages(filled, "", Moment(NOW - DAY)) == [[], [], [], []]
    assert await pages(filled, "", Moment(NOW, NOW - DAY)) == [[], [], [], []]


async def test_a_thing_of_many_versions_is_not_lost_between_two_pages(database, monkeypatch):
    """What is looked at ends behind a thing, never between two versions of it."""
    for name in ("FEW", "MANY"):
        monkeypatch.setattr(search_store, name, 0)
    monkeypatch.setattr(search_store, "FIRST", 1)
    for day in range(4):
        act = "CHANGED" if day else "REGISTERED"
        said = [
            Statement(f"R-{name}", act, NOW + day * DAY, None, Rightholder(name, country=country))
            for name, country in zip(["Rain", "Salt", "Snow"], ["GB", "DE", "FR"], strict=True)
        ]
        async with database.write("test") as session:
            await record(session, said, Saying("anna", "told", NOW + day * DAY))

    for looked_at, known_at, day in itertools.product(range(1, 9), [None, NOW + 9 * DAY], range(4)):
        monkeypatch.setattr(search_store, "LOOKED_AT_MAX", looked_at)
        moment = Moment(NOW + day * DAY, known_at)
        for asked, names in (("", ["Rain", "Salt", "Snow"]), ("s", ["Salt", "Snow"])):
            shown = await pages(database, asked, moment)
            assert list(itertools.chain(*shown)) == names, (asked, looked_at, known_at, day)


@pytest.mark.parametrize("word", ["東" * 1_000, "𐐨" * 1_000, "a" * 1_000])
async def test_a_long_word_is_found_by_its_first_64_characters(database, word):
    async with database.write("test") as session:
        said = [Statement("R-1", "REGISTERED", NOW, None, Rightholder(word))]
        await record(session, said, Saying("anna", "told", NOW))

    [whole, *_] = words_of(word)
    for asked in (word, whole, whole + "x", whole[:63], whole[:1], word[:683]):
        assert await pages(database, asked, Moment(NOW)) == [[word]], asked
    assert await pages(database, whole[:62] + "x", Moment(NOW)) == [[]]


async def test_a_thing_of_very_many_words_is_found_by_the_first_of_them(database):
    names = [" ".join(f"{n:03d}{k:05d}".ljust(60, "Ω") for k in range(16)) for n in range(150)]
    one = Rightholder(names[0], other_names=tuple(names[1:]))
    async with database.write("test") as session:
        said = [Statement("R-1", "REGISTERED", NOW, None, one)]
        await record(session, said, Saying("anna", "told", NOW))

    assert await pages(database, "00000003", Moment(NOW)) == [[names[0]]]
    assert await pages(database, "12400015", Moment(NOW)) == [[names[0]]]  # the 2,000th
    assert await pages(database, "12500000", Moment(NOW)) == [[]]
