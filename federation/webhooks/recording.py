"""An event becomes a row for each webhook that is told of it, in the transaction of its act."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec

from federation.store.database import announce, business_time
from federation.store.happened import what_happened
from federation.store.sessions import WriteSession
from federation.values.event import EventType
from federation.values.roles import Role
from federation.webhooks import store
from federation.webhooks.audience import Data, told
from federation.webhooks.tables import Delivery, DeliveryState, Webhook, WebhookState

DUE: Final = "webhooks"  # announced by a transaction after which something is to be delivered
WAITING_MAX: Final = 10_000  # events of one webhook
FULL: Final = f"{WAITING_MAX} events wait: further ones are not kept"


def recorder(here: str) -> Callable[[WriteSession], Awaitable[None]]:
    """Return what keeps, in each transaction of a server, what its webhooks are to be told."""

    async def record(session: WriteSession) -> None:
        events = what_happened(session)
        if not events:
            return
        now, ids = business_time(session), dict[int, str]()
        for row in await store.not_ended(session):
            types = msgspec.json.decode(row.types, type=list[str])
            for number, event in enumerate(events):
                if event.type not in types:
                    continue
                data = await told(session, event, Role(row.role), row.party, here, now.date())
                if data is not None:
                    ids.setdefault(number, new_event_id())
                    await _keep(session, row, ids[number], event.type, data, now)

    return record


async def wait(
    session: WriteSession, row: Webhook, event: str, kind: EventType, data: Data, now: datetime
) -> Delivery:
    """Let an event wait for a webhook."""
    delivery = Delivery(
        webhook=row.id,
        event=event,
        type=kind,
        data=msgspec.json.encode(data).decode(),
        at=now,
        state=DeliveryState.WAITING,
        attempts=0,
        next_at=now,
    )
    session.add(delivery)
    await session.flush()
    announce(session, DUE)
    return delivery


def new_event_id() -> str:
    """Return the id of an event, by which a receiver knows one that comes again."""
    return f"evt_{secrets.token_hex(16)}"


async def _keep(
    session: WriteSession, row: Webhook, event: str, kind: EventType, data: Data, now: datetime
) -> None:
    """Let an event wait, unless too many do: then the webhook is paused, and counts as missed."""
    if await store.count_waiting(session, row.id) < WAITING_MAX:
        await wait(session, row, event, kind, data, now)
        return
    row.missed += 1
    if row.state == WebhookState.ACTIVE:
        row.state, row.why, row.changed_at = WebhookState.PAUSED, FULL, now
