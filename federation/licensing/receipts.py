"""Money received for a licence: recorded by its licensor, told to the hub."""

import secrets
from datetime import date, datetime
from typing import Any, ClassVar

from federation.errors import RefusalError
from federation.licensing.messages import ReceiptRecorded
from federation.licensing.service import get_licence
from federation.licensing.tables import Licence, Receipt
from federation.store import idempotency, outbox
from federation.store.happened import happened
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.parties import get_party
from federation.trust.principals import Principal
from federation.values.event import Event, EventType
from federation.values.party import HUB


class BadReceiptError(RefusalError):
    """This receipt cannot be recorded."""

    code: ClassVar[str] = "BAD_RECEIPT"


async def record_receipt(
    session: WriteSession,
    *,
    number: str,
    received_on: date,
    amount: int,
    who: Principal,
    key: str,
    here: str,
    now: datetime,
) -> tuple[Receipt, bool]:
    """Record money received for a licence of this server; the hub learns of a node's.

    The second value says whether the receipt is new, or the answer to a repeated request.
    """
    licence = await _check(session, number, here, received_on, amount, now)
    value: list[Any] = [number, received_on.isoformat(), str(amount)]
    known = await idempotency.find_result(
        session, principal=who.subject, field="recordReceipt", key=key, value=value
    )
    if known is not None:
        return await _get_receipt(session, known), False
    receipt = Receipt(
        id=f"{here}-{secrets.token_hex(12)}",
        licence=number,
        received_on=received_on,
        amount=amount,
        recorded_by=who.subject,
        recorded_at=now,
    )
    session.add(receipt)
    idempotency.remember_result(
        session,
        principal=who.subject,
        field="recordReceipt",
        key=key,
        value=value,
        result_id=receipt.id,
        now=now,
    )
    if amount > 0:  # what is taken back did not come
        about = {"licence": number, "receipt": receipt.id}
        event = Event(EventType.PAYMENT_RECEIVED, about, licensee=licence.licensee)
        happened(session, event)
    if here != HUB:
        hub = await get_party(session, HUB)
        body = ReceiptRecorded(receipt.id, number, received_on, str(amount))
        await outbox.post(session, target=hub.entity_id, message=body, now=now)
    return receipt, True


async def receive_receipt(
    session: WriteSession, node: str, message: ReceiptRecorded, now: datetime
) -> None:
    """At the hub: learn what a national licensor received; its id is new here."""
    amount = int(message.amount)
    await _check(session, message.licence, node, message.received_on, amount, now)
    if await session.get(Receipt, message.id) is not None:
        raise BadReceiptError(f"{message.id} is recorded already")
    session.add(
        Receipt(
            id=message.id,
            licence=message.licence,
            received_on=message.received_on,
            amount=amount,
            recorded_by=node,
            recorded_at=now,
        )
    )


async def _check(
    session: ReadSession, number: str, licensor: str, received_on: date, amount: int, now: datetime
) -> Licence:
    """Return the licence that a receipt is for.

    Refused is one for no licence of a licensor, of nothing or too much, or of a later day.
    """
    row = await get_licence(session, number)
    if row.licensor != licensor:
        raise BadReceiptError(f"{number} was licensed by {row.licensor}")
    if amount == 0 or abs(amount) >= 2**63:
        raise BadReceiptError("the amount is 0 or too large")
    if received_on > now.date():
        raise BadReceiptError(f"{received_on} is in the future")
    return row


async def _get_receipt(session: ReadSession, receipt_id: str) -> Receipt:
    receipt = await session.get(Receipt, receipt_id)
    if receipt is None:
        raise BadReceiptError(receipt_id)
    return receipt
