"""What is listed, claimed and released of held money. Held items themselves are never changed."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount, Instant
from federation.values.licence_key import LicenceKey
from federation.values.month import Month


class HeldListing(Base):
    """At a node: an address `holder` holds money for; how much in a band, for whom used is unsaid.

    `closed_on` is when nothing was left to claim.
    """

    __tablename__ = "settlement_held_listing"
    __table_args__ = (Index("ix_settlement_held_listing_url_digest", "url_digest", "period"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    period: Mapped[Month] = mapped_column(String(7), index=True)
    holder: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(24))
    url_key: Mapped[str] = mapped_column(Text)
    url_digest: Mapped[str] = mapped_column(String(64))  # an address may be too long for an index
    amount_band: Mapped[str] = mapped_column(String(24))
    held_since: Mapped[date]
    closed_on: Mapped[date | None]


class HeldClaim(Base):
    """A claim on held money: filed at a node, decided at the hub by another person.

    At the hub `member_id` is empty: whose claim it is stays at home. At a licensor that was ordered
    to release what it holds, another's claim is kept without member and evidence.
    """

    __tablename__ = "settlement_held_claim"
    __table_args__ = (
        CheckConstraint(
            "decided_by IS NULL OR decided_by <> filed_by", name="maker_is_not_checker"
        ),
        Index("ix_settlement_held_claim_url_digest", "url_digest"),
    )
    id: Mapped[str] = mapped_column(String(24), primary_key=True)  # HC-<node>-000001
    node: Mapped[str] = mapped_column(String(12))
    url_key: Mapped[str] = mapped_column(Text)
    url_digest: Mapped[str] = mapped_column(String(64))
    claim_id: Mapped[str] = mapped_column(String(64))
    member_id: Mapped[str | None] = mapped_column(String(128))
    evidence: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), index=True)  # FILED ACCEPTED REFUSED
    filed_by: Mapped[str] = mapped_column(String(255))
    filed_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decision: Mapped[str | None] = mapped_column(Text)


class Release(Base):
    """A part of a held item that went to whom it belongs; appended, never changed."""

    __tablename__ = "settlement_release"
    __table_args__ = (
        CheckConstraint("amount NOT LIKE '-%' AND amount <> '0'", name="amount"),
        Index("ix_settlement_release_held_item", "held_item"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    held_item: Mapped[int] = mapped_column(ForeignKey("settlement_held_item.id"))
    held_claim: Mapped[str | None] = mapped_column(ForeignKey("settlement_held_claim.id"))
    to_party: Mapped[str] = mapped_column(String(12))
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    released_at: Mapped[datetime] = mapped_column(Instant)
    document: Mapped[str] = mapped_column(String(160))  # its entry in the journal


class HeldElsewhere(Base):
    """At the hub: what a licensor holds for an address in one of its own licences, by month.

    `amount` (minor units, releases not taken off) follows from the run in force. `stated` is what
    the licensor said, for which it is listed; it may be claimed where the two are the same.
    `run_id` is the first run that held it.
    """

    __tablename__ = "settlement_held_elsewhere"
    __table_args__ = (
        UniqueConstraint("period", "licence", "reason", "url_digest"),
        CheckConstraint("amount NOT LIKE '-%'", name="amount"),
        Index("ix_settlement_held_elsewhere_url_digest", "url_digest"),
        Index("ix_settlement_held_elsewhere_licensor", "licensor", "period"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    period: Mapped[Month] = mapped_column(String(7))
    licensor: Mapped[str] = mapped_column(String(12))
    licence: Mapped[LicenceKey] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(16))
    url_key: Mapped[str] = mapped_column(Text)
    url_digest: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int] = mapped_column(BigCount)
    stated: Mapped[int | None] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    held_since: Mapped[date]


class ReleaseOrder(Base):
    """At the hub: a licensor was told to release what an accepted claim covers.

    `told` is what the claimant hears when it is done: the messages, as JSON; of a licensor that
    releases to its own member, none. `ended_at` is when the licensor said that it does not.
    """

    __tablename__ = "settlement_release_order"
    __table_args__ = (
        UniqueConstraint("held_claim", "licensor"),
        CheckConstraint("done_at IS NULL OR ended_at IS NULL", name="done_or_ended"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    held_claim: Mapped[str] = mapped_column(ForeignKey("settlement_held_claim.id"))
    licensor: Mapped[str] = mapped_column(String(12))
    told: Mapped[str] = mapped_column(Text)
    ordered_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_because: Mapped[str | None] = mapped_column(Text)


class OrderedRelease(Base):
    """At the hub: a part of what a licensor holds that it was told to release; never changed."""

    __tablename__ = "settlement_ordered_release"
    __table_args__ = (
        CheckConstraint("amount NOT LIKE '-%' AND amount <> '0'", name="amount"),
        Index("ix_settlement_ordered_release_held_elsewhere", "held_elsewhere"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    release_order: Mapped[int] = mapped_column(ForeignKey("settlement_release_order.id"))
    held_elsewhere: Mapped[int] = mapped_column(ForeignKey("settlement_held_elsewhere.id"))
    amount: Mapped[int] = mapped_column(BigCount)
