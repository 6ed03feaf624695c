"""A usage line says what it rests on: a gate, or what a server's log shows."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

LINES = ("metering_line", "metering_routed_line")
TOTAL = "metering_total"


def upgrade() -> None:
    for table in LINES:
        op.add_column(
            table, sa.Column("known_by", sa.String(12), nullable=False, server_default="GATE")
        )
    for name in ("token_logged", "agent_logged"):
        op.add_column(TOTAL, sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Forget what lines rest on: that changes no amount."""
    for name in ("agent_logged", "token_logged"):
        op.drop_column(TOTAL, name)
    for table in LINES:
        op.drop_column(table, "known_by")
