"""Every question to the database about webhooks and deliveries; nothing here commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, exists, func, select, update

from federation.store.base import to_micros
from federation.store.bulk import insert_rows
from federation.store.sessions import ReadSession, WriteSession
from federation.values.event import EventType
from federation.webhooks.tables import Delivery, DeliveryState, Webhook, WebhookState

PRUNED_AT_ONCE = 1_000
_WAITING = ["webhook", "event", "type", "data", "at", "state", "attempts", "next_at"]


async def find_webhook(session: ReadSession, webhook_id: str) -> Webhook | None:
    """Return a webhook by its id."""
    return await session.get(Webhook, webhook_id)


async def find_delivery(session: ReadSession, number: int) -> Delivery | None:
    """Return a delivery by its number."""
    return await session.get(Delivery, number)


async def not_ended(session: ReadSession) -> list[Webhook]:
    """Return every webhook that is not over."""
    query = select(Webhook).where(Webhook.state != WebhookState.ENDED).order_by(Webhook.id)
    return list(await session.scalars(query))


async def count_live(session: ReadSession, role: str, party: str | None) -> int:
    """Return how many webhooks a party, or the staff of a role, has that are not over."""
    query = select(func.count()).where(
        Webhook.role == role,
        Webhook.party.is_(None) if party is None else Webhook.party == party,
        Webhook.state != WebhookState.ENDED,
    )
    return await session.scalar(query) or 0


async def webhooks(
    session: ReadSession, *, owner: tuple[str, str | None] | None, after: str, limit: int
) -> list[Webhook]:
    """Return webhooks by id: of a role and its party, or everybody's."""
    query = select(Webhook).where(Webhook.id > after).order_by(Webhook.id).limit(limit)
    if owner is not None:
        role, party = owner
        of = Webhook.party.is_(None) if party is None else Webhook.party == party
        query = query.where(Webhook.role == role, of)
    return list(await session.scalars(query))


async def deliveries(
    session: ReadSession, webhook: str, *, before: int | None, limit: int
) -> list[Delivery]:
    """Return what a webhook is told, the newest first."""
    query = select(Delivery).where(Delivery.webhook == webhook)
    if before is not None:
        query = query.where(Delivery.id < before)
    return list(await session.scalars(query.order_by(Delivery.id.desc()).limit(limit)))


async def count_waiting(
    session: ReadSession, webhook: str, *, before: datetime | None = None
) -> int:
    """Return how many events wait for a webhook, all or those of before an instant."""
    query = select(func.count()).where(
        Delivery.webhook == webhook, Delivery.state == DeliveryState.WAITING
    )
    if before is not None:
        query = query.where(Delivery.at < before)
    return await session.scalar(query) or 0


def waiting(
    webhook: str, event: str, kind: EventType, data: str, now: datetime
) -> tuple[object, ...]:
    """Return the row, as the driver takes it, of an event that waits for a webhook from now on."""
    at = to_micros(now)
    return webhook, event, kind.value, data, at, DeliveryState.WAITING.value, 0, at


async def add_waiting(session: WriteSession, rows: Sequence[tuple[object, ...]]) -> None:
    """Let events wait, each a row of `waiting`: many are one statement."""
    await insert_rows(session, Delivery, _WAITING, rows)


class Due(NamedTuple):
    """A webhook that has something due, whose it is, and whether its last attempt failed."""

    webhook: str
    role: str
    party: str | None
    is_failing: bool


async def due(session: ReadSession, now: datetime) -> list[Due]:
    """Return the webhooks that have something due, by id."""
    query = (
        select(Webhook.id, Webhook.role, Webhook.party, Webhook.failing_since)
        .where(
            Webhook.state == WebhookState.ACTIVE,
            exists().where(
                Delivery.webhook == Webhook.id,
                Delivery.state == DeliveryState.WAITING,
                Delivery.next_at <= now,
            ),
        )
        .order_by(Webhook.id)
    )
    rows = await session.execute(query)
    return [Due(webhook, role, party, since is not None) for webhook, role, party, since in rows]


