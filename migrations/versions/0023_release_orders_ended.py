"""An order to release that its licensor does not carry out is ended, with its reason."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

NAME = "settlement_release_order"


def upgrade() -> None:
    with op.batch_alter_table(NAME) as batch_op:
        batch_op.add_column(sa.Column("ended_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("ended_because", sa.Text(), nullable=True))
        batch_op.create_check_constraint(
            op.f(f"ck_{NAME}_done_or_ended"), "done_at IS NULL OR ended_at IS NULL"
        )


def downgrade() -> None:
    """Refuse where an order was ended: older code would wait for it, and list nothing of it."""
    ended = sa.text(f"SELECT count(*) FROM {NAME} WHERE ended_at IS NOT NULL")  # noqa: S608
    if op.get_bind().scalar(ended):
        raise RuntimeError("orders to release were ended: 0022 would wait for them for ever")
    with op.batch_alter_table(NAME) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{NAME}_done_or_ended"), type_="check")
        batch_op.drop_column("ended_because")
        batch_op.drop_column("ended_at")
