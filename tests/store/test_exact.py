"""Sums of decimal text in SQL are exact on both databases, however long the numbers are."""

from datetime import date

import pytest
from sqlalchemy import literal, select

from federation.settlement import store
from federation.settlement.books import Entry, Posting
from federation.settlement.ledger.store import moved
from federation.store.exact import is_no_count, is_no_integer

BANK, DUE = "Assets:HUB:Bank", "Liabilities:HUB:Due:DE"
EDGES = sorted(
    {10**digits + more for digits in (0, 8, 9, 10, 17, 18, 19, 26, 27, 28, 40) for more in (0, 1)}
    | {10**digits - 1 for digits in (1, 9, 18, 27, 36)}
)


async def test_numbers_of_every_length_add_up_to_the_unit(database):
    entries = [
        Entry(date(2026, 9, day), f"e/{day}", "n", (Posting(BANK, DUE, amount, "EUR"),))
        for day, amount in enumerate(EDGES, start=1)
    ]
    async with database.write("test") as session:
        await store.post(session, entries)

    async with database.read() as session:
        bank, due = await moved(session, up_to=len(entries))
        by_day = await moved(session, up_to=len(entries), by_day=True)
    assert (bank.account, bank.debits, bank.credits) == (BANK, sum(EDGES), 0)
    assert (due.account, due.debits, due.credits) == (DUE, 0, sum(EDGES))
    assert [row.debits for row in by_day if row.account == BANK] == EDGES


async def test_numbers_beyond_64_bits_add_up_however_many_there_are(database):
    amount = 2**63 - 1
    entry = Entry(
        date(2026, 9, 1), "e", "n", tuple(Posting(BANK, DUE, amount, "EUR") for _ in range(1_000))
    )
    async with database.write("test") as session:
        await store.post(session, [entry])

    async with database.read() as session:
        bank, _ = await moved(session, up_to=1)
    assert bank.debits == 1_000 * amount


@pytest.mark.parametrize(
    ("text", "is_count", "is_integer"),
    [
        ("0", True, True),
        ("10", True, True),
        ("-10", False, True),
        ("01", True, False),
        ("-0", False, False),
        ("-01", False, False),
        ("-", False, False),
        ("", False, False),
        ("5-", False, False),
        ("--5", False, False),
        ("-5-3", False, False),
        ("1.0", False, False),
        ("1e3", False, False),
        (" 1", False, False),
        ("+1", False, False),
        ("1_000", False, False),
        ("\u0663", False, False),
    ],
)
async def test_what_is_no_integer_is_seen(database, text, is_count, is_integer):
    async with database.read() as session:
        found = (
            await session.execute(select(is_no_count(literal(text)), is_no_integer(literal(text))))
        ).one()

    assert tuple(map(bool, found)) == (not is_count, not is_integer)
