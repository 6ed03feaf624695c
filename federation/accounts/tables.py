"""Local accounts, identities at a provider, invitations and live sessions of people.

Nothing here opens a door by itself: of a password there is a slow hash, of a code and a session a
digest, and the secret of one-time codes is encrypted with the server's own.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from federation.people.tables import SUBJECT_LENGTH_MAX
from federation.store.base import AutoId, Base, Instant

ISSUER_LENGTH_MAX = 255
IDENTITY_LENGTH_MAX = 255  # OpenID Connect Core §2: `sub`


class LocalAccount(Base):
    """A person's password, and the secret of its one-time codes if it wants them.

    `totp` counts from `totp_since`; until then it was shown and not yet confirmed. `totp_step` is
    the last step whose code was used: no code counts twice.
    """

    __tablename__ = "accounts_local"
    person: Mapped[str] = mapped_column(String(SUBJECT_LENGTH_MAX), primary_key=True)
    password: Mapped[str] = mapped_column(Text)  # argon2id, as PHC writes it
    set_at: Mapped[datetime] = mapped_column(Instant)
    totp: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_since: Mapped[datetime | None] = mapped_column(Instant)
    totp_step: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        CheckConstraint("totp_since IS NULL OR totp IS NOT NULL", name="codes_have_a_secret"),
    )


class Identity(Base):
    """Whom a provider means by (issuer, subject): one person of the directory."""

    __tablename__ = "accounts_identity"
    issuer: Mapped[str] = mapped_column(String(ISSUER_LENGTH_MAX), primary_key=True)
    identity: Mapped[str] = mapped_column(String(IDENTITY_LENGTH_MAX), primary_key=True)
    person: Mapped[str] = mapped_column(String(SUBJECT_LENGTH_MAX), index=True)
    linked_at: Mapped[datetime] = mapped_column(Instant)


class PersonInvitation(Base):
    """How two people let a person in: by a code in two halves, or by naming its identity.

    With `issuer` and `identity` it is a link, in force once it is confirmed. Without, its maker
    holds the first half of the code and who confirms it the second: neither can use it alone.
    """

    __tablename__ = "accounts_invitation"
    id: Mapped[int] = mapped_column(AutoId, primary_key=True, autoincrement=True)
    person: Mapped[str] = mapped_column(String(SUBJECT_LENGTH_MAX), index=True)
    issuer: Mapped[str | None] = mapped_column(String(ISSUER_LENGTH_MAX))
    identity: Mapped[str | None] = mapped_column(String(IDENTITY_LENGTH_MAX))
    first: Mapped[str | None] = mapped_column(String(64), unique=True)  # SHA-256 of a half
    second: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(255))
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))
    __table_args__ = (
        CheckConstraint(
            "confirmed_by IS NULL OR (confirmed_by <> made_by AND confirmed_by <> person)",
            name="two_people",
        ),
        CheckConstraint("used_at IS NULL OR confirmed_by IS NOT NULL", name="used_when_confirmed"),
        CheckConstraint("withdrawn_by IS NULL OR used_at IS NULL", name="one_end"),
        CheckConstraint("(issuer IS NULL) = (identity IS NULL)", name="whole_identity"),
        CheckConstraint("(issuer IS NULL) <> (first IS NULL)", name="code_or_identity"),
    )

    def state(self, now: datetime) -> str:
        """Return USED, WITHDRAWN, EXPIRED, CONFIRMED (its code may be used) or PROPOSED."""
        if self.used_at is not None:
            return "USED"
        if self.withdrawn_by is not None:
            return "WITHDRAWN"
        if now >= self.expires_at:
            return "EXPIRED"
        return "PROPOSED" if self.confirmed_by is None else "CONFIRMED"


class TokensEnded(Base):
    """When a person's sign-ins were all ended: tokens signed until then count no more."""

    __tablename__ = "accounts_tokens_ended"
    person: Mapped[str] = mapped_column(String(SUBJECT_LENGTH_MAX), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)


class PersonSession(Base):
    """A person who is signed in, in one role, until it ends or is ended: then the row is gone."""

    __tablename__ = "accounts_session"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the cookie
    number: Mapped[str] = mapped_column(String(16), unique=True)  # by which it is spoken of
    person: Mapped[str] = mapped_column(String(SUBJECT_LENGTH_MAX), index=True)
    role: Mapped[str] = mapped_column(String(32))
    way: Mapped[str] = mapped_column(String(ISSUER_LENGTH_MAX))  # PASSWORD, or the issuer
    made_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)  # to the minute
    ends_at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (Index(None, "ends_at"), Index(None, "seen_at"))
