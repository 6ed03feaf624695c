"""Members, their claims and opt-outs at a node; the claim index at the hub."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from federation.history.tables import Versioned
from federation.registry.place_keys import path_head, path_length, path_rest
from federation.store.base import AutoId, Base, Instant


def _places_of(table: str, *, have_patterns: bool = False) -> Index:
    """Find what stands at one path of a host, and which lengths of paths there are on it."""
    path: ColumnElement[str] = literal_column("path", Text())
    length = path_length(path, may_be_pattern=have_patterns)
    head = path_head(path, may_be_pattern=have_patterns)
    rest = [path_rest(path)] if have_patterns else []
    return Index(f"ix_{table}_place", "host", length, head, *rest)


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


class Claim(Base):
    """A member's claim on a URL and what lies below it, or on a host with its subdomains.

    A row says the same for ever: a change adds another one, with an id of its own, which `replaces`
    this one. Known from `recorded_at` (1970 where it was known before that was kept) to before
    `superseded_at`; `joined_on`, set with it, is the day from which its member was known then to
    have joined.
    """

    __tablename__ = "registry_claim"
    __table_args__ = (
        _places_of("registry_claim"),
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
    host: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    wildcard: Mapped[bool]
    content_tier: Mapped[str] = mapped_column(String(64))
    works: Mapped[int]
    canonical: Mapped[str | None] = mapped_column(Text)
    owner_bps: Mapped[int | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    rules: Mapped[str] = mapped_column(String(8))  # version of the rules it was read by
    ended_because: Mapped[str | None] = mapped_column(Text)  # a later version refuses it
    recorded_at: Mapped[datetime] = mapped_column(Instant, server_default="0")
    superseded_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_by: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(Text)
    replaces: Mapped[str | None] = mapped_column(String(64))
    joined_on: Mapped[date | None]


class ContestedClaim(Base):
    """A claim that several hold, or held: members of one node; at the hub, members of several.

    Found when the second is registered, and kept: who holds it on which days is asked of the claims
    themselves (`conflict_store`). `digest` is the SHA-256 of the claim as it is written. A place
    `of_shares` is one of which several collectives have, or had, more than the whole together.
    """

    __tablename__ = "registry_contested_claim"
    __table_args__ = (UniqueConstraint("digest"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    host: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    wildcard: Mapped[bool]
    digest: Mapped[str] = mapped_column(String(64))
    found_at: Mapped[datetime] = mapped_column(Instant)
    of_shares: Mapped[bool] = mapped_column(server_default=text("false"))


class SharesOverRow(Base):
    """What several collectives have of a place by now, more than the whole (`messages.Over`).

    Worked out at the hub, and told to each of them. `parts` is {collective: 1/10,000} as JSON,
    `territory` empty where it is so everywhere.
    """

    __tablename__ = "registry_shares_over"
    __table_args__ = (Index("ix_registry_shares_over_contested", "contested"),)
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    contested: Mapped[int] = mapped_column(ForeignKey("registry_contested_claim.id"))
    use: Mapped[str] = mapped_column(String(64))
    right: Mapped[str] = mapped_column(String(24))
    territory: Mapped[str] = mapped_column(String(2))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    parts: Mapped[str] = mapped_column(Text)


class OptOut(Base):
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
        _places_of("registry_opt_out", have_patterns=True),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    member_id: Mapped[str | None] = mapped_column(
        ForeignKey("registry_member.member_id"), index=True
    )
    host: Mapped[str | None] = mapped_column(Text)
    path: Mapped[str | None] = mapped_column(Text)
    wildcard: Mapped[bool]
    use: Mapped[str] = mapped_column(String(64))
    effective_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    rules: Mapped[str] = mapped_column(String(8))
    ended_because: Mapped[str | None] = mapped_column(Text)
    superseded_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_by: Mapped[str | None] = mapped_column(String(255))
    reason: Mapped[str | None] = mapped_column(Text)
    replaces: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(24), server_default="OPT_OUT")
    source: Mapped[str | None] = mapped_column(String(64))
    since: Mapped[datetime | None] = mapped_column(Instant)
    record: Mapped[int | None] = mapped_column(BigInteger)


class RegistryVersion(Base):
    """How many deltas of a node's registry are out (at the node) or in (at the hub).

    `changed_at` is when the last of them was; None if that was before it was kept. Changes from
    behind `followed_from` on are told one by one: the index has kept by which a row came and left.
    """

    __tablename__ = "registry_version"
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    version: Mapped[int]
    changed_at: Mapped[datetime | None] = mapped_column(Instant)
    followed_from: Mapped[int] = mapped_column(default=0, server_default="0")


class IndexClaim(Base):
    """One claim as the hub's index knows it: where, when, whose; no work, name or money.

    `version` is the change of its node's registry by which it came, here and in the rows below.
    """

    __tablename__ = "registry_index_claim"
    __table_args__ = (
        _places_of("registry_index_claim"),
        Index("ix_registry_index_claim_holder_id", "holder_id"),
        Index("ix_registry_index_claim_followed", "node", "version", "claim_id"),
    )
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    claim_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    wildcard: Mapped[bool]
    counts_from: Mapped[date]
    counts_to: Mapped[date | None]
    content_tier: Mapped[str] = mapped_column(String(64))
    canonical: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Instant, server_default="0")
    version: Mapped[int] = mapped_column(server_default="0")


class IndexClaimPast(Base):
    """A claim that the index knew until it was withdrawn, by change `withdrawn_version`."""

    __tablename__ = "registry_index_claim_past"
    __table_args__ = (
        _places_of("registry_index_claim_past"),
        Index("ix_registry_index_claim_past_claim_id", "claim_id"),
        Index("ix_registry_index_claim_past_followed", "node", "withdrawn_version", "id"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12))
    claim_id: Mapped[str] = mapped_column(String(64))
    holder_id: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    wildcard: Mapped[bool]
    counts_from: Mapped[date]
    counts_to: Mapped[date | None]
    content_tier: Mapped[str] = mapped_column(String(64))
    canonical: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(server_default="0")
    withdrawn_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_version: Mapped[int] = mapped_column(server_default="0")


class IndexOptOut(Base):
    """One opt-out as the hub's index knows it."""

    __tablename__ = "registry_index_reservation"
    __table_args__ = (
        _places_of("registry_index_reservation", have_patterns=True),
        Index("ix_registry_index_reservation_holder_id", "holder_id"),
        Index("ix_registry_index_reservation_followed", "node", "version", "id"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12))
    holder_id: Mapped[str | None] = mapped_column(String(64))
    host: Mapped[str | None] = mapped_column(Text)
    path: Mapped[str | None] = mapped_column(Text)
    wildcard: Mapped[bool]
    use: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(24), server_default="OPT_OUT")
    source: Mapped[str | None] = mapped_column(String(64))
    since: Mapped[datetime | None] = mapped_column(Instant)
    effective_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant, server_default="0")
    version: Mapped[int] = mapped_column(server_default="0")


