"""I17 holds through every act, and is named when something breaks it."""

import pytest
from sqlalchemy import text

from federation.banking.invariants import BANK_INVARIANTS
from federation.banking.tables import Match
from federation.settlement import store as journal
from federation.settlement.books import Entry, Posting
from tests.banking.bank import Ntry, statement
from tests.banking.counter import NOW, approve, set_up, settle, take, undo
from tests.banking.test_settling import LICENCE

NAMES = {item.name for item in BANK_INVARIANTS}
ENTRIES = (Ntry("1000.00", reference="B1"), Ntry("200.00", "DBIT", "B2"))


async def examined(database):
    """Return {invariant: (how many were examined, what is wrong)}."""
    async with database.read() as session:
        return {item.name: await item.examine(session, "HUB") for item in BANK_INVARIANTS}


async def broken(database):
    return {name: wrong for name, (_, wrong) in (await examined(database)).items() if wrong}


async def a_settled_day(database):
    """Two entries, one of them settled, undone, proposed, approved."""
    await set_up(database, "110000")
    await take(database, statement(*ENTRIES, closing="800.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 110_000), ("SHORT_PAYMENT", LICENCE, -10_000))
    await undo(database, 1)
    await settle(database, 1, ("INVOICE", LICENCE, 110_000), ("BANK_CHARGE", "", -10_000))
    await settle(database, 2, ("BANK_CHARGE", "", -20_000))
    await undo(database, 2)
    await settle(database, 2, ("BANK_CHARGE", "", -20_000))
    await approve(database, 2)
    later = statement(
        Ntry("5.00", reference="B3"), opening="800.00", closing="805.00", statement_id="2"
    )
    await take(database, later)


async def test_they_hold_through_every_act(database):
    await a_settled_day(database)

    assert await examined(database) == {
        "statements_add_up": (2, []),
        "entries_settled_once": (3, []),
        "suspense_is_what_is_open": (1, []),
    }


async def test_an_account_that_begins_with_money_adds_up(database):
    await set_up(database)
    await take(database, statement(*ENTRIES, opening="50.00", closing="850.00"))

    assert await broken(database) == {}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("UPDATE bank_statement SET closing = closing + 1 WHERE number = 2", {"statements_add_up"}),
        ("UPDATE bank_statement SET opening = opening + 1 WHERE number = 2", {"statements_add_up"}),
        ("UPDATE bank_statement SET number = 3 WHERE number = 2", {"statements_add_up"}),
        (
            "UPDATE bank_entry SET amount = amount + 1 WHERE id = 3",
            NAMES - {"entries_settled_once"},
        ),
        (
            "UPDATE bank_entry SET amount = amount + 1 WHERE id = 1",
            NAMES - {"suspense_is_what_is_open"},
        ),
        ("UPDATE bank_entry SET state = 'OPEN' WHERE id = 1", NAMES - {"statements_add_up"}),
        ("UPDATE bank_entry SET state = 'SETTLED' WHERE id = 3", NAMES - {"statements_add_up"}),
    ],
)
async def test_a_row_that_is_changed_breaks_what_it_should(database, change, names):
    await a_settled_day(database)
    async with database.write("tamper") as session:
        await session.execute(text(change))

    assert set(await broken(database)) == names


async def test_an_entry_settled_twice_is_named(database):
    await a_settled_day(database)
    async with database.write("tamper") as session:
        session.add(
            Match(
                entry_id=1,
                number=4,
                act="SETTLED",
                match_of=None,
                reason="",
                acted_by="x",
                acted_at=NOW,
            )
        )

    assert await broken(database) == {
        "entries_settled_once": [
            "entry 1 was SETTLED after it was SETTLED",
            "entry 1 of 100000, SETTLED by items of 0",
        ]
    }


async def test_money_taken_out_of_suspense_otherwise_is_named(database):
    await a_settled_day(database)
    moved = Posting("Liabilities:HUB:Suspense:BankEntry", "Income:HUB:AdminFee", 1, "EUR")
    async with database.write("tamper") as session:
        await journal.post(session, [Entry(NOW.date(), "quietly", "n", (moved,))])

    assert await broken(database) == {
        "suspense_is_what_is_open": ["EUR: 499 in suspense, 500 not settled"]
    }
