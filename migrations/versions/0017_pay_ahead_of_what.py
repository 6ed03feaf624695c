"""A decision to pay members ahead is about named remittances, and may be withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

NAME = "settlement_pay_ahead"
KEPT = ("period", "reason", "proposed_by", "proposed_at", "confirmed_by", "confirmed_at")


def upgrade() -> None:
    """What older decisions were about is not known: they cover nothing, and are taken anew."""
    older = sa.table(NAME, *(sa.column(name) for name in KEPT))
    rows = op.get_bind().execute(sa.select(older).order_by(older.c.period)).mappings().all()
    op.drop_table(NAME)
    op.create_table(
        NAME,
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("remittances", sa.Text(), nullable=False),
        *_of_both(),
        sa.Column("withdrawn_by", sa.String(length=255), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR withdrawn_by IS NULL", name=op.f(f"ck_{NAME}_one_end")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{NAME}")),
    )
    op.create_index(op.f(f"ix_{NAME}_period"), NAME, ["period"], unique=False)
    newer = sa.table(NAME, sa.column("remittances"), *(sa.column(name) for name in KEPT))
    for row in rows:
        op.execute(newer.insert().values(**row, remittances="[]"))


def downgrade() -> None:
    """Refuse where there is a decision: older code would take it for the whole month's."""
    if op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {NAME}")):  # noqa: S608 - a constant
        raise RuntimeError(
            "members were paid ahead of named remittances: 0016 cannot tell of which"
        )
    op.drop_index(op.f(f"ix_{NAME}_period"), table_name=NAME)
    op.drop_table(NAME)
    op.create_table(NAME, *_of_both(), sa.PrimaryKeyConstraint("period", name=op.f(f"pk_{NAME}")))


def _of_both() -> tuple[sa.Column[object] | sa.CheckConstraint, ...]:
    return (
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=255), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by",
            name=op.f(f"ck_{NAME}_maker_is_not_checker"),
        ),
    )
