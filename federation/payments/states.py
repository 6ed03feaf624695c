"""The life of a payment: which step may follow which. Pure.

A payment is final when the bank has booked or returned it, or it never left. An amount that came
back is owed again and paid by another payment.
"""

from typing import ClassVar

from federation.errors import RefusalError

PROPOSED, OUTSTANDING, APPROVED = "PROPOSED", "OUTSTANDING", "APPROVED"
EXPORTED, ACCEPTED, BOOKED = "EXPORTED", "ACCEPTED", "BOOKED"
REJECTED, RETURNED, CANCELLED, SET_OFF = "REJECTED", "RETURNED", "CANCELLED", "SET_OFF"

MOVES: dict[str, frozenset[str]] = {
    PROPOSED: frozenset({APPROVED, CANCELLED}),
    OUTSTANDING: frozenset({PROPOSED, CANCELLED}),
    APPROVED: frozenset({EXPORTED, CANCELLED}),
    EXPORTED: frozenset({ACCEPTED, BOOKED, REJECTED}),
    ACCEPTED: frozenset({BOOKED, REJECTED}),
    BOOKED: frozenset({RETURNED, EXPORTED}),  # back to EXPORTED when a match is undone
    RETURNED: frozenset({BOOKED}),  # likewise
    REJECTED: frozenset(),
    CANCELLED: frozenset(),
    SET_OFF: frozenset(),
}

AT_THE_BANK = frozenset({EXPORTED, ACCEPTED})
NOT_PAID = frozenset({REJECTED, RETURNED, CANCELLED})  # what it was to pay is owed as before
NOT_EXPORTED = frozenset({PROPOSED, OUTSTANDING, APPROVED})


class PaymentStateError(RefusalError):
    """The payment is not in a state that allows this."""

    code: ClassVar[str] = "PAYMENT_STATE"


def refuse_move(payment_id: str, state: str, wanted: str) -> None:
    """Raise unless a payment in a state may take the step."""
    if wanted not in MOVES[state]:
        raise PaymentStateError(f"{payment_id} is {state}, not to become {wanted}")
