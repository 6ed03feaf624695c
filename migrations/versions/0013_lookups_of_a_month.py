"""What usage weighs for a member is found by member and month, undecided lines by their month."""

from alembic import op

revision = "0013"
down_revision = "0012"

ROUTED, BY_PERIOD = "metering_routed_line", "ix_metering_routed_line_period"


def upgrade() -> None:
    op.create_index("ix_metering_portion_member", "metering_portion", ["member", "period"])
    op.drop_index(BY_PERIOD, table_name=ROUTED)
    op.create_index(BY_PERIOD, ROUTED, ["period", "verdict"])


def downgrade() -> None:
    op.drop_index(BY_PERIOD, table_name=ROUTED)
    op.create_index(BY_PERIOD, ROUTED, ["period"])
    op.drop_index("ix_metering_portion_member", table_name="metering_portion")
