"""Webhooks and what each is told: one row for an event and a webhook, kept for a month."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant

URL_LENGTH_MAX = 500


class WebhookState(StrEnum):
    """Where a webhook stands: it is told, waits for somebody, or is over for good."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDED = "ENDED"


class DeliveryState(StrEnum):
    """What became of an event for a webhook."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    DROPPED = "DROPPED"


class Webhook(Base):
    """Where a party, or the staff of one role (`party` NULL), wants to be told of which events.

    It goes by the standing of `kept_by`, who set it up or took it over last. `secret` and the one
    before it, which signs as well until `former_until`, are encrypted. `why` says why it is not
    active. `missed` events were not kept for it, since too many waited.
    """

    __tablename__ = "webhooks_webhook"
    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    role: Mapped[str] = mapped_column(String(32))
    party: Mapped[str | None] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(String(URL_LENGTH_MAX))
    types: Mapped[str] = mapped_column(Text)  # words of EventType, JSON
    state: Mapped[str] = mapped_column(String(8), index=True)
    why: Mapped[str | None] = mapped_column(String(200))
    kept_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    asked_at: Mapped[datetime | None] = mapped_column(Instant)  # the last ping or replay
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    missed: Mapped[int] = mapped_column(server_default="0")
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    former: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_until: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (Index(None, "role", "party"),)


class Delivery(Base):
    """An event for a webhook. `event` is its `webhook-id`, the same for everybody that is told.

    An attempt counts from when it begins; `next_at` is then the instant from which another may,
    should what came of it never be written down.
    """

    __tablename__ = "webhooks_delivery"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    webhook: Mapped[str] = mapped_column(ForeignKey("webhooks_webhook.id"))
    event: Mapped[str] = mapped_column(String(40))
    type: Mapped[str] = mapped_column(String(32))
    data: Mapped[str] = mapped_column(Text)  # ids and codes, JSON
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(server_default="0")
    tried_at: Mapped[datetime | None] = mapped_column(Instant)
    next_at: Mapped[datetime | None] = mapped_column(Instant)
    status: Mapped[int | None]  # of the last answer
    error: Mapped[str | None] = mapped_column(String(200))
    __table_args__ = (
        UniqueConstraint("webhook", "event"),
        Index(None, "webhook", "id"),
        Index(None, "webhook", "state", "next_at"),
    )
