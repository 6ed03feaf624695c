"""How many lines took no id beyond those that are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "metering_uncounted_rest",
        sa.Column("reporter", sa.String(255), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.CheckConstraint("lines > 0", name=op.f("ck_metering_uncounted_rest_lines")),
        sa.PrimaryKeyConstraint(
            "reporter", "period", "verdict", "is_late", name=op.f("pk_metering_uncounted_rest")
        ),
    )


def downgrade() -> None:
    op.drop_table("metering_uncounted_rest")
