"""What a payee took as paid, and how it lies on the payments that stand for a remittance. Pure.

A remittance is paid by one payment, by another that took its place, or by several beside each
other. What its payee takes as paid of it is first what nobody has paid yet, so that no more is
paid than is owed; what the bank has is paid all the same, and is given back first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LIVE, UNPAID, AT_BANK, BOOKED = "LIVE", "UNPAID", "AT_BANK", "BOOKED"
REPLACED = "REPLACED"
TAKEN_FROM = (LIVE, UNPAID, AT_BANK, BOOKED)  # in this order; the newest first of each
GIVEN_BACK_BY = (UNPAID, REPLACED)  # once the bank's payments hold nothing that was taken
WITH_THE_BANK = (AT_BANK, BOOKED)


@dataclass(frozen=True, slots=True)
class Order:
    """A payment: its amount, and what of it was taken as paid, in minor units of its currency.

    LIVE: not exported. UNPAID: cancelled, rejected or returned, and may be proposed again; or
    REPLACED by what others pay. AT_BANK, BOOKED: the bank has it.
    """

    payment_id: str
    amount: int
    taken: int
    standing: str


@dataclass(frozen=True, slots=True)
class Shift:
    """What changes: {payment: how much more of it is taken as paid, or less}, never 0.

    The payments of `instead` are not made: one of `proposed` is, 0 if nothing is left. It pays
    also what is owed again of those that were replaced, `again`.
    """

    changes: dict[str, int]
    instead: tuple[str, ...]
    again: tuple[str, ...]
    proposed: int


def room(orders: Iterable[Order]) -> int:
    """Return what is still owed of a remittance, or is paid although it was taken as paid."""
    return sum(order.amount - order.taken for order in orders if order.standing != REPLACED)


def given(orders: Iterable[Order]) -> int:
    """Return what was taken as paid of a remittance."""
    return sum(order.taken for order in orders)


def shifted(orders: Sequence[Order], minor: int) -> Shift:
    """Take so much more as paid, or less where it is below 0; `orders` are the oldest first.

    ValueError where it is more than `room`, or less than what was `given`.
    """
    if not -given(orders) <= minor <= room(orders):
        raise ValueError(f"{minor} of {room(orders)} and {given(orders)}")
    left = minor
    changes: dict[str, int] = {}
    for order in orders:
        if order.standing in WITH_THE_BANK:
            left += order.taken
            changes[order.payment_id] = -order.taken
    for order in _in_turn(orders, TAKEN_FROM if left > 0 else GIVEN_BACK_BY):
        taken = order.taken + changes.get(order.payment_id, 0)
        part = min(left, order.amount - taken) if left > 0 else max(left, -taken)
        changes[order.payment_id] = taken + part - order.taken
        left -= part
    return _followed(orders, {name: change for name, change in changes.items() if change})


def _in_turn(orders: Sequence[Order], turns: Sequence[str]) -> list[Order]:
    """Return orders of some standings in their turn, the newest first of each."""
    return [order for turn in turns for order in reversed(orders) if order.standing == turn]


def _followed(orders: Sequence[Order], changes: dict[str, int]) -> Shift:
    """Say by which payment is paid what is not, or is again, by those that change."""
    again = [row for row in orders if row.standing == REPLACED and row.payment_id in changes]
    instead = [
        row
        for row in orders
        if row.standing in {LIVE, UNPAID} and changes.get(row.payment_id, 0) > 0
    ]
    if again:  # paid with the newest that is not exported, if there is one
        instead = _in_turn(orders, (LIVE,))[:1]
    left = sum(row.amount - row.taken - changes.get(row.payment_id, 0) for row in instead)
    return Shift(
        changes,
        tuple(row.payment_id for row in instead),
        tuple(row.payment_id for row in again),
        left - sum(changes[row.payment_id] for row in again),
    )
