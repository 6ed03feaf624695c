"""Which rulings have a part in a decision: SQL and what decides in memory say the same of each."""

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select

from federation.claimindex import place_store
from federation.claimindex.place_store import UseAt
from federation.claimindex.tables import IndexOptOut, IndexOptOutPast
from federation.consent.deciding import Ruling, can_decide
from federation.consent.states import ALL_USES, NO_USE, State
from federation.registry.tables import OptOut

ROWS = 400
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
INSTANTS = [NOW - timedelta(days=1), NOW - MICRO, NOW, NOW + MICRO, NOW + timedelta(days=1)]
ASKED = ["TRAIN", "GROUND", "SEARCH"]
USES = [*ASKED[:2], "train", ALL_USES, NO_USE]
OWN = {"rules": "1.1", "recorded_at": NOW}
OF_INDEX = {"node": "FR"}
TABLES = [
    (OptOut, OWN),
    (IndexOptOut, OF_INDEX),
    (IndexOptOutPast, OF_INDEX | {"recorded_at": NOW, "withdrawn_at": NOW + timedelta(days=9)}),
]
# Of so many rows at least and at most, over all questions.
FOUND = {OptOut: (19, 91), IndexOptOut: (20, 90), IndexOptOutPast: (16, 95)}


def random_rulings(pick):
    """Return what some rulings say; of those that end, some end before they begin."""
    return [
        Ruling(
            state=pick.choice(list(State)).value,
            use=pick.choice(USES),
            effective_at=pick.choice(INSTANTS),
            ends_at=pick.choice([None, None, *INSTANTS]),
            source=pick.choice([None, "s1", "s2"]),
            since=pick.choice([None, *INSTANTS]),
        )
        for _ in range(ROWS)
    ]


def a_row(of, ruling, more):
    said = {name: getattr(ruling, name) for name in ("state", "use", "source", "since")}
    times = {"effective_at": ruling.effective_at, "ends_at": ruling.ends_at}
    return of(host="a.example", path="/", wildcard=False, **said, **times, **more)


def in_territory(ruling, use):
    """Return a ruling as one may find it that asks in a territory: a yes may be one there."""
    return ruling._replace(use=use) if ruling.use == NO_USE else ruling


@pytest.mark.parametrize(("of", "more"), TABLES)
async def test_a_statement_leaves_out_what_has_no_part_and_nothing_else(database, of, more):
    rulings = random_rulings(random.Random(of.__tablename__))
    rows = [a_row(of, ruling, more) for ruling in rulings]
    async with database.write("rulings") as session:
        session.add_all(rows)
        await session.flush()
        said = {row.id: ruling for row, ruling in zip(rows, rulings, strict=True)}
    assert len(said) == ROWS

    counts = set()
    async with database.read() as session:
        for use, at, territory in product(ASKED, INSTANTS, [None, "DE"]):
            query = select(of.id).where(place_store.can_decide(of, UseAt(use, at, territory)))
            found = set(await session.scalars(query))

            for number, ruling in said.items():
                asked = ruling if territory is None else in_territory(ruling, use)
                assert (number in found) == can_decide(asked, use, at), (ruling, use, at)
            counts.add(len(found))
        assert set(
            await session.scalars(select(of.id).where(place_store.can_decide(of, None)))
        ) == (said.keys())
    assert (min(counts), max(counts)) == FOUND[of]
