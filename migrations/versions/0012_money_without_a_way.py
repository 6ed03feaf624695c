"""What was overpaid and is set off; debits between two nodes; members that are paid ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

BETWEEN = {"licensor": 12, "cleared_currency": 3}


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

    op.create_table(
        "settlement_pay_ahead",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=255), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by",
            name=op.f("ck_settlement_pay_ahead_maker_is_not_checker"),
        ),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_settlement_pay_ahead")),
    )
    for name, length in BETWEEN.items():
        op.add_column("settlement_set_off", sa.Column(name, sa.String(length), nullable=True))


def downgrade() -> None:
    """Refuse where older code would read a debit between nodes as one with the hub, or pay twice.

    A set-off that stands has used money that would be there again once it is forgotten.
    """
    bind = op.get_bind()
    if bind.scalar(sa.text("SELECT count(*) FROM settlement_set_off WHERE licensor IS NOT NULL")):
        raise RuntimeError("debits between nodes are kept: 0011 takes them for debits with the hub")
    if bind.scalar(sa.text("SELECT count(*) FROM bank_set_off WHERE state <> 'WITHDRAWN'")):
        raise RuntimeError("overpayments are set off: 0011 does not know of what they are used for")
    for name in reversed(BETWEEN):
        op.drop_column("settlement_set_off", name)
    op.drop_table("settlement_pay_ahead")
    op.drop_table("bank_set_off")