class IndexOptOutPast(Base):
    """An opt-out that the index knew until it was withdrawn."""

    __tablename__ = "registry_index_reservation_past"
    __table_args__ = (
        _places_of("registry_index_reservation_past", have_patterns=True),
        Index("ix_registry_index_reservation_past_holder_id", "holder_id"),
        Index("ix_registry_index_reservation_past_followed", "node", "withdrawn_version", "id"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12))
    holder_id: Mapped[str | None] = mapped_column(String(64))
    host: Mapped[str | None] = mapped_column(Text)
    path: Mapped[str | None] = mapped_column(Text)
    wildcard: Mapped[bool]
    use: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(24), server_default="OPT_OUT")
    source: Mapped[str | None] = mapped_column(String(64))
    since: Mapped[datetime | None] = mapped_column(Instant)
    effective_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(server_default="0")
    withdrawn_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_version: Mapped[int] = mapped_column(server_default="0")


class IndexShare(Base):
    """What a collective says that its party has of one right at a place, as the hub was told it.

    Known from `recorded_at` to before `withdrawn_at`. `territories` are as in a consent record.
    """

    __tablename__ = "registry_index_share"
    __table_args__ = (
        _places_of("registry_index_share", have_patterns=True),
        Index(
            "ix_registry_index_share_known",
            "node",
            "share_id",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        CheckConstraint("bps BETWEEN 1 AND 10000", name="bps"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ends_at"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12))
    share_id: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    wildcard: Mapped[bool]
    use: Mapped[str] = mapped_column(String(64))
    right: Mapped[str] = mapped_column(String(24))
    territories: Mapped[str] = mapped_column(Text)
    bps: Mapped[int]
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