async def next_due(session: ReadSession, webhook: str, now: datetime) -> Delivery | None:
    """Return what is to be delivered next to a webhook, None if nothing is due."""
    query = (
        select(Delivery)
        .where(
            Delivery.webhook == webhook,
            Delivery.state == DeliveryState.WAITING,
            Delivery.next_at <= now,
        )
        .order_by(Delivery.next_at, Delivery.id)
        .limit(1)
    )
    found: Delivery | None = await session.scalar(query)
    return found


async def drop_waiting(session: WriteSession, webhook: str) -> None:
    """Give up what waits for a webhook that is over."""
    await session.execute(
        update(Delivery)
        .where(Delivery.webhook == webhook, Delivery.state == DeliveryState.WAITING)
        .values(state=DeliveryState.DROPPED, next_at=None)
    )


async def wait_no_longer(session: WriteSession, webhook: str, now: datetime) -> None:
    """Let everything that waits for a webhook, also to be tried again, be delivered now."""
    await session.execute(
        update(Delivery)
        .where(
            Delivery.webhook == webhook,
            Delivery.state == DeliveryState.WAITING,
            Delivery.next_at > now,
        )
        .values(next_at=now)
    )


async def count_since(session: ReadSession, webhook: str, since: datetime) -> int:
    """Return of how many events since an instant a webhook has rows."""
    query = select(func.count()).where(Delivery.webhook == webhook, Delivery.at >= since)
    return await session.scalar(query) or 0


async def wait_again(session: WriteSession, webhook: str, since: datetime, now: datetime) -> None:
    """Let every event since an instant be delivered to a webhook anew."""
    await session.execute(
        update(Delivery)
        .where(Delivery.webhook == webhook, Delivery.at >= since)
        .values(state=DeliveryState.WAITING, attempts=0, next_at=now)
    )


async def paused(session: ReadSession, limit: int) -> Sequence[Webhook]:
    """Return the webhooks that wait for somebody, those paused longest first."""
    query = select(Webhook).where(Webhook.state == WebhookState.PAUSED, Webhook.why.is_not(None))
    return list(await session.scalars(query.order_by(Webhook.changed_at, Webhook.id).limit(limit)))


async def count_paused(session: ReadSession) -> int:
    """Return how many webhooks were paused by this server."""
    query = select(func.count()).where(
        Webhook.state == WebhookState.PAUSED, Webhook.why.is_not(None)
    )
    return await session.scalar(query) or 0


async def has_older(session: ReadSession, before: datetime, now: datetime) -> bool:
    """Tell whether something may be forgotten: a delivery, or the end of a webhook, is so old.

    Or a former secret that signs no more.
    """
    told = select(Delivery.id).where(Delivery.at < before)
    over = select(Webhook.id).where(
        Webhook.state == WebhookState.ENDED, Webhook.changed_at < before
    )
    signed = select(Webhook.id).where(Webhook.former_until <= now)
    for old in (told, over, signed):
        if await session.scalar(old.limit(1)) is not None:
            return True
    return False


async def prune(session: WriteSession, before: datetime, now: datetime) -> int:
    """Forget deliveries of events before an instant, 1,000 at most, and webhooks over by then.

    And former secrets that sign no more. Returns how many rows went.
    """
    signed = update(Webhook).where(Webhook.former_until <= now)
    await session.execute(signed.values(former=None, former_until=None))
    old = select(Delivery.id).where(Delivery.at < before).limit(PRUNED_AT_ONCE)
    gone = list(await session.scalars(old))
    await session.execute(delete(Delivery).where(Delivery.id.in_(gone)))
    is_told = exists().where(Delivery.webhook == Webhook.id)
    ended = select(Webhook.id).where(
        Webhook.state == WebhookState.ENDED, Webhook.changed_at < before, ~is_told
    )
    over = list(await session.scalars(ended.limit(PRUNED_AT_ONCE)))
    await session.execute(delete(Webhook).where(Webhook.id.in_(over)))
    return len(gone) + len(over)
