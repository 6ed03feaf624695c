"""What is said of a use: opt-outs know their state, and of which record or source they are."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

TABLES = ("registry_opt_out", "registry_index_reservation", "registry_index_reservation_past")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(
            table, sa.Column("state", sa.String(24), nullable=False, server_default="OPT_OUT")
        )
        op.add_column(table, sa.Column("source", sa.String(64), nullable=True))


def downgrade() -> None:
    """Forget rulings that are no opt-outs: to an earlier version each would be one."""
    for table in TABLES:
        op.execute(f"DELETE FROM {table} WHERE state <> 'OPT_OUT'")  # noqa: S608
        op.drop_column(table, "source")
        op.drop_column(table, "state")
