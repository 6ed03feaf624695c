"""Statements of the provenance and authenticity of works."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant


class ProvenanceStatement(Base):
    """Who authenticated what of a work, when, and on what ground; it says the same for ever.

    It holds from `authenticated_at` on and is known from `recorded_at` on. It stands until it is
    withdrawn, once: it no longer holds from `withdrawn_at` on, which is known from
    `withdrawal_recorded_at` on. `papers` are its evidence, as JSON (`values.papers`).
    """

    __tablename__ = "provenance_statement"
    __table_args__ = (
        Index("ix_provenance_statement_work", "work", "id"),
        CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawal_recorded_at IS NULL)"
            " AND (withdrawn_at IS NULL) = (withdrawn_by IS NULL)"
            " AND (withdrawn_at IS NULL) = (withdrawn_because IS NULL)",
            name="withdrawn_whole",
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    work: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))  # PROVENANCE AUTHENTICITY
    statement: Mapped[str] = mapped_column(Text)
    authenticated_by: Mapped[str] = mapped_column(Text)
    authenticated_at: Mapped[datetime] = mapped_column(Instant)
    ground: Mapped[str] = mapped_column(Text)
    papers: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawal_recorded_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))
    withdrawn_because: Mapped[str | None] = mapped_column(Text)
