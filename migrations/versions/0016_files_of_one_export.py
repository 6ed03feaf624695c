"""Which files one export of payments wrote."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "settlement_exported_file",
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_settlement_exported_file")),
        sa.UniqueConstraint("batch", "part", name=op.f("uq_settlement_exported_file_batch_part")),
    )


def downgrade() -> None:
    op.drop_table("settlement_exported_file")
