"""Confirming a suggestion: one entry for what it pays, or several entries that pay one thing."""

from collections.abc import Sequence

from federation.banking import settling
from federation.banking.items import Item
from federation.banking.tables import Match
from federation.bankstatements.acting import At
from federation.values.ids import BadIdError

TOGETHER_MAX = 100


async def confirm(at: At, entries: Sequence[int], items: Sequence[Item]) -> list[Match]:
    """Settle 1 to 100 entries by what they are for, in their order; else refused as BAD_ID."""
    if not 1 <= len(entries) <= TOGETHER_MAX:
        raise BadIdError(f"1 to {TOGETHER_MAX} entries")
    if len(entries) == 1:
        return [await settling.settle(at, entries[0], items)]
    if len(items) != 1:
        raise BadIdError("several entries are for one item")
    [only] = items
    return await settling.settle_together(at, entries, only.kind, only.ref)
