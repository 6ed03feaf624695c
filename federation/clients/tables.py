"""Clients and what they prove themselves with; used assertions and revoked tokens, until they end.

No secret is kept: of one there is a digest that is worth nothing without the server's pepper.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.store.base import Base, Instant


class Client(Base):
    """A program that may ask for tokens here, in a role fixed when it was made."""

    __tablename__ = "clients_client"
    client_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))  # LAB SITE TOOL NODE
    role: Mapped[str] = mapped_column(String(32))
    party: Mapped[str | None] = mapped_column(String(255))  # licensee, member or node; a tool: none
    name: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime] = mapped_column(Instant)
    revoked_by: Mapped[str | None] = mapped_column(String(255))
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)  # to the minute or so
    __table_args__ = (Index(None, "kind", "party"),)

    @property
    def state(self) -> str:
        """Return LIVE or REVOKED."""
        return "LIVE" if self.revoked_at is None else "REVOKED"


class Credential(Base):
    """What a client proves itself with: a secret, of which a digest is kept, or a public key."""

    __tablename__ = "clients_credential"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients_client.client_id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))  # SECRET KEY
    digest: Mapped[str | None] = mapped_column(String(64))  # HMAC-SHA-256 of a secret
    jwk: Mapped[str | None] = mapped_column(Text)  # the public key, JSON
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    revoked_by: Mapped[str | None] = mapped_column(String(255))
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (CheckConstraint("(digest IS NULL) <> (jwk IS NULL)", name="one_proof"),)

    def is_live(self, now: datetime) -> bool:
        """Tell whether it proves anything at an instant."""
        return self.revoked_at is None and now < self.expires_at


class SiteCode(Base):
    """A code with which a member's site is installed, once; of its secret there is a digest."""

    __tablename__ = "clients_site_code"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))  # HMAC-SHA-256 of the secret
    member: Mapped[str] = mapped_column(String(255), index=True)
    origins: Mapped[str] = mapped_column(Text)  # JSON
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    client_id: Mapped[str | None] = mapped_column(ForeignKey("clients_client.client_id"))


class UsedAssertion(Base):
    """An assertion by which a client proved itself: it does so once."""

    __tablename__ = "clients_assertion"
    client_id: Mapped[str] = mapped_column(ForeignKey("clients_client.client_id"), primary_key=True)
    jti: Mapped[str] = mapped_column(String(255), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class RevokedToken(Base):
    """An access token that was given back before its end."""

    __tablename__ = "clients_revoked_token"
    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
