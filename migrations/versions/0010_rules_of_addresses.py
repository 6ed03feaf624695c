"""Under which version of the rules an address was entered, what that version ended, late lines."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

LATE = {name: sa.text("verdict = 'LATE'") for name in ("sqlite_where", "postgresql_where")}
LINES = ("metering_line", "metering_routed_line", "metering_uncounted")


def upgrade() -> None:
    for table in ("registry_claim", "registry_opt_out"):
        op.add_column(table, sa.Column("rules", sa.String(8), nullable=False, server_default="1.0"))
        op.add_column(table, sa.Column("ended_because", sa.Text(), nullable=True))
    for table in ("registry_opt_out", "registry_index_reservation"):
        op.add_column(table, sa.Column("ends_at", sa.BigInteger(), nullable=True))
    for table in LINES:
        op.create_index(f"ix_{table}_late", table, ["period"], unique=False, **LATE)


def downgrade() -> None:
    for table in reversed(LINES):
        op.drop_index(f"ix_{table}_late", table_name=table, **LATE)
    for table in ("registry_index_reservation", "registry_opt_out"):
        op.drop_column(table, "ends_at")
    for table in ("registry_opt_out", "registry_claim"):
        op.drop_column(table, "ended_because")
        op.drop_column(table, "rules")
