"""How people sign in: local accounts, identities at a provider, invitations, sessions."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

LOCAL, IDENTITY = "accounts_local", "accounts_identity"
INVITATION, SESSION = "accounts_invitation", "accounts_session"
TOKENS = "accounts_tokens_ended"
STAFF_SECONDS_MAX = 12 * 3600  # the life of a token of staff
_AUTO = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        LOCAL,
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_since", sa.BigInteger(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "totp_since IS NULL OR totp IS NOT NULL", name=op.f(f"ck_{LOCAL}_codes_have_a_secret")
        ),
        sa.PrimaryKeyConstraint("person", name=op.f(f"pk_{LOCAL}")),
    )
    op.create_table(
        IDENTITY,
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("identity", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "identity", name=op.f(f"pk_{IDENTITY}")),
    )
    op.create_index(op.f(f"ix_{IDENTITY}_person"), IDENTITY, ["person"])
    _make_invitations()
    op.create_table(
        TOKENS,
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f(f"pk_{TOKENS}")),
    )
    op.create_table(
        SESSION,
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("way", sa.String(length=255), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f(f"pk_{SESSION}")),
        sa.UniqueConstraint("number", name=op.f(f"uq_{SESSION}_number")),
    )
    for column in ("person", "ends_at", "seen_at"):
        op.create_index(op.f(f"ix_{SESSION}_{column}"), SESSION, [column])


def _make_invitations() -> None:
    op.create_table(
        INVITATION,
        sa.Column("id", _AUTO, autoincrement=True, nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=True),
        sa.Column("identity", sa.String(length=255), nullable=True),
        sa.Column("first", sa.String(length=64), nullable=True),
        sa.Column("second", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=255), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR (confirmed_by <> made_by AND confirmed_by <> person)",
            name=op.f(f"ck_{INVITATION}_two_people"),
        ),
        sa.CheckConstraint(
            "used_at IS NULL OR confirmed_by IS NOT NULL",
            name=op.f(f"ck_{INVITATION}_used_when_confirmed"),
        ),
        sa.CheckConstraint(
            "withdrawn_by IS NULL OR used_at IS NULL", name=op.f(f"ck_{INVITATION}_one_end")
        ),
        sa.CheckConstraint(
            "(issuer IS NULL) = (identity IS NULL)", name=op.f(f"ck_{INVITATION}_whole_identity")
        ),
        sa.CheckConstraint(
            "(issuer IS NULL) <> (first IS NULL)", name=op.f(f"ck_{INVITATION}_code_or_identity")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{INVITATION}")),
        sa.UniqueConstraint("first", name=op.f(f"uq_{INVITATION}_first")),
    )
    op.create_index(op.f(f"ix_{INVITATION}_person"), INVITATION, ["person"])


def downgrade() -> None:
    """Refuse where somebody can sign in, or a token that was ended would count again.

    After twelve hours a token that was ended is over by itself.
    """
    for name in (LOCAL, IDENTITY):
        if op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {name}")):  # noqa: S608 - constants
            raise RuntimeError("people sign in here: older code would let in none of them")
    since = int((time.time() - STAFF_SECONDS_MAX) * 1_000_000)
    ended = sa.text(f"SELECT count(*) FROM {TOKENS} WHERE at > :since")  # noqa: S608 - constant
    if op.get_bind().scalar(ended, {"since": since}):
        raise RuntimeError("tokens were ended within twelve hours: older code would take them")
    for name in (SESSION, TOKENS, INVITATION, IDENTITY, LOCAL):
        op.drop_table(name)
