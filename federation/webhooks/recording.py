"""An event becomes a row for each webhook that is told of it, in the transaction of its act."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec

from federation.logs import get_logger
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
UNREADABLE: Final = "its role or its types are none that this server knows: nobody can be told"
log = get_logger("webhooks")


def recorder(here: str) -> Callable[[WriteSession], Awaitable[None]]:
    """Return what keeps, in each transaction of a server, what its webhooks are to be told."""

    async def record(session: WriteSession) -> None:
        events = what_happened(session)
        if not events:
            return
        now, ids = business_time(session), dict[int, str]()
        kept: list[tuple[object, ...]] = []
        said: dict[tuple[int, Role, str | None], Data | None] = {}  # of all webhooks of a party
        for row in await store.not_ended(session):
            reader = _reader_of(row, now)
            if reader is None:
                continue
            role, types = reader
            heard: list[tuple[object, ...]] = []
            for number, event in enumerate(events):
                if event.type not in types:
                    continue
                key = number, role, row.party
                if key not in said:
                    said[key] = await told(session, event, role, row.party, here, now.date())
                data = said[key]
                if data is not None:
                    name = ids.setdefault(number, new_event_id())
                    heard.append(store.waiting(row.id, name, event.type, _json(data), now))
            kept += await _as_many_as_may_wait(session, row, heard, now)
        if kept:
            await store.add_waiting(session, kept)
            announce(session, DUE)

    return record


async def wait(
    session: WriteSession, row: Webhook, event: str, kind: EventType, data: Data, now: datetime
) -> Delivery:
    """Let an event wait for a webhook."""
    delivery = Delivery(
        webhook=row.id,
        event=event,
        type=kind,
        data=_json(data),
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


def _reader_of(row: Webhook, now: datetime) -> tuple[Role, list[str]] | None:
    """Return the role of a webhook and its types; pause one that says neither, and return None.

    It is not the fault of the act that is told of, which goes on.
    """
    try:
        return Role(row.role), msgspec.json.decode(row.types, type=list[str])
    except (ValueError, msgspec.MsgspecError) as error:
        if row.state == WebhookState.ACTIVE:
            log.warning("a webhook cannot be read", webhook=row.id, reason=str(error))
            row.state, row.why, row.changed_at = WebhookState.PAUSED, UNREADABLE, now
        return None


async def _as_many_as_may_wait(
    session: WriteSession, row: Webhook, heard: list[tuple[object, ...]], now: datetime
) -> list[tuple[object, ...]]:
    """Return the first of what a webhook heard; where more would wait it is paused, and misses it.

    How many wait is counted once, however much it heard.
    """
    if not heard:
        return []
    room = max(0, WAITING_MAX - await store.count_waiting(session, row.id))
    missed = len(heard[room:])
    row.missed += missed
    if missed and row.state == WebhookState.ACTIVE:
        row.state, row.why, row.changed_at = WebhookState.PAUSED, FULL, now
    return heard[:room]


def _json(data: Data) -> str:
    return msgspec.json.encode(data).decode()
