"""One attempt to deliver an event: taken before it is made, and what came of it written down.

Taking it counts the attempt and says from when on another may be made. A process that dies in
between leaves that behind, and the event is delivered again: at least once, in no order.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from federation.people import store as people
from federation.people.directory import roles_of
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.key_secret import KeySecret
from federation.values.event import EventType
from federation.values.roles import Role
from federation.webhooks import store
from federation.webhooks.audience import types_for
from federation.webhooks.schedule import CLAIMED_FOR, PAUSED_AFTER, wait_after
from federation.webhooks.signing import headers
from federation.webhooks.tables import Delivery, DeliveryState, Webhook, WebhookState

ERROR_LENGTH_MAX: Final = 200
GONE_STATUS: Final = 410
LEFT: Final = "who keeps it does not hold its role here any more: another has to resume it"
GONE: Final = "its target answered 410: it is not told any more"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is sent where; `number` counts the attempts of this delivery from 1.

    A replay has them counted anew, so one is told from the others by when it was `taken` as well.
    """

    delivery: int
    number: int
    taken: datetime
    url: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: the status of the answer, or why there was none."""

    status: int | None
    error: str | None = None

    @property
    def is_good(self) -> bool:
        """Tell whether the receiver has taken the event: any 2xx, whatever its body says."""
        return self.error is None and self.status is not None and self.status // 100 == 2  # noqa: PLR2004


async def take(
    session: WriteSession, webhook: str, keys: KeySecret, now: datetime
) -> Attempt | None:
    """Take the next event that is due for a webhook, None if there is nothing to be done.

    Who keeps the webhook has to hold its role, for its party, at this instant; else it is paused.
    """
    row = await store.find_webhook(session, webhook)
    if row is None or row.state != WebhookState.ACTIVE:
        return None
    found = await store.next_due(session, webhook, now)
    if found is None:
        return None
    if not await _stands(session, row):
        row.state, row.why, row.changed_at = WebhookState.PAUSED, LEFT, now
        return None
    if not _may_hear(row, found):
        found.state, found.next_at, found.error = DeliveryState.DROPPED, None, "not its to hear"
        return None
    found.attempts += 1
    found.tried_at, found.next_at = now, now + CLAIMED_FOR
    body = body_of(found)
    secrets = [keys.decrypted(row.secret).decode()]
    if row.former is not None and row.former_until is not None and now < row.former_until:
        secrets.append(keys.decrypted(row.former).decode())
    signed = headers(found.event, now, body, secrets)
    return Attempt(found.id, found.attempts, now, row.url, body, signed)


def body_of(delivery: Delivery) -> bytes:
    """Return the payload of an event: its type, when it was, ids and codes."""
    data = msgspec.Raw(delivery.data.encode())
    return msgspec.json.encode({"type": delivery.type, "timestamp": delivery.at, "data": data})


async def write_down(
    session: WriteSession, attempt: Attempt, outcome: Outcome, now: datetime, part: int
) -> None:
    """Write down what came of an attempt, and when the next one is; `part` is of the jitter.

    What came of an attempt after which another was taken, or a replay was asked for, counts only
    where it was good.
    """
    found = await store.find_delivery(session, attempt.delivery)
    if found is None or found.state != DeliveryState.WAITING:
        return
    is_last = (found.attempts, found.tried_at) == (attempt.number, attempt.taken)
    if not is_last and not outcome.is_good:
        return
    row = await session.get_one(Webhook, found.webhook)
    found.status = outcome.status
    found.error = None if outcome.error is None else outcome.error[:ERROR_LENGTH_MAX]
    if outcome.is_good:
        found.state, found.next_at, row.failing_since = DeliveryState.DELIVERED, None, None
        return
    row.failing_since = since = row.failing_since or found.tried_at or now
    if outcome.status == GONE_STATUS:
        found.state, found.next_at = DeliveryState.FAILED, None
        row.state, row.why, row.changed_at = WebhookState.ENDED, GONE, now
        await session.flush()
        await store.drop_waiting(session, row.id)
        return
    wait = wait_after(found.attempts, part)
    found.state = DeliveryState.FAILED if wait is None else DeliveryState.WAITING
    found.next_at = None if wait is None else now + wait
    if row.state == WebhookState.ACTIVE and now - since >= PAUSED_AFTER:
        why = f"no event has arrived since {since.isoformat(timespec='seconds')}"
        row.state, row.why, row.changed_at = WebhookState.PAUSED, why, now


async def _stands(session: ReadSession, row: Webhook) -> bool:
    """Tell whether who keeps a webhook holds its role here now, for its party."""
    person = await people.person_in_force(session, row.kept_by)
    if person is None or row.role not in roles_of(person):
        return False
    return row.party is None or person.party == row.party


def _may_hear(row: Webhook, delivery: Delivery) -> bool:
    """Tell whether an event is the webhook's to hear; of one that is not known here nobody's."""
    return delivery.type in {EventType.PING, *types_for(Role(row.role))}
