"""What a node distributed: months, members' amounts and balances, and later adjustments."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount, Instant
from federation.values.licence_key import LicenceKey
from federation.values.month import Month


class MemberAdjustment(Base):
    """An amount (of either sign) a member gets beside a run; the next distribution takes it in."""

    __tablename__ = "settlement_member_adjustment"
    __table_args__ = (
        CheckConstraint("amount <> '0'", name="amount"),
        Index("ix_settlement_member_adjustment_member_id", "member_id", "taken_in"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    document: Mapped[str] = mapped_column(String(160), index=True)  # the journal's entry
    member_id: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(String(16))  # CORRECTION RELEASE RETURNED RESERVE
    service_period: Mapped[Month] = mapped_column(String(7))
    corrects: Mapped[str | None] = mapped_column(String(64))  # the run it corrects or belongs to
    licence: Mapped[LicenceKey | None] = mapped_column(String(64))
    use: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(16))  # received domestic base tier
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    recorded_on: Mapped[date]
    taken_in: Mapped[str | None] = mapped_column(String(7))  # the month whose balance has it


class StatedCredit(Base):
    """What another node states of our members' claims, as a run was advised."""

    __tablename__ = "settlement_stated_credit"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(64), index=True)
    licence: Mapped[LicenceKey] = mapped_column(String(64))
    use: Mapped[str] = mapped_column(String(64))
    claim_id: Mapped[str] = mapped_column(String(64))
    weight: Mapped[int] = mapped_column(BigCount)
    units: Mapped[int] = mapped_column(BigCount)
    stated_by: Mapped[str] = mapped_column(String(12))


class NodeCorrection(Base):
    """What a node's month comes to after a correction; the last one is in force."""

    __tablename__ = "settlement_node_correction"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(64), unique=True)
    period: Mapped[Month] = mapped_column(String(7), index=True)
    corrects: Mapped[str] = mapped_column(String(64))
    received: Mapped[int] = mapped_column(BigCount)
    domestic: Mapped[int] = mapped_column(BigCount)
    admin_fee: Mapped[int] = mapped_column(BigCount)
    outstanding: Mapped[str] = mapped_column(Text)  # {reason: amount} of the plan's split, JSON
    left_net: Mapped[str] = mapped_column(Text)  # who left that month's net, with commas
    recorded_on: Mapped[date]


class DistributedRun(Base):
    """What one node did with one run: its own frozen inputs and the result."""

    __tablename__ = "settlement_distribution"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64))
    distribution_id: Mapped[str] = mapped_column(String(64))
    document: Mapped[bytes]  # the run, as received
    members: Mapped[str | None] = mapped_column(Text)  # [[member, entitled, works]] as JSON
    received: Mapped[int] = mapped_column(BigCount)
    domestic: Mapped[int] = mapped_column(BigCount)
    admin_fee: Mapped[int] = mapped_column(BigCount)
    outstanding: Mapped[str] = mapped_column(Text)  # {reason: what this period added} as JSON
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class MemberAmount(Base):
    """What a run attributes to a member, line by line: the answer to "where is this from"."""

    __tablename__ = "settlement_member_amount"
    __table_args__ = (Index("ix_settlement_member_amount_member_id", "member_id", "period"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    period: Mapped[Month] = mapped_column(String(7), index=True)
    member_id: Mapped[str] = mapped_column(String(128))
    licence: Mapped[LicenceKey | None] = mapped_column(String(64))
    use: Mapped[str | None] = mapped_column(String(64))
    units: Mapped[int] = mapped_column(BigCount)
    source: Mapped[str] = mapped_column(String(16))  # received domestic base tier
    part: Mapped[str] = mapped_column(String(16))  # received domestic
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))


class MemberBalance(Base):
    """Attributed and not yet payable, or payable: per member and period, appended.

    opening + attributed + adjusted = payable + outstanding; a debit is a negative outstanding.
    """

    __tablename__ = "settlement_member_balance"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    member_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    opening: Mapped[int] = mapped_column(BigCount)
    attributed: Mapped[int] = mapped_column(BigCount)
    adjusted: Mapped[int] = mapped_column(BigCount, server_default="0")
    payable: Mapped[int] = mapped_column(BigCount)
    outstanding: Mapped[int] = mapped_column(BigCount)
    reason: Mapped[str | None] = mapped_column(String(32))


class DisputedItem(Base):
    """What stays outstanding as DISPUTED, by address: one row for each run that holds some of it.

    `amount` is of either sign: a correction adds the difference. `contested` is the claim, as it is
    written, that several members held where `url_key` was used; "" where it is not known: of
    copies elsewhere (`url_key` is "" then), or where it was another one on other days. Never
    changed; what of it went to members is in `DisputedRelease`.
    """

    __tablename__ = "distribution_disputed_item"
    __table_args__ = (
        CheckConstraint("amount <> '0'", name="amount"),
        Index("ix_distribution_disputed_item_contested_digest", "contested_digest"),
        Index("ix_distribution_disputed_item_period", "period"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(64))
    period: Mapped[Month] = mapped_column(String(7))
    licence: Mapped[LicenceKey] = mapped_column(String(64))
    part: Mapped[str] = mapped_column(String(16))  # received domestic
    url_key: Mapped[str] = mapped_column(Text)
    contested: Mapped[str] = mapped_column(Text)
    contested_digest: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    held_since: Mapped[date]


class DisputedRelease(Base):
    """What a decided dispute gave a member of what was held for an address; appended.

    `held_item` is the first item of the address, month, licence and part, `up_to` the last one that
    was taken into account: what comes later is another release. Below 0 a correction took it back.
    """

    __tablename__ = "distribution_disputed_release"
    __table_args__ = (
        CheckConstraint("amount <> '0'", name="amount"),
        Index("ix_distribution_disputed_release_held_item", "held_item"),
        Index("ix_distribution_disputed_release_dispute", "dispute"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    held_item: Mapped[int] = mapped_column(ForeignKey("distribution_disputed_item.id"))
    up_to: Mapped[int] = mapped_column(ForeignKey("distribution_disputed_item.id"))
    dispute: Mapped[str] = mapped_column(String(24))
    member_id: Mapped[str] = mapped_column(String(128))
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    released_at: Mapped[datetime] = mapped_column(Instant)
    document: Mapped[str] = mapped_column(String(160))  # its entry in the journal
