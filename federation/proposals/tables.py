"""What somebody proposed to do, and what became of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant


class Proposal(Base):
    """An act that waits for another person, until it is decided or its time is over.

    `act` is the act as JSON (`acts.Act`), `kind` its tag; `member` is whom it is about, None where
    it is about no member; `asked_by` the member for which it was asked, where one did: it, or who
    stands in its place. `outcome` is CONFIRMED, REFUSED or WITHDRAWN once it is decided.
    """

    __tablename__ = "proposals_proposal"
    __table_args__ = (
        CheckConstraint(
            "(outcome IS NULL) = (decided_by IS NULL) AND (outcome IS NULL) = (decided_at IS NULL)",
            name="decided_whole",
        ),
        CheckConstraint(
            "outcome IS NULL OR outcome <> 'CONFIRMED' OR decided_by <> proposed_by",
            name="maker_is_not_checker",
        ),
        Index(
            "ix_proposals_proposal_waiting",
            "id",
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("ix_proposals_proposal_member", "member"),
        Index("ix_proposals_proposal_asked_by", "asked_by"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    member: Mapped[str | None] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(40))
    act: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(255))
    by_member: Mapped[bool]  # a member asks, and has no office here
    asked_by: Mapped[str | None] = mapped_column(String(128))  # before it was kept: `member`
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    outcome: Mapped[str | None] = mapped_column(String(12))
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_because: Mapped[str | None] = mapped_column(Text)
