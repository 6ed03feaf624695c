"""What a month waits for: reports declared missing, and what nodes say to runs."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import Base, Instant
from federation.values.month import Month


class MissingReport(Base):
    """A node's report that two people declared missing: the month goes on without it."""

    __tablename__ = "settlement_missing_report"
    __table_args__ = (
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> declared_by", name="two_people"),
    )
    period: Mapped[Month] = mapped_column(String(7), primary_key=True)
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    declared_by: Mapped[str] = mapped_column(String(255))
    declared_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(255))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)


class Response(Base):
    """What a node says to an advised run: it concurs or objects; silence concurs in time."""

    __tablename__ = "settlement_response"
    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    answer: Mapped[str] = mapped_column(String(12))  # CONCURRED OBJECTED
    reason: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(Instant)
    settled_by: Mapped[str | None] = mapped_column(String(255))  # who answered an objection
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str | None] = mapped_column(Text)
