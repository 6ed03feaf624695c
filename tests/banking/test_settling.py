from datetime import date

import pytest

from federation.banking import settling
from federation.banking.items import BadItemError, UnbalancedItemsError
from federation.banking.settling import EntrySettledError
from federation.licensing import store as licensing
from tests.banking.bank import Ntry, Tx, statement
from tests.banking.counter import (
    BANK,
    RECEIVABLE,
    SUSPENSE,
    at,
    set_up,
    settle,
    settling_,
    states,
    take,
    undo,
)
from tests.databases import refused
from tests.settlement.payments.factories import balances


async def books(database):
    async with database.read() as session:
        return await balances(session)


def paid(amount, text="HUB-000001"):
    return statement(Ntry(amount, reference="B1", txs=(Tx(amount, text=text),)), closing=amount)


async def test_what_a_licensee_pays_is_its_receipt_and_leaves_suspense(database):
    await set_up(database, "100000")
    before = await books(database)
    await take(database, paid("1000.00"))

    assert await books(database) == before | {BANK: {"EUR": 100_000}, SUSPENSE: {"EUR": -100_000}}
    await settle(database, 1, ("INVOICE", "HUB-000001", 100_000))

    after = before | {BANK: {"EUR": 100_000}}
    del after[RECEIVABLE]
    assert await books(database) == after
    assert await states(database) == [(1, "SETTLED")]
    async with database.read() as session:
        [receipt] = await licensing.receipts_of(session, "HUB-000001")
    assert (receipt.amount, receipt.received_on, receipt.recorded_by) == (
        100_000,
        date(2026, 10, 16),
        "olga",
    )
