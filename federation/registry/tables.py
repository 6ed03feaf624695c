"""Members, their claims and opt-outs at a node."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from federation.claimindex.tables import ClaimRow, RulingRow, Superseded, places_of
from federation.history.tables import Versioned
from federation.store.base import AutoId, Base, Instant


class Member(Base):
    """A rightholder admitted by this collective, as is known of it now.

    What was so on which day, and as it was known when, is in its versions (`MemberVersion`).
    """

    __tablename__ = "registry_member"
    member_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(String(2))
    joined_on: Mapped[date]
    left_on: Mapped[date | None]
    suspended_on: Mapped[date | None]
    account: Mapped[str | None] = mapped_column(String(64))
    account_scheme: Mapped[str] = mapped_column(String(8))
    bic: Mapped[str | None] = mapped_column(String(11))
    clearing_id: Mapped[str | None] = mapped_column(String(34))  # system/member: GBDSC/040004
    account_set_by: Mapped[str | None] = mapped_column(String(255))  # None as imported
    account_set_at: Mapped[datetime | None] = mapped_column(Instant)


class MemberVersion(Versioned, Base):
    """What is said of a member over a period, from the day it joined on: a `Membership`."""

    __tablename__ = "registry_member_version"


class Claim(ClaimRow, Superseded):
    """A member's claim on a URL and what lies below it, or on a host with its subdomains.

    A row says the same for ever: a change adds another one, with an id of its own, which `replaces`
    this one. Known from `recorded_at` (1970 where it was known before that was kept) to before
    `superseded_at`; `joined_on`, set with it, is the day from which its member was known then to
    have joined.
    """

    __tablename__ = "registry_claim"
    __table_args__ = (
        places_of("registry_claim"),
        Index(
            "ix_registry_claim_replaces",
            "replaces",
            sqlite_where=text("replaces IS NOT NULL"),
            postgresql_where=text("replaces IS NOT NULL"),
        ),
        CheckConstraint("owner_bps BETWEEN 0 AND 10000", name="owner_bps"),
        CheckConstraint("works >= 0", name="works"),
    )
    claim_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("registry_member.member_id"), index=True)
    content_tier: Mapped[str] = mapped_column(String(64))
    works: Mapped[int]
    canonical: Mapped[str | None] = mapped_column(Text)
    owner_bps: Mapped[int | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    rules: Mapped[str] = mapped_column(String(8))  # version of the rules it was read by
    ended_because: Mapped[str | None] = mapped_column(Text)  # a later version refuses it
    recorded_by: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(Text)
    replaces: Mapped[str | None] = mapped_column(String(64))
    joined_on: Mapped[date | None]


class OptOut(RulingRow, Superseded):
    """A withheld work or member: from `effective_at` on, for one use or all (`*`).

    It may have an end (`ends_at`, exclusive). A row says the same for ever, as one of a claim.
    `state` is a `consent.State`: what consent records and published sources say stands here too,
    as the rulings that follow from them. `source` and `since` are as in `consent.Ruling`, `record`
    is the consent record that a ruling follows from.
    """

    __tablename__ = "registry_opt_out"
    __table_args__ = (
        Index(
            "ix_registry_opt_out_record",
            "record",
            sqlite_where=text("record IS NOT NULL"),
            postgresql_where=text("record IS NOT NULL"),
        ),
        Index(
            "ix_registry_opt_out_source",
            "source",
            sqlite_where=text("source IS NOT NULL"),
            postgresql_where=text("source IS NOT NULL"),
        ),
        places_of("registry_opt_out", have_patterns=True),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    member_id: Mapped[str | None] = mapped_column(
        ForeignKey("registry_member.member_id"), index=True
    )
    rules: Mapped[str] = mapped_column(String(8))
    ended_because: Mapped[str | None] = mapped_column(Text)
    recorded_by: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(Text)
    replaces: Mapped[int | None] = mapped_column(BigInteger)
    record: Mapped[int | None] = mapped_column(BigInteger)
