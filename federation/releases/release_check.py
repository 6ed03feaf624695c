"""At a node: whether a release of held money follows from its own claim and from what it settled.

The hub decides whether a claim is accepted. What it then pays follows from what was released, at
the rates of the month's run, and each of it once (SETTLEMENT §7a).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.metering.periods import require_over
from federation.payments.names import direct_release_id, release_id
from federation.payments.store import find_incoming
from federation.settlement.rates import MissingRateError, StaleRateError
from federation.settlement.run import document_rates
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession
from federation.suspense import store as suspense
from federation.suspense.messages import HeldReleased, ReleasedItem, ReleasedPayment
from federation.suspense.tables import HeldClaim
from federation.values.licence_key import licensor_of, number_of
from federation.values.month import Month
from federation.values.party import HUB


class ReleaseMismatchError(RefusalError):
    """This release of held money does not follow from the claim and the months settled here."""

    code: ClassVar[str] = "RELEASE_MISMATCH"


class HeldClaimStateError(RefusalError):
    """The claim on held money is not in a state that allows this."""

    code: ClassVar[str] = "HELD_CLAIM_STATE"


def require_open(row: HeldClaim, node: str, *states: str) -> None:
    """Refuse a decision on a claim of another node (`node` is this one) or in another state."""
    if row.node != node or row.state not in states:
        raise HeldClaimStateError(f"{row.id} of {row.node} is {row.state}")


async def require_follows(
    session: ReadSession,
    row: HeldClaim,
    message: HeldReleased,
    *,
    node: str,
    currency: str,
    now: datetime,
) -> None:
    """Refuse a release whole that is not of this claim, known months, and the right amounts.

    The hub says first that it accepts a claim, with what it pays itself; licensors follow, also
    where two people here dropped what the hub said. `currency` is this node's settlement currency.
    """
    require_open(row, node, "FILED", *([] if message.payer == HUB else ["ACCEPTED"]))
    keys = {(item.period, item.licence) for item in message.items}
    whose = {licensor_of(number_of(item.licence)) for item in message.items}
    if len(keys) != len(message.items) or whose - {message.payer}:
        raise ReleaseMismatchError(f"{row.id}: not each licence of {message.payer} once")
    runs = await suspense.months_of_runs(session)
    settled = [month.period for month in await suspense.settled_months(session, node)]
    paid_for = {paid.period for paid in message.payments}
    if len(paid_for) != len(message.payments):
        raise ReleaseMismatchError(f"{row.id}: a month is paid twice")
    for paid in message.payments:
        items = [item for item in message.items if item.period == paid.period]
        await _require_once(session, row, message.payer, paid, items)
        if paid.currency != currency:
            raise ReleaseMismatchError(f"{paid.payment_id} is in {paid.currency}, not {currency}")
        require_over(paid.period, now)
        document = None
        if paid.period in settled:
            document = await suspense.run_of(session, node, paid.period)
        if document is not None and runs.get(paid.run_id) != paid.period:
            raise ReleaseMismatchError(f"{paid.run_id[:16]} is no run of {paid.period} here")
        if document is None and settled and paid.period > settled[0]:
            raise ReleaseMismatchError(f"{paid.period} is not settled here yet")
        amount = _amount(message.payer, items, document, currency)
        if int(paid.amount) == 0 or amount not in {None, int(paid.amount)}:
            raise ReleaseMismatchError(f"{paid.payment_id} is {amount}, not {paid.amount}")


async def _require_once(
    session: ReadSession,
    row: HeldClaim,
    payer: str,
    paid: ReleasedPayment,
    items: Sequence[ReleasedItem],
) -> None:
    """Refuse a payment by another id than it has by the rule, or one that is waited for already."""
    period: Month = paid.period
    names = {release_id(period, row.id)}
    if payer != HUB:
        names = {direct_release_id(period, row.id, payer, item.currency) for item in items}
    if not items or names != {paid.payment_id}:
        raise ReleaseMismatchError(f"{paid.payment_id} is not what {payer} pays for {period}")
    if await find_incoming(session, paid.payment_id) is not None:
        raise HeldClaimStateError(f"{paid.payment_id} is released already")


def _amount(
    payer: str, items: Sequence[ReleasedItem], document: RunDocument | None, currency: str
) -> int | None:
    """Return what a month's items come to, None where this node has no rate to say.

    The hub clears each licence's money and pays the sum; a licensor pays it as the licence has it.
    """
    if document is None:
        return None
    rates = document_rates(document)
    try:
        if payer != HUB:
            total = sum(int(item.amount) for item in items)
            return rates.convert(total, items[0].currency, currency)
        for item in items:
            cleared = rates.convert(int(item.amount), item.currency, rates.clearing)
            if cleared != int(item.cleared):
                raise ReleaseMismatchError(f"{item.licence} clears to {cleared}")
        return rates.convert(sum(int(item.cleared) for item in items), rates.clearing, currency)
    except (MissingRateError, StaleRateError):
        return None
