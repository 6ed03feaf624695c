"""Who belongs to the federation: parties with their keys, and applications to join."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import AutoId, Base, Instant


class Party(Base):
    """An admitted server: at the hub every node, at a node the hub and the others' keys."""

    __tablename__ = "trust_party"
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    entity_id: Mapped[str] = mapped_column(String(255), unique=True)
    url: Mapped[str] = mapped_column(String(500))
    name: Mapped[str] = mapped_column(String(200))
    jwk: Mapped[str] = mapped_column(Text)  # the public key, JSON
    terms: Mapped[str | None] = mapped_column(Text)  # CollectiveTerms as JSON; the hub has none
    admitted_at: Mapped[datetime] = mapped_column(Instant)
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
