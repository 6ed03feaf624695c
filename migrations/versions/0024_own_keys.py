"""A server's own keys, encrypted, with their lives; a node's token keys as its hub knows them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

NAME = "trust_own_key"
ACTIVE = "state = 'ACTIVE'"


def upgrade() -> None:
    op.create_table(
        NAME,
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("verify_until", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("purpose IN ('FEDERATION', 'TOKEN')", name=op.f(f"ck_{NAME}_purpose")),
        sa.CheckConstraint(
            "state IN ('NEXT', 'ACTIVE', 'VERIFY_ONLY', 'RETIRED')", name=op.f(f"ck_{NAME}_state")
        ),
        sa.CheckConstraint(
            "(state IN ('NEXT', 'ACTIVE')) = (private IS NOT NULL)",
            name=op.f(f"ck_{NAME}_private_while_it_signs"),
        ),
        sa.PrimaryKeyConstraint("purpose", "kid", name=op.f(f"pk_{NAME}")),
    )
    op.create_index(
        f"uq_{NAME}_active",
        NAME,
        ["purpose"],
        unique=True,
        sqlite_where=sa.text(ACTIVE),
        postgresql_where=sa.text(ACTIVE),
    )
    with op.batch_alter_table("trust_party") as batch_op:
        batch_op.add_column(sa.Column("token_jwks", sa.Text(), nullable=True))


def downgrade() -> None:
    """Refuse where keys are kept here: older code would make another identity in silence."""
    if op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {NAME}")):  # noqa: S608
        raise RuntimeError("this server's keys are in its database: 0023 would make others")
    with op.batch_alter_table("trust_party") as batch_op:
        batch_op.drop_column("token_jwks")
    op.drop_index(f"uq_{NAME}_active", NAME)
    op.drop_table(NAME)
