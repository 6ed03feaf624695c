"""A receipt of too much, and what becomes of the rest."""

from federation.banking import set_offs
from tests.banking.bank import Ntry, Tx, statement
from tests.banking.counter import (
    APPROVER,
    at,
    set_up,
    settle,
    take,
)

LICENCE, OTHER = "HUB-000001", "HUB-000002"


OF_LAB = "FR1420041010050500013M02606"


OF_GB = "PAY-2026-09-GB-HUB"


OP, REFUND = "OP-1-2", "REFUND-OP-1-2"


async def overpaid(database, *, account=OF_LAB):
    """Lab One pays 1,300.00 for an invoice of 1,000.00; another one is of 200.00."""
    await set_up(database, "100000", "20000")
    came = Ntry("1300.00", reference="B1", txs=(Tx("1300.00", name="Lab One", account=account),))
    await take(database, statement(came, closing="1300.00"))
    await settle(database, 1, ("INVOICE", LICENCE, 100_000), ("OVERPAYMENT", LICENCE, 30_000))


async def set_off(database, kind, ref, overpayment=OP):
    async with database.write("set off") as session:
        row = await set_offs.propose_set_off(at(session), overpayment, kind, ref, "as agreed")
        return row.id


async def approve(database, number, who=APPROVER):
    async with database.write("approve") as session:
        row = await set_offs.approve_set_off(at(session, who), number)
        return row.state, row.decided_by
