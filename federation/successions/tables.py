"""Successions, and the shares of successors."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant


class Succession(Base):
    """What says who stands in the place of a member or a rightholder from a UTC day on.

    A row says the same for ever, and so do its shares. Known from `recorded_at` to before
    `superseded_at`; of a predecessor one is known at a time. `papers` are the documents that prove
    it, as JSON (`values.papers`).
    """

    __tablename__ = "successions_succession"
    __table_args__ = (
        Index(
            "uq_successions_succession_known",
            "kind",
            "predecessor",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index("ix_successions_succession_predecessor", "predecessor"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(12))  # MEMBER RIGHTHOLDER
    predecessor: Mapped[str] = mapped_column(String(128))
    starts_on: Mapped[date]
    ground: Mapped[str] = mapped_column(Text)
    declared_by: Mapped[str] = mapped_column(Text)
    capacity: Mapped[str] = mapped_column(Text)
    papers: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    superseded_at: Mapped[datetime | None] = mapped_column(Instant)


class SuccessionShare(Base):
    """The part of a successor, a member, in 1/10,000; those of a succession are 10,000."""

    __tablename__ = "successions_share"
    __table_args__ = (
        CheckConstraint("share_bps BETWEEN 1 AND 10000", name="share_bps"),
        Index("ix_successions_share_successor", "successor"),
    )
    succession: Mapped[int] = mapped_column(
        ForeignKey("successions_succession.id"), primary_key=True
    )
    successor: Mapped[str] = mapped_column(
        ForeignKey("registry_member.member_id"), primary_key=True
    )
    share_bps: Mapped[int]
