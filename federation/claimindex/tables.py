"""The claim index at the hub, how far it follows each registry, and what several claim."""

from datetime import date, datetime

from sqlalchemy import (
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

from federation.claimindex.place_keys import path_head, path_length, path_rest
from federation.store.base import AutoId, Base, Instant


def places_of(table: str, *, have_patterns: bool = False) -> Index:
    """Find what stands at one path of a host, and which lengths of paths there are on it."""
    path: ColumnElement[str] = literal_column("path", Text())
    length = path_length(path, may_be_pattern=have_patterns)
    head = path_head(path, may_be_pattern=have_patterns)
    rest = [path_rest(path)] if have_patterns else []
    return Index(f"ix_{table}_place", "host", length, head, *rest)


class ClaimRow(Base):
    """Where a claim stands, in a registry or in the index; its path is no pattern."""

    __abstract__ = True
    host: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    wildcard: Mapped[bool]
    recorded_at: Mapped[datetime] = mapped_column(Instant, server_default="0")


class RulingRow(Base):
    """What a ruling says, in a registry or in the index; its path may be a pattern."""

    __abstract__ = True
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


class Superseded:
    """How a row of a registry says from when to when it was known; exclusive, None: it still is."""

    recorded_at: Mapped[datetime] = mapped_column(Instant)
    superseded_at: Mapped[datetime | None] = mapped_column(Instant)


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


class IndexClaim(ClaimRow):
    """One claim as the hub's index knows it: where, when, whose; no work, name or money.

    `version` is the change of its node's registry by which it came, here and in the rows below.
    """

    __tablename__ = "registry_index_claim"
    __table_args__ = (
        places_of("registry_index_claim"),
        Index("ix_registry_index_claim_holder_id", "holder_id"),
        Index("ix_registry_index_claim_followed", "node", "version", "claim_id"),
    )
    node: Mapped[str] = mapped_column(String(12), primary_key=True)
    claim_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder_id: Mapped[str] = mapped_column(String(64))
    counts_from: Mapped[date]
    counts_to: Mapped[date | None]
    content_tier: Mapped[str] = mapped_column(String(64))
    canonical: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(server_default="0")


class IndexClaimPast(ClaimRow):
    """A claim that the index knew until it was withdrawn, by change `withdrawn_version`."""

    __tablename__ = "registry_index_claim_past"
    __table_args__ = (
        places_of("registry_index_claim_past"),
        Index("ix_registry_index_claim_past_claim_id", "claim_id"),
        Index("ix_registry_index_claim_past_followed", "node", "withdrawn_version", "id"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12))
    claim_id: Mapped[str] = mapped_column(String(64))
    holder_id: Mapped[str] = mapped_column(String(64))
    counts_from: Mapped[date]
    counts_to: Mapped[date | None]
    content_tier: Mapped[str] = mapped_column(String(64))
    canonical: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(server_default="0")
    withdrawn_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_version: Mapped[int] = mapped_column(server_default="0")


class IndexOptOut(RulingRow):
    """One opt-out as the hub's index knows it."""

    __tablename__ = "registry_index_reservation"
    __table_args__ = (
        places_of("registry_index_reservation", have_patterns=True),
        Index("ix_registry_index_reservation_holder_id", "holder_id"),
        Index("ix_registry_index_reservation_followed", "node", "version", "id"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12))
    holder_id: Mapped[str | None] = mapped_column(String(64))
    recorded_at: Mapped[datetime] = mapped_column(Instant, server_default="0")
    version: Mapped[int] = mapped_column(server_default="0")


class IndexOptOutPast(RulingRow):
    """An opt-out that the index knew until it was withdrawn."""

    __tablename__ = "registry_index_reservation_past"
    __table_args__ = (
        places_of("registry_index_reservation_past", have_patterns=True),
        Index("ix_registry_index_reservation_past_holder_id", "holder_id"),
        Index("ix_registry_index_reservation_past_followed", "node", "withdrawn_version", "id"),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    node: Mapped[str] = mapped_column(String(12))
    holder_id: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(server_default="0")
    withdrawn_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_version: Mapped[int] = mapped_column(server_default="0")


class IndexShare(Base):
    """What a collective says that its party has of one right at a place, as the hub was told it.

    Known from `recorded_at` to before `withdrawn_at`. `territories` are as in a consent record.
    """

    __tablename__ = "registry_index_share"
    __table_args__ = (
        places_of("registry_index_share", have_patterns=True),
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
