"""Each invariant of bank accounts (I17) is broken on purpose, on both databases, and named."""

import pytest

from tests.banking.bank import Ntry, statement
from tests.banking.counter import set_up, settle, take, undo
from tests.tampering import found_after

LICENCE = "HUB-000001"


@pytest.fixture
async def bank(database):
    """Two statements; one entry settled, one settled and undone, the rest open."""
    await set_up(database, "100000")
    await take(
        database,
        statement(
            Ntry("1000.00", reference="B1"),
            Ntry("2.00", "DBIT", reference="B2"),
            Ntry("3.00", "DBIT", reference="B3"),
            opening="5.00",
            closing="1000.00",
        ),
    )
    await take(
        database,
        statement(
            Ntry("9.00", reference="B4", booked_on="2026-10-17"),
            opening="1000.00",
            closing="1009.00",
            statement_id="STM-2",
            sequence=2,
            day="2026-10-17",
        ),
    )
    await settle(database, 1, ("INVOICE", LICENCE, 100_000))
    await settle(database, 2, ("BANK_CHARGE", "", -200))
    await undo(database, 2)
    return database


LESS = """INSERT INTO bank_officer_limit (id, kind, currency, amount, since, reason, proposed_by,
  proposed_at, confirmed_by, confirmed_at)
  VALUES (1, 'BANK_CHARGE', 'EUR', 199, 0, 'less', 'olga', 0, 'anna', 0)"""

ONE_PERSON = LESS.replace("199", "99999999").replace("'anna'", "'Olga'")
A_SET_OFF = """INSERT INTO bank_set_off (overpayment, kind, ref, amount, debt, currency, reason,
  state, proposed_by, proposed_at, decided_by, undo_proposed_by, undone_by)
  VALUES ('OP-1-1', 'INVOICE', 'GB-000001', '5', '5', 'GBP', 'r', '{}', 'ann', 1, {}, {}, {})"""

BREAKS = {
    "one person in two ways": (ONE_PERSON, {"settled_by_two"}),
    "one person in two ways, of a set-off": (
        A_SET_OFF.format("APPROVED", "'ANN'", "NULL", "NULL"),
        {"settled_by_two"},
    ),
    "one person in two ways, of what is undone": (
        A_SET_OFF.format("UNDONE", "'bob'", "'bob'", "'bob '"),
        {"settled_by_two"},
    ),
    "a limit's instant": (
        LESS,
        {"decided_within_limits"},
    ),
    "a closing balance": (
        "UPDATE bank_statement SET closing = closing + 1 WHERE number = 1",
        {"statements_balance"},
    ),
    "the order of statements": (
        "UPDATE bank_statement SET number = 5 WHERE number = 2",
        {"statements_balance"},
    ),
    "an entry's amount": (
        "UPDATE bank_entry SET amount = amount + 1 WHERE id = 5",
        {"statements_balance", "entries_booked_once", "suspense_is_what_is_open"},
    ),
    "an entry's direction": (
        "UPDATE bank_entry SET direction = 'DEBIT' WHERE id = 5",
        {"statements_balance", "entries_booked_once", "suspense_is_what_is_open"},
    ),
    "an entry's state": (
        "UPDATE bank_entry SET state = 'SETTLED' WHERE id = 5",
        {"entries_settled_once", "suspense_is_what_is_open"},
    ),
    "an item": (
        "UPDATE bank_match_item SET amount = amount + 1 WHERE match_id = 1",
        {"entries_settled_once"},
    ),
    "an act": (
        "UPDATE bank_match SET act = 'UNDONE' WHERE id = 1",
        {"entries_settled_once"},
    ),
    "an entry in the books": (
        (
            "UPDATE settlement_entry SET document = 'bank/1/99/booked' "
            "WHERE document = 'bank/1/5/booked'"
        ),
        {"entries_booked_once", "journal_chained"},
    ),
}


async def test_nothing_is_found_while_nothing_is_broken(bank):
    assert await found_after(bank, "HUB") == {}


@pytest.mark.parametrize("name", BREAKS)
async def test_what_is_broken_is_named(bank, name):
    statement_, invariants = BREAKS[name]

    assert set(await found_after(bank, "HUB", statement_)) == invariants
