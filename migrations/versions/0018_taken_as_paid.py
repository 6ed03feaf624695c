"""What of a payment its payee took as paid while the bank had the order."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

NAME = "settlement_payment"


def upgrade() -> None:
    op.add_column(NAME, sa.Column("taken_as_paid", sa.Text(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Refuse where something was taken: older code would propose the whole again."""
    taken = sa.text(f"SELECT count(*) FROM {NAME} WHERE taken_as_paid <> '0'")  # noqa: S608
    if op.get_bind().scalar(taken):
        raise RuntimeError("payments were partly taken as paid: 0017 would pay them whole again")
    op.drop_column(NAME, "taken_as_paid")
