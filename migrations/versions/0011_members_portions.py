"""What usage weighs for a member is found by member and month."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index("ix_metering_portion_member", "metering_portion", ["member", "period"])


def downgrade() -> None:
    op.drop_index("ix_metering_portion_member", table_name="metering_portion")
