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


class Application(Base):
    """A collective asks to join; one person recommends, another admits."""

    __tablename__ = "trust_application"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    code: Mapped[str] = mapped_column(String(12))
    entity_id: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(String(500))
    jwk: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))  # APPLIED RECOMMENDED ADMITTED REFUSED
    received_at: Mapped[datetime] = mapped_column(Instant)
    recommended_by: Mapped[str | None] = mapped_column(String(255))
    decided_by: Mapped[str | None] = mapped_column(String(255))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str | None] = mapped_column(Text)
