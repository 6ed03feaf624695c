"""What corrections and releases change for members and nodes; rows are added, never edited."""

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount


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
    service_period: Mapped[str] = mapped_column(String(7))
    corrects: Mapped[str | None] = mapped_column(String(64))  # the run it corrects or belongs to
    licence: Mapped[str | None] = mapped_column(String(64))
    use: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(16))  # received domestic base tier
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    recorded_on: Mapped[date]
    taken_in: Mapped[str | None] = mapped_column(String(7))  # the month whose balance has it


class NodeCorrection(Base):
    """What a node's month comes to after a correction; the last one is in force."""

    __tablename__ = "settlement_node_correction"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(64), unique=True)
    period: Mapped[str] = mapped_column(String(7), index=True)
    corrects: Mapped[str] = mapped_column(String(64))
    received: Mapped[int] = mapped_column(BigCount)
    domestic: Mapped[int] = mapped_column(BigCount)
    admin_fee: Mapped[int] = mapped_column(BigCount)
    outstanding: Mapped[str] = mapped_column(Text)  # {reason: amount} of the plan's split, JSON
    left_net: Mapped[str] = mapped_column(Text)  # who left that month's net, with commas
    recorded_on: Mapped[date]


class SetOff(Base):
    """A node's debit from a correction, and its use against later credits (SETTLEMENT §7c).

    `amount` is in the node's settlement currency, `cleared` the same in clearing currency; both
    are negative where the node owes, positive where a credit took some of it up.
    """

    __tablename__ = "settlement_set_off"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12), index=True)
    document: Mapped[str] = mapped_column(String(160))
    period: Mapped[str] = mapped_column(String(7))  # the month in which it was entered
    amount: Mapped[int] = mapped_column(BigCount)
    cleared: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    of: Mapped[int | None]  # the debit that is taken up
    recorded_on: Mapped[date]
