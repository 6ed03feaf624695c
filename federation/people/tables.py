"""The audit log, and every version of every person of the directory."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant

SUBJECT_LENGTH_MAX = 200
NAME_LENGTH_MAX = 200


class AuditAct(Base):
    """What somebody did to something; never changed (`people/chain.py` says how they are chained).

    The database refuses UPDATE and DELETE.
    """

    __tablename__ = "people_act"
    __table_args__ = (
        Index("ix_people_act_previous", "previous", unique=True),  # no fork
        Index("ix_people_act_hash", "hash", unique=True),
        Index("ix_people_act_subject", "subject", "number"),
        Index("ix_people_act_act", "act", "number"),
    )
    # Given out by whoever writes, one after the other and without a gap.
    number: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)  # business time
    actor: Mapped[str] = mapped_column(String(255))
    act: Mapped[str] = mapped_column(String(40))  # a word of `audit.Act`
    subject: Mapped[str] = mapped_column(String(255))  # what it was done to
    detail: Mapped[str] = mapped_column(Text)  # {name: text}, RFC 8785
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class PersonVersion(Base):
    """What one person is from an instant on; the next version in force ends it.

    Until another person confirms it, it is a proposal: `valid_from` is null. A version without
    roles says that the person has left. `small` and `capital` are what the subject looks like
    (`values/identity.py`): nobody else may look the same.
    """

    __tablename__ = "people_person"
    __table_args__ = (
        UniqueConstraint("subject", "version"),
        Index("ix_people_person_small", "small"),
        Index("ix_people_person_capital", "capital"),
        CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by", name="maker_is_not_checker"
        ),
        CheckConstraint(
            "valid_from IS NULL OR confirmed_by IS NOT NULL OR proposed_by = 'bootstrap'",
            name="two_people",
        ),
        CheckConstraint("withdrawn_by IS NULL OR valid_from IS NULL", name="one_end"),
        CheckConstraint("valid_to IS NULL OR valid_from IS NOT NULL", name="ends_after_start"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH_MAX))
    small: Mapped[str] = mapped_column(Text)
    capital: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH_MAX))
    roles: Mapped[str] = mapped_column(Text)  # a list of words of `values.roles.Role`, RFC 8785
    party: Mapped[str | None] = mapped_column(Text)  # the lab, member or node it stands for
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(255))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(255))
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    valid_from: Mapped[datetime | None] = mapped_column(Instant)
    valid_to: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def state(self) -> str:
        """Return PROPOSED, IN_FORCE, ENDED or WITHDRAWN, as `store.STATES` asks for it."""
        if self.withdrawn_by is not None:
            return "WITHDRAWN"
        if self.valid_from is None:
            return "PROPOSED"
        return "IN_FORCE" if self.valid_to is None else "ENDED"
