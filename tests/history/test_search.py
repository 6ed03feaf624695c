"""A search gives the same pages on every database, however common its words are."""

from datetime import UTC, datetime

import pytest

from federation.history import search_store
from federation.history.kinds import Moment, Saying, Statement
from federation.rightholders.rightholder import Rightholder
from federation.rightholders.store import RIGHTHOLDERS, record

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["The Salt", "Salt & Sea", "Sea of the North", "Théâtre", "North", "The North Sea", "Rain"]


@pytest.mark.parametrize("sorted_max", [0, 2, 100])
@pytest.mark.parametrize("looked_at_max", [1, 100])
@pytest.mark.parametrize("known_at", [None, NOW])
async def test_every_page_holds_what_holds_the_words(
    database, monkeypatch, sorted_max, looked_at_max, known_at
):
    monkeypatch.setattr(search_store, "SORTED_MAX", sorted_max)
    monkeypatch.setattr(search_store, "LOOKED_AT_MAX", looked_at_max)
    said = [
        Statement(f"R-{number}", "REGISTERED", NOW, None, Rightholder(name))
        for number, name in enumerate(NAMES * 2)
    ]
    async with database.write("test") as session:
        await record(session, said, Saying("anna", "told", NOW))

    for asked, names in {
        "the": ["Sea of the North", "The North Sea", "The Salt", "Théâtre"],
        "sea north": ["Sea of the North", "The North Sea"],
        "SALT s": ["Salt & Sea"],
        "salt": ["Salt & Sea", "The Salt"],
        "snow": [],
    }.items():
        found, after = [], None
        while True:
            async with database.read() as session:
                page = await search_store.search(
                    session, RIGHTHOLDERS, asked, Moment(NOW, known_at), after=after, limit=3
                )
            found += [one.body.name for one in page]
            if len(page) < 3:
                break
            after = page[-1].place
        wanted = sorted(names * 2, key=lambda name: Rightholder(name).sorted_by)
        if asked == "SALT s":
            wanted = sorted(
                [*wanted, "The Salt", "The Salt"], key=lambda n: Rightholder(n).sorted_by
            )
        assert found == wanted, asked
