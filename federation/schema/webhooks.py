"""Webhooks in GraphQL: who is told of which events where, and what became of each."""

from datetime import datetime
from typing import Annotated

import strawberry

from federation.errors import RefusalError
from federation.schema.context import Change, Info, Refused, change
from federation.schema.ids import row_number
from federation.schema.pages import Connection
from federation.trust.key_secret import get_secret
from federation.values.cursors import cursor_of, key_of, page_size
from federation.values.event import EventType
from federation.values.roles import Role
from federation.webhooks import service, store
from federation.webhooks import tables as rows
from federation.webhooks.audience import MAY_KEEP_WEBHOOKS
from federation.webhooks.service import Act
from federation.webhooks.tables import DeliveryState, WebhookState
from federation.webhooks.targets import require_target

_LIST, _DELIVERIES = "webhooks", "webhookDeliveries"


@strawberry.type(description="Where somebody is told of events over HTTP, and of which.")
class Webhook:
    """A webhook without its secret; what `why` says was decided by the server."""

    id: strawberry.ID
    role: Role
    party: str | None
    url: str
    types: list[EventType]
    state: WebhookState
    why: str | None
    kept_by: str
    made_at: datetime
    changed_at: datetime
    failing_since: datetime | None
    missed: int
    former_secret_until: datetime | None

    @classmethod
    def of(cls, row: rows.Webhook) -> "Webhook":
        """Show a row."""
        return cls(
            id=strawberry.ID(row.id),
            role=Role(row.role),
            party=row.party,
            url=row.url,
            types=service.types_of(row),
            state=WebhookState(row.state),
            why=row.why,
            kept_by=row.kept_by,
            made_at=row.made_at,
            changed_at=row.changed_at,
            failing_since=row.failing_since,
            missed=row.missed,
            former_secret_until=row.former_until,
        )


@strawberry.type(description="A webhook with its new secret, which is shown this once.")
class GivenWebhook:
    """`secret` is null where the same request was answered before."""

    webhook: Webhook
    secret: str | None


@strawberry.type(description="An event for a webhook, and what became of it.")
class WebhookDelivery:
    """A row of the delivery log; `data` is what its payload says, as JSON."""

    id: strawberry.ID
    event: str
    type: EventType
    at: datetime
    data: str
    state: DeliveryState
    attempts: int
    tried_at: datetime | None
    next_at: datetime | None
    status: int | None
    error: str | None

    @classmethod
    def of(cls, row: rows.Delivery) -> "WebhookDelivery":
        """Show a row."""
        return cls(
            id=strawberry.ID(str(row.id)),
            event=row.event,
            type=EventType(row.type),
            at=row.at,
            data=row.data,
            state=DeliveryState(row.state),
            attempts=row.attempts,
            tried_at=row.tried_at,
            next_at=row.next_at,
            status=row.status,
            error=row.error,
        )


@strawberry.type(description="How many events are delivered to a webhook again.")
class WebhookReplay:
    """What a replay came to."""

    webhook: strawberry.ID
    events: int


WebhookResult = Annotated[Webhook | Refused, strawberry.union("WebhookResult")]
GivenWebhookResult = Annotated[GivenWebhook | Refused, strawberry.union("GivenWebhookResult")]
WebhookDeliveryResult = Annotated[
    WebhookDelivery | Refused, strawberry.union("WebhookDeliveryResult")
]
WebhookReplayResult = Annotated[WebhookReplay | Refused, strawberry.union("WebhookReplayResult")]


@strawberry.type
class WebhookQuery:
    """Who is told of what, and whether it arrived."""

    @strawberry.field(description="Webhooks by id: one's party's, or the staff's of one's role.")
    async def webhooks(
        self, info: Info, first: int = 100, after: str | None = None
    ) -> Connection[Webhook]:
        """List one's own; an auditor all. A page has 1 to 100 entries (BAD_PAGE, BAD_CURSOR)."""
        owner = service.readable(info.context.require(Role.AUDITOR, *MAY_KEEP_WEBHOOKS))
        size, key = page_size(first), key_of(_LIST, after, tuple[str])
        async with info.context.server.db.read() as session:
            found = await store.webhooks(
                session, owner=owner, after=key[0] if key else "", limit=size + 1
            )
        return Connection.of(found, size, lambda row: cursor_of(_LIST, (row.id,)), Webhook.of)

    @strawberry.field(description="What a webhook was told in the last 30 days, the newest first.")
    async def webhook_deliveries(
        self, info: Info, webhook: strawberry.ID, first: int = 100, after: str | None = None
    ) -> Connection[WebhookDelivery]:
        """List the deliveries of one's own webhook (UNKNOWN_WEBHOOK, BAD_PAGE, BAD_CURSOR)."""
        who = info.context.require(Role.AUDITOR, *MAY_KEEP_WEBHOOKS)
        size, key = page_size(first), key_of(_DELIVERIES, after, tuple[int])
        async with info.context.server.db.read() as session:
            row = await service.webhook_for(session, webhook, who)
            found = await store.deliveries(
                session, row.id, before=key[0] if key else None, limit=size + 1
            )
        return Connection.of(
            found, size, lambda each: cursor_of(_DELIVERIES, (each.id,)), WebhookDelivery.of
        )


