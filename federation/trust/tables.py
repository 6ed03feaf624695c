"""Who belongs to the federation: parties with their keys, applications to join, own keys."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant


class Party(Base):
    """An admitted server: at the hub every node, at a node the hub and the others' keys."""

    __tablename__ = "trust_party"
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    entity_id: Mapped[str] = mapped_column(String(255), unique=True)
    url: Mapped[str] = mapped_column(String(500))
    name: Mapped[str] = mapped_column(String(200))
    # The public key it was admitted with, JSON. It stays: its thumbprint numbers the messages.
    jwk: Mapped[str] = mapped_column(Text)
    # The FEDERATION keys it publishes now, a JSON list; NULL is the key above alone.
    entity_jwks: Mapped[str | None] = mapped_column(Text)
    # Those it published once: what they signed while they were its keys stays signed.
    former_jwks: Mapped[str | None] = mapped_column(Text)
    stated_at: Mapped[datetime | None] = mapped_column(Instant)  # when it signed the last one
    # At the hub: the address it says it has, until it has answered there; and why it has not.
    moving_to: Mapped[str | None] = mapped_column(String(500))
    moving_since: Mapped[datetime | None] = mapped_column(Instant)
    moving_because: Mapped[str | None] = mapped_column(Text)
    suspended_at: Mapped[datetime | None] = mapped_column(Instant)  # at the hub
    # At a node, of its hub: the thumbprints of this node's keys that the hub lists, a JSON list.
    vouched: Mapped[str | None] = mapped_column(Text)
    # At the hub: the public keys of a node's tokens, a JSON list; NULL is the key above alone.
    token_jwks: Mapped[str | None] = mapped_column(Text)
    terms: Mapped[str | None] = mapped_column(Text)  # CollectiveTerms as JSON; the hub has none
    admitted_at: Mapped[datetime] = mapped_column(Instant)
    # At the hub: its place in the order of admission, from 1; and up to which place it was told
    # who belongs (`roster.py`).
    place: Mapped[int] = mapped_column(default=0, server_default="0")
    told_of: Mapped[int] = mapped_column(default=0, server_default="0")
    last_seen_at: Mapped[datetime | None] = mapped_column(Instant)


class Invitation(Base):
    """A code by which one collective may apply; only its digest is kept."""

    __tablename__ = "trust_invitation"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the code
    note: Mapped[str] = mapped_column(String(300))  # whom it is for
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    application: Mapped[int | None]  # what it was used for


class Application(Base):
    """A collective asks to join: at the hub one person recommends, another admits.

    At a node it is its own application, SENT until the hub has decided.
    """

    __tablename__ = "trust_application"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    code: Mapped[str] = mapped_column(String(12))
    entity_id: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(String(500))
    jwk: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(64), server_default="")  # the key's thumbprint
    invitation: Mapped[str | None] = mapped_column(String(64))  # at a node: the code to apply with
    state: Mapped[str] = mapped_column(String(16))  # SENT APPLIED RECOMMENDED ADMITTED REFUSED
    received_at: Mapped[datetime] = mapped_column(Instant)
    recommended_by: Mapped[str | None] = mapped_column(String(255))
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str | None] = mapped_column(Text)
    # At a node: the digest of the address and keys it told its hub last; NULL: as it applied.
    told: Mapped[str | None] = mapped_column(String(64))


class EntityStatement(Base):
    """At the hub: a node's own word by which it changed, kept to be passed on and shown."""

    __tablename__ = "trust_entity_statement"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    code: Mapped[str] = mapped_column(String(12), index=True)
    signed: Mapped[str] = mapped_column(Text)  # entity-statement+jwt, as it came
    taken_at: Mapped[datetime] = mapped_column(Instant)
    passed_on_at: Mapped[datetime | None] = mapped_column(Instant)  # to the other nodes


_PROPOSED = "state = 'PROPOSED'"


class Suspension(Base):
    """At the hub: one person proposes that a node is suspended, or is no more; another decides."""

    __tablename__ = "trust_suspension"
    __table_args__ = (
        CheckConstraint("act IN ('SUSPEND', 'LIFT')", name="act"),
        CheckConstraint("state IN ('PROPOSED', 'DONE', 'WITHDRAWN')", name="state"),
        CheckConstraint("state <> 'DONE' OR proposed_by <> decided_by", name="two_people"),
        Index(
            "uq_trust_suspension_proposed",
            "code",
            unique=True,
            sqlite_where=text(_PROPOSED),
            postgresql_where=text(_PROPOSED),
        ),
    )
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    code: Mapped[str] = mapped_column(String(12))
    act: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    proposed_by: Mapped[str] = mapped_column(String(255))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)


_ACTIVE = "state = 'ACTIVE'"


class OwnKey(Base):
    """A key of this server itself: its public half, and the private one encrypted while it signs.

    The first key may serve both purposes, as two rows; the private half goes with the state in
    which a key signs no more.
    """

    __tablename__ = "trust_own_key"
    __table_args__ = (
        CheckConstraint("purpose IN ('FEDERATION', 'TOKEN')", name="purpose"),
        CheckConstraint("state IN ('NEXT', 'ACTIVE', 'VERIFY_ONLY', 'RETIRED')", name="state"),
        CheckConstraint(
            "(state IN ('NEXT', 'ACTIVE')) = (private IS NOT NULL)", name="private_while_it_signs"
        ),
        Index(
            "uq_trust_own_key_active",
            "purpose",
            unique=True,
            sqlite_where=text(_ACTIVE),
            postgresql_where=text(_ACTIVE),
        ),
    )
    purpose: Mapped[str] = mapped_column(String(16), primary_key=True)
    kid: Mapped[str] = mapped_column(String(64), primary_key=True)  # RFC 7638 thumbprint
    jwk: Mapped[str] = mapped_column(Text)  # the public key, JSON
    private: Mapped[bytes | None] = mapped_column(LargeBinary)  # PKCS 8, encrypted (Fernet)
    state: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime] = mapped_column(Instant)
    activated_at: Mapped[datetime | None] = mapped_column(Instant)
    verify_until: Mapped[datetime | None] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str | None] = mapped_column(Text)  # why it did not wait for its time
