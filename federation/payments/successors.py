"""Who is paid what a month owes a member: the member itself, or those that succeed it.

What a line earned stays the member's whose claim it matched; whoever stands in its place when it is
paid gets it, by exact parts, once: what left before stays where it went.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from fractions import Fraction

from federation.payments import states
from federation.payments.names import is_member, member_of
from federation.payments.tables import Payment
from federation.settlement.arithmetic import largest_remainder
from federation.store.sessions import ReadSession
from federation.successions import service as successions
from federation.successions.service import SucceededError

Parts = Mapping[str, Mapping[str, Fraction]]
"""{member: {who is paid in its place: its exact part}}; others are paid themselves."""

LEFT = states.AT_THE_BANK | {states.BOOKED}
"""States of a payment whose money has left, or may have."""


def owner_of(payment: Payment) -> str:
    """Return the member whose month a payment pays, whoever gets it."""
    return payment.attributed_to or member_of(payment.payee)


def still_due(
    payable: int, gone: Mapping[str, int], parts: Mapping[str, Fraction], *, scope: str
) -> dict[str, int]:
    """Return {member: what it is still to get} of an amount, of which some is `gone` to some.

    All of it is split by parts first (SETTLEMENT §0, largest remainder). Of the rest each gets
    what it lacks; where somebody has more than its part of today, what others lack of it is cut
    in proportion, so that no more is paid than there is.
    """
    if len(parts) == 1 and not gone:
        return dict.fromkeys(parts, payable)
    rest = payable - sum(gone.values())
    if rest <= 0:
        return {}
    whole = largest_remainder(payable, parts, scope=scope)
    lacking = {one: max(0, amount - gone.get(one, 0)) for one, amount in whole.items()}
    return largest_remainder(rest, lacking, scope=scope)


def fits(payment: Payment, parts: Parts) -> bool:
    """Tell whether a payment goes to who is paid today, and for the part it has today."""
    owner, payee = owner_of(payment), member_of(payment.payee)
    if owner not in parts:
        return payment.attributed_to is None
    return payment.attributed_to is not None and payment.share == share_text(parts[owner], payee)


def share_text(parts: Mapping[str, Fraction], payee: str) -> str:
    """Return the part of a payee as it is kept with a payment: 3/5, 0 where it has none."""
    return str(parts.get(payee, Fraction(0)))


async def parts_of(session: ReadSession, members: Collection[str] | None, on: date) -> Parts:
    """Return who is paid on a day in the place of some members, or of all (None)."""
    return await successions.successors(session, members, on)


async def misdirected(session: ReadSession, payments: Sequence[Payment], on: date) -> list[Payment]:
    """Return payments that are not to leave on a day: others are paid in their payees' place."""
    rows = [row for row in payments if is_member(row.payee) and row.state not in LEFT]
    parts = await parts_of(session, {owner_of(row) for row in rows}, on)
    return [row for row in rows if not fits(row, parts)]


async def require_payee(session: ReadSession, payment: Payment, on: date) -> None:
    """Refuse a payment to a member in whose place others are paid by now (SUCCEEDED)."""
    if await misdirected(session, [payment], on):
        raise SucceededError(f"{payment.payment_id}: propose the month's payments to members anew")
