"""Settled months: published rates, runs, what a month left to later ones and holds."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, BigCount, Instant
from federation.values.licence_key import LicenceKey
from federation.values.month import Month


class Rate(Base):
    """The published price of one unit of the clearing currency, as the published text."""

    __tablename__ = "settlement_rate"
    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    rate: Mapped[str] = mapped_column(String(40))
    recorded_by: Mapped[str] = mapped_column(String(255))


class Run(Base):
    """The settlement of one month: draft, calculated, advised, approved or withdrawn."""

    __tablename__ = "settlement_run"
    __table_args__ = (
        CheckConstraint(
            "approved_by IS NULL OR approved_by <> calculated_by", name="maker_is_not_checker"
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(64), index=True)
    period: Mapped[Month] = mapped_column(String(7), index=True)
    state: Mapped[str] = mapped_column(String(12))  # CALCULATED ADVISED APPROVED WITHDRAWN
    document: Mapped[bytes]
    warnings: Mapped[str] = mapped_column(Text)
    calculated_by: Mapped[str] = mapped_column(String(255))
    calculated_at: Mapped[datetime] = mapped_column(Instant)
    approved_by: Mapped[str | None] = mapped_column(String(255))
    approved_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str | None] = mapped_column(Text)
    corrects: Mapped[str | None] = mapped_column(String(64))  # the run whose result it replaces
    posted_in: Mapped[Month | None] = mapped_column(String(7))  # the open month of a correction
    objections_until: Mapped[datetime | None] = mapped_column(Instant)


class LockedPeriod(Base):
    """A settled month: one approved run, for ever."""

    __tablename__ = "settlement_locked_period"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64))


class Standing(Base):
    """What a settled month leaves to the next ones, per licence key."""

    __tablename__ = "settlement_standing"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    licence: Mapped[LicenceKey] = mapped_column(String(64), primary_key=True)
    recognised: Mapped[int] = mapped_column(BigCount)
    carried_forward: Mapped[int] = mapped_column(BigCount)


class OwnWeight(Base):
    """The weight of a month's own lines per licence key and party (not the fallback's)."""

    __tablename__ = "settlement_own_weight"
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    licence: Mapped[LicenceKey] = mapped_column(String(64), primary_key=True)
    party: Mapped[str] = mapped_column(String(12), primary_key=True)
    weight: Mapped[int] = mapped_column(BigCount)


class HeldItem(Base):
    """A part of a licensor's `~` share, itemised by URL: what a late claim may be paid from."""

    __tablename__ = "settlement_held_item"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String(64), index=True)
    licence: Mapped[LicenceKey] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(16))
    url_key: Mapped[str] = mapped_column(Text)
    weight: Mapped[int] = mapped_column(BigCount)
    amount: Mapped[int] = mapped_column(BigCount)
    currency: Mapped[str] = mapped_column(String(3))
    held_since: Mapped[date]
