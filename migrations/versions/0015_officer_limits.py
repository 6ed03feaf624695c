"""Up to what one officer decides alone, from an instant."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "bank_officer_limit",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=255), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by",
            name=op.f("ck_bank_officer_limit_maker_is_not_checker"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_bank_officer_limit_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_officer_limit")),
    )
    op.create_index(
        "ix_bank_officer_limit_currency",
        "bank_officer_limit",
        ["currency", "kind", "since"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("bank_officer_limit")
