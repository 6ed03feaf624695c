"""Disputes, their sides, and the documents that sides brought. What was decided is not changed."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant


class Dispute(Base):
    """A dispute over one claim that several parties hold: members of a node, nodes at the hub.

    `state` is OPENED, ASKED, NOTICE, ESCROW or DECIDED; while an outcome is proposed, `terms` are
    what was proposed (`outcomes.Terms` as JSON), `proposal` counts the proposals. `outcome` and
    `in_favour` are of the last one that was confirmed.
    """

    __tablename__ = "disputes_dispute"
    __table_args__ = (
        CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name="maker_is_not_checker"
        ),
        Index(
            "ix_disputes_dispute_open",
            "contested",
            unique=True,
            sqlite_where=text("state <> 'DECIDED'"),
            postgresql_where=text("state <> 'DECIDED'"),
        ),
        Index("ix_disputes_dispute_contested", "contested"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    contested: Mapped[int] = mapped_column(ForeignKey("registry_contested_claim.id"))
    state: Mapped[str] = mapped_column(String(12))
    opened_by: Mapped[str] = mapped_column(String(255))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text)
    proposal: Mapped[int] = mapped_column(server_default="0")
    terms: Mapped[str | None] = mapped_column(Text)
    proposed_by: Mapped[str | None] = mapped_column(String(255))
    proposed_at: Mapped[datetime | None] = mapped_column(Instant)
    proposed_because: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(String(12))
    agreed: Mapped[str | None] = mapped_column(Text)  # the terms that were confirmed
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_because: Mapped[str | None] = mapped_column(Text)


class DisputeSide(Base):
    """One of those who hold the claim: until when it is to bring documents, and what it agreed to.

    `consent` is the number of the proposal that it agreed to, `consent_reference` where that is
    written where an officer recorded it.
    """

    __tablename__ = "disputes_side"
    __table_args__ = (Index("ix_disputes_side_party", "party"),)
    dispute: Mapped[int] = mapped_column(ForeignKey("disputes_dispute.id"), primary_key=True)
    party: Mapped[str] = mapped_column(String(128), primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(Instant)
    asked_at: Mapped[datetime | None] = mapped_column(Instant)
    noticed_at: Mapped[datetime | None] = mapped_column(Instant)
    due_on: Mapped[date | None]
    consent: Mapped[int | None]
    consent_by: Mapped[str | None] = mapped_column(String(255))
    consent_at: Mapped[datetime | None] = mapped_column(Instant)
    consent_reference: Mapped[str | None] = mapped_column(Text)


class DisputeDocument(Base):
    """What a side brought, as it describes it; the paper itself stays with the collective."""

    __tablename__ = "disputes_document"
    __table_args__ = (Index("ix_disputes_document_dispute", "dispute"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    dispute: Mapped[int] = mapped_column(ForeignKey("disputes_dispute.id"))
    party: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(24))
    reference: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    term_from: Mapped[date]
    term_to: Mapped[date | None]
    territory: Mapped[str] = mapped_column(Text)
    signed_on: Mapped[date]
    recorded_by: Mapped[str] = mapped_column(String(255))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
