"""Search over random works, against a plain look at each of them."""

import random
from datetime import UTC, datetime

import pytest

from federation.history import search_store
from federation.history.kinds import Moment, Saying, Statement
from federation.values.search_words import words_of
from federation.works import store
from federation.works.store import WORKS
from federation.works.work import Creator, Work

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PARTS = ["Fox", "fox", "Füchse", "FÜCHSE", "naïve", "Straße", "strasse", "des", "and", "an", "a"]
PARTS += ["Ω", "ω", "ﬁn", "fin", "2", "\uff12", "O'Neil", "Москва", "мост", "東京", "x_y", "—"]
ASKED = ["fox", "fu", "an", "a a", "strasse 2", "STRA", "fin", "мо", "東", "oneil", "o neil", "x y"]
ASKED += ["ω", "—", "", "nothing here", "des fox", "2", '"', "fox*", "NEAR", "and or not"]


def works(seed):
    said = random.Random(seed)
    for number in said.sample(range(1_000), 120):
        title = " ".join(said.choices(PARTS, k=said.randint(1, 5)))
        creators = (Creator(said.choice(PARTS)),) if said.random() < 0.5 else ()
        yield f"W-{number}", Work(title, creators=creators)


def expected(entries, asked):
    """Return the ids of works that hold the words, in order, as the rule says it."""
    *whole, last = words_of(asked) or [""]
    found = []
    for name, work in entries:
        have = words_of(" | ".join([work.title, *(one.name for one in work.creators)]))
        if set(whole) <= set(have) and (not last or any(w.startswith(last) for w in have)):
            found.append((" ".join(words_of(work.title))[:200], name))
    return [name for _, name in sorted(found, key=lambda pair: [part.encode() for part in pair])]


async def filled(database, seed):
    entries = list(works(seed))
    async with database.write("fill") as session:
        said = [Statement(name, "REGISTERED", NOW, None, work) for name, work in entries]
        await store.record(session, said, Saying("anna", "all", NOW))
    return entries


async def pages(database, asked, size):
    """Read a search page by page to its end."""
    names, after = [], None
    while True:
        async with database.read() as session:
            page = await search_store.search(
                session, WORKS, asked, Moment(NOW), after=after, limit=size
            )
        names += [one.thing for one in page.found]
        assert len(page.found) <= size
        if page.after is None:
            return names
        after = page.after


@pytest.mark.parametrize("few", [0, 2_000])
async def test_a_search_finds_what_holds_the_words_in_one_order(database, monkeypatch, few):
    monkeypatch.setattr(search_store, "FEW", few)  # both ways to the same answer
    entries = await filled(database, 7)

    for asked in ASKED:
        assert await pages(database, asked, 9) == expected(entries, asked), asked


@pytest.mark.parametrize("many", [0, 20, 20_000])
async def test_a_search_that_looks_too_long_puts_in_order_or_goes_on(database, monkeypatch, many):
    monkeypatch.setattr(search_store, "FEW", 0)
    monkeypatch.setattr(search_store, "MANY", many)
    monkeypatch.setattr(search_store, "LOOKED_AT_MAX", 3)
    entries = await filled(database, 11)

    for asked in ASKED:
        assert await pages(database, asked, 9) == expected(entries, asked), asked
