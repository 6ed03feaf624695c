"""Confirming suggestions: one entry for what it pays, several that pay one thing, exact ones."""

from collections.abc import Sequence
from typing import ClassVar

from federation.banking import settling
from federation.banking.items import Item
from federation.banking.reporting import exact_matches
from federation.banking.tables import Match
from federation.banking.waiting import waited_for
from federation.bankstatements.acting import At
from federation.errors import RefusalError
from federation.values.ids import BadIdError

TOGETHER_MAX = 100


class NotExactError(RefusalError):
    """Of this entry it is not beyond doubt what it is for: look at its suggestions."""

    code: ClassVar[str] = "NOT_EXACT"


async def confirm(at: At, entries: Sequence[int], items: Sequence[Item]) -> list[Match]:
    """Settle 1 to 100 entries by what they are for, in their order; else refused as BAD_ID."""
    _require_few(entries)
    if len(entries) == 1:
        return [await settling.settle(at, entries[0], items)]
    if len(items) != 1:
        raise BadIdError("several entries are for one item")
    [only] = items
    return await settling.settle_together(at, entries, only.kind, only.ref)


async def confirm_exact(at: At, entries: Sequence[int]) -> list[Match]:
    """Settle 1 to 100 entries, each by its exact suggestion as it is now, or refuse all.

    One whose suggestion was exact when it was looked at may be so no more (NOT_EXACT).
    """
    _require_few(entries)
    rows = [await settling.get_open_entry(at, number) for number in entries]
    waited = await waited_for(at.session, at.here, at.now)
    found = {each.entries[0]: each for each in await exact_matches(at.session, waited, rows)}
    for number in entries:
        if number not in found:
            raise NotExactError(f"entry {number}")
    return [await settling.settle(at, number, found[number].items) for number in entries]


def _require_few(entries: Sequence[int]) -> None:
    if not 1 <= len(entries) <= TOGETHER_MAX:
        raise BadIdError(f"1 to {TOGETHER_MAX} entries")
