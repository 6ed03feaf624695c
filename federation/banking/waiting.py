"""What this server waits for from its banks, by kind and id."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from federation.banking import store
from federation.banking.items import EXPECTED, INVOICE, TAX_WITHHELD
from federation.payments import expected
from federation.payments.expected import Expected
from federation.store.sessions import ReadSession

Waited = Mapping[tuple[str, str], Expected]


async def waited_for(session: ReadSession, here: str, now: datetime) -> Waited:
    """Return what this server waits for, {(kind, id): it}; an invoice less tax withheld of it."""
    rows = [
        *await expected.money_out(session, here),
        *await expected.money_in(session, here, now),
    ]
    withheld: dict[str, int] = {}
    for item in await store.standing_items(session, [TAX_WITHHELD]):
        withheld[item.ref] = withheld.get(item.ref, 0) - item.amount
    found: dict[tuple[str, str], Expected] = {}
    for row in rows:
        left = row.amount - (withheld.get(row.id, 0) if row.kind == INVOICE else 0)
        if left > 0 and row.kind in EXPECTED:
            found[row.kind, row.id] = row if left == row.amount else replace(row, amount=left)
    return found