@strawberry.type
class WebhookMutation:
    """Acts on webhooks, each of a party on its own."""

    @strawberry.mutation(description="Have events told at a URL; its secret is shown once.")
    async def subscribe_webhook(
        self, info: Info, url: str, types: list[EventType], key: str
    ) -> GivenWebhookResult:
        """Make a webhook (BAD_WEBHOOK_URL, ADDRESS_REFUSED, BAD_WEBHOOK, TOO_MANY_WEBHOOKS)."""

        async def act(at: Change) -> GivenWebhook:
            return _given(await service.subscribe(_act(at), url, types, key=key))

        if refused := await _refused_target(info, url):
            return refused
        return await change(info, "webhook.subscribe", MAY_KEEP_WEBHOOKS, act)

    @strawberry.mutation(description="Tell a webhook at another URL, or of other events.")
    async def change_webhook(
        self, info: Info, webhook: strawberry.ID, url: str, types: list[EventType]
    ) -> WebhookResult:
        """Change it (UNKNOWN_WEBHOOK, WEBHOOK_STATE, and what `subscribeWebhook` refuses)."""

        async def act(at: Change) -> Webhook:
            return Webhook.of(await service.change(_act(at), webhook, url, types))

        if refused := await _refused_target(info, url):
            return refused
        return await change(info, "webhook.change", MAY_KEEP_WEBHOOKS, act)

    @strawberry.mutation(description="Tell a webhook nothing until it is resumed.")
    async def pause_webhook(self, info: Info, webhook: strawberry.ID) -> WebhookResult:
        """Pause it; what happens meanwhile waits (UNKNOWN_WEBHOOK, WEBHOOK_STATE)."""

        async def act(at: Change) -> Webhook:
            return Webhook.of(await service.pause(_act(at), webhook))

        return await change(info, "webhook.pause", MAY_KEEP_WEBHOOKS, act)

    @strawberry.mutation(description="Go on with a paused webhook; what waits is delivered.")
    async def resume_webhook(self, info: Info, webhook: strawberry.ID) -> WebhookResult:
        """Resume it, and keep it from now on (UNKNOWN_WEBHOOK, WEBHOOK_STATE)."""

        async def act(at: Change) -> Webhook:
            return Webhook.of(await service.resume(_act(at), webhook))

        return await change(info, "webhook.resume", MAY_KEEP_WEBHOOKS, act)

    @strawberry.mutation(description="End a webhook for good, with what waits for it.")
    async def end_webhook(self, info: Info, webhook: strawberry.ID) -> WebhookResult:
        """End it; the same again changes nothing (UNKNOWN_WEBHOOK)."""

        async def act(at: Change) -> Webhook:
            return Webhook.of(await service.end(_act(at), webhook))

        return await change(info, "webhook.end", MAY_KEEP_WEBHOOKS, act)

    @strawberry.mutation(description="Give a webhook a new secret; both sign for 24 hours.")
    async def rotate_webhook_secret(self, info: Info, webhook: strawberry.ID) -> GivenWebhookResult:
        """Rotate it; the new one is shown once (UNKNOWN_WEBHOOK, WEBHOOK_STATE)."""

        async def act(at: Change) -> GivenWebhook:
            return _given(await service.rotate(_act(at), webhook))

        return await change(info, "webhook.rotate", MAY_KEEP_WEBHOOKS, act)

    @strawberry.mutation(description="Send a webhook a PING, to see whether it arrives.")
    async def ping_webhook(self, info: Info, webhook: strawberry.ID) -> WebhookDeliveryResult:
        """Send one, once in ten seconds (UNKNOWN_WEBHOOK, WEBHOOK_STATE, ASKED_TOO_SOON)."""

        async def act(at: Change) -> WebhookDelivery:
            return WebhookDelivery.of(await service.ping(_act(at), webhook))

        return await change(info, "webhook.ping", MAY_KEEP_WEBHOOKS, act)

    @strawberry.mutation(description="Deliver one event again, with the same id.")
    async def replay_webhook_delivery(
        self, info: Info, delivery: strawberry.ID
    ) -> WebhookDeliveryResult:
        """Replay it, once in ten seconds (UNKNOWN_WEBHOOK, WEBHOOK_STATE, ASKED_TOO_SOON)."""

        async def act(at: Change) -> WebhookDelivery:
            number = row_number(delivery) or 0  # 0 is nobody's
            return WebhookDelivery.of(await service.replay(_act(at), number))

        return await change(info, "webhook.replay", MAY_KEEP_WEBHOOKS, act)

    @strawberry.mutation(description="Deliver every event since an instant again.")
    async def replay_webhook(
        self, info: Info, webhook: strawberry.ID, since: datetime
    ) -> WebhookReplayResult:
        """Replay what is kept, 30 days (UNKNOWN_WEBHOOK, WEBHOOK_STATE, ASKED_TOO_SOON)."""

        async def act(at: Change) -> WebhookReplay:
            count = await service.replay_since(_act(at), webhook, since)
            return WebhookReplay(webhook=webhook, events=count)

        return await change(info, "webhook.replay_since", MAY_KEEP_WEBHOOKS, act)


def _act(at: Change) -> Act:
    return Act(at.session, at.who, at.now, get_secret(at.server.config))


def _given(given: service.Given) -> GivenWebhook:
    return GivenWebhook(webhook=Webhook.of(given.webhook), secret=given.secret)


async def _refused_target(info: Info, url: str) -> Refused | None:
    """Look where a URL leads once it is known who asks, and before a transaction waits for that."""
    try:
        service.require_keeper(info.context.require(*MAY_KEEP_WEBHOOKS))
        require_target(url)
        info.context.server.quotas.take(info.context.asker, "webhooks")
        await info.context.server.require_target(url)
    except RefusalError as refusal:
        return Refused.of(refusal)
    return None
