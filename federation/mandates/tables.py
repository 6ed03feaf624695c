"""Consent records: what somebody declared of a subject and a use; which shares the hub knows."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant

OF_RIGHTHOLDERS = "subject_kind = 'RIGHTHOLDER' AND superseded_at IS NULL"
_SAYS_YES = "'OPTED_IN', 'MANDATED', 'EXTENDED'"


class ConsentRecord(Base):
    """What is said of a subject and a use (`*`: all), from an instant to before another.

    `subject` is an id, or an address as it is matched; of a claim the id under which it was first
    registered. `member` is whom it is about, where that is known. `territories` are ISO 3166 codes
    with a blank between them, none is everywhere. `share_bps` is the part of the right of who says
    it, `declared_by`, in a `capacity` and on a `basis`. Known from `recorded_at` to before
    `superseded_at`; nothing else of a row ever changes.
    """

    __tablename__ = "mandates_record"
    __table_args__ = (
        Index("ix_mandates_record_subject", "subject", "subject_kind"),
        Index("ix_mandates_record_member", "member", "id"),
        Index(
            "ix_mandates_record_rightholder",
            "subject",
            sqlite_where=text(OF_RIGHTHOLDERS),
            postgresql_where=text(OF_RIGHTHOLDERS),
        ),
        CheckConstraint(
            f"state IN ({_SAYS_YES}, 'WITHHELD', 'RESERVED_EX_ANTE', 'WITHDRAWN')", name="state"
        ),
        CheckConstraint(
            "subject_kind IN ('WORK', 'CLAIM', 'ADDRESS', 'MEMBER', 'RIGHTHOLDER')",
            name="subject_kind",
        ),
        CheckConstraint(
            f"share_bps IS NULL OR (share_bps BETWEEN 0 AND 10000 AND state IN ({_SAYS_YES}))",
            name="share_bps",
        ),
        CheckConstraint("exclusive = false OR state = 'MANDATED'", name="exclusive"),
        CheckConstraint("ends_at IS NULL OR ends_at > effective_at", name="ends_at"),
        CheckConstraint(
            "superseded_at IS NULL OR superseded_at >= recorded_at", name="superseded_at"
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    subject_kind: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str] = mapped_column(Text)
    member: Mapped[str | None] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(24))
    use: Mapped[str] = mapped_column(String(64))
    right: Mapped[str] = mapped_column(String(24))
    territories: Mapped[str] = mapped_column(Text)
    exclusive: Mapped[bool]
    share_bps: Mapped[int | None]
    effective_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    basis: Mapped[str] = mapped_column(String(24))
    basis_reference: Mapped[str | None] = mapped_column(Text)
    declared_by: Mapped[str] = mapped_column(Text)
    capacity: Mapped[str] = mapped_column(String(24))
    evidence: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    superseded_at: Mapped[datetime | None] = mapped_column(Instant)
    replaces: Mapped[int | None] = mapped_column(BigInteger)


class ToldShare(Base):
    """A share of a record at a place that the hub was told, also once it `is_withdrawn`.

    `share_id` follows from the record, the place and the time; `place` is the digest of a place.
    """

    __tablename__ = "mandates_told_share"
    __table_args__ = (
        Index("ix_mandates_told_share_record", "record"),
        Index("ix_mandates_told_share_place", "place"),
    )
    share_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    record: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[str] = mapped_column(String(64))
    is_withdrawn: Mapped[bool]
