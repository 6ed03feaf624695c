"""What was paid beyond what was owed, set off against something else that is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "bank_set_off",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("overpayment", sa.String(length=48), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=35), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("debt", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("proposed_by", sa.String(length=255), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=255), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("made", sa.String(length=160), nullable=True),
        sa.CheckConstraint(
            "state <> 'APPROVED' OR decided_by <> proposed_by",
            name=op.f("ck_bank_set_off_maker_is_not_checker"),
        ),
        sa.CheckConstraint(
            "state IN ('PROPOSED', 'APPROVED', 'WITHDRAWN')", name=op.f("ck_bank_set_off_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_set_off")),
    )
    op.create_index(
        op.f("ix_bank_set_off_overpayment"), "bank_set_off", ["overpayment"], unique=False
    )


def downgrade() -> None:
    op.drop_table("bank_set_off")
