"""At the hub: what a licensor holds is released by it alone; it is told to, and says when it has.

The money is the licensor's to give: no entry of it stands in the hub's books. The claimant hears of
a release when the licensor has carried it out, so nobody waits for what was refused.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from federation.payments.payees import account_in
from federation.releases import store
from federation.releases.claiming import UnknownHeldClaimError
from federation.releases.release_check import HeldClaimStateError
from federation.settlement.rates import Rates
from federation.store import outbox
from federation.store.messages import BadMessageError
from federation.store.sessions import WriteSession
from federation.suspense import elsewhere_store
from federation.suspense.elsewhere import end_order
from federation.suspense.messages import (
    HeldRefused,
    HeldReleased,
    NotReleased,
    OrderedItem,
    OrderedRate,
    ReleasedItem,
    ReleaseDone,
    ReleasedPayment,
    ReleaseOrdered,
)
from federation.suspense.release import Direct, Held, paid_directly
from federation.suspense.tables import HeldClaim, OrderedRelease, ReleaseOrder
from federation.trust.parties import collective_terms, get_party
from federation.values.licence_key import licensor_of, number_of
from federation.values.month import Month
from federation.values.reason import stated


def by_holder(items: Sequence[Held]) -> dict[str, list[Held]]:
    """Return {who holds it, HUB or a licensor: items}."""
    found: dict[str, list[Held]] = {}
    for item in items:
        found.setdefault(licensor_of(number_of(item.licence)), []).append(item)
    return found


async def order_release(
    session: WriteSession,
    row: HeldClaim,
    licensor: str,
    items: Sequence[Held],
    rates: Mapping[Month, Rates],
    reason: str,
    now: datetime,
) -> bool:
    """Tell a licensor to release items to an accepted claim; False where nothing can be paid."""
    particulars = collective_terms(await get_party(session, row.node))
    currency = particulars.settlement_currency
    parts = paid_directly(items, rates, currency)
    if not parts:
        return False
    message = ReleaseOrdered(
        id=row.id,
        node=row.node,
        url_key=row.url_key,
        claim_id=row.claim_id,
        filed_by=row.filed_by,
        filed_at=row.filed_at,
        decided_by=row.decided_by or "",
        reason=reason,
        currency=currency,
        account=account_in(particulars),
        items=[
            OrderedItem(part.period, item.licence, item.reason, str(item.amount), item.currency)
            for part in parts
            for item in part.items
        ],
        rates=[
            OrderedRate(period, code, date.fromisoformat(on), rate)
            for period in sorted({part.period for part in parts})
            for code, (on, rate) in rates[period].used.items()
            if code in {currency, *(part.currency for part in parts)}
        ],
    )
    told = [] if licensor == row.node else _told(row, licensor, parts, currency, reason)
    order = ReleaseOrder(
        held_claim=row.id,
        licensor=licensor,
        told=msgspec.json.encode(told).decode(),
        ordered_at=now,
    )
    session.add(order)
    await session.flush()
    for part in parts:
        for item in part.items:
            session.add(
                OrderedRelease(release_order=order.id, held_elsewhere=item.item, amount=item.amount)
            )
    party = await get_party(session, licensor)
    await outbox.post(session, target=party.entity_id, message=message, now=now)
    return True


def _told(
    row: HeldClaim, licensor: str, parts: Sequence[Direct], currency: str, reason: str
) -> list[HeldReleased]:
    """Return what the claimant hears once it is done: a message for each licence currency."""
    found: list[HeldReleased] = []
    for source in sorted({part.currency for part in parts}):
        of_source = [part for part in parts if part.currency == source]
        items = [
            ReleasedItem(
                part.period,
                licence,
                "+".join(sorted({item.reason for item in part.items if item.licence == licence})),
                str(amount),
                source,
                str(amount),
            )
            for part in of_source
            for licence, amount in part.by_licence.items()
        ]
        payments = [part.payment(row.id, licensor, currency) for part in of_source]
        found.append(HeldReleased(row.id, reason, items, payments, licensor))
    return found


async def receive_done(
    session: WriteSession, sender: str, message: ReleaseDone, now: datetime
) -> None:
    """Hear that a licensor carried an order out, and tell the claimant what it gets from whom."""
    order = await elsewhere_store.find_order(session, message.id, sender)
    claim = await store.find_claim(session, message.id)
    if order is None or claim is None:
        raise UnknownHeldClaimError(f"{message.id}: {sender} has no order to release it")
    if order.done_at is not None:
        raise HeldClaimStateError(f"{message.id}: {sender} has released it already")
    if order.ended_at is not None:
        raise HeldClaimStateError(f"{message.id}: {sender} said that it does not release it")
    told = msgspec.json.decode(order.told, type=list[HeldReleased])
    wanted: list[ReleasedPayment] = [paid for item in told for paid in item.payments]
    if sorted(wanted, key=_name) != sorted(message.payments, key=_name):
        raise BadMessageError(f"{message.id}: {sender} pays something else than was ordered")
    order.done_at = now
    party = await get_party(session, claim.node)
    for item in told:
        await outbox.post(session, target=party.entity_id, message=item, now=now)


async def receive_not_released(
    session: WriteSession, sender: str, message: NotReleased, now: datetime
) -> None:
    """Hear that a licensor carries an order out no more: what it was of is listed anew.

    The claimant is told why: nothing else would. The same again changes nothing.
    """
    order = await elsewhere_store.find_order(session, message.id, sender)
    claim = await store.find_claim(session, message.id)
    if order is None or claim is None:
        raise UnknownHeldClaimError(f"{message.id}: {sender} has no order to release it")
    if order.done_at is not None:
        raise HeldClaimStateError(f"{message.id}: {sender} has released it already")
    if order.ended_at is None:
        why = order.ended_because = stated(message.reason)
        await end_order(session, order, claim.url_key, now)
        party = await get_party(session, claim.node)
        told = HeldRefused(claim.id, why, sender)
        await outbox.post(session, target=party.entity_id, message=told, now=now)


def _name(paid: ReleasedPayment) -> str:
    return paid.payment_id
