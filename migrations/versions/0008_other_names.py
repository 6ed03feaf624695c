"""On whose behalf the other side of a bank transaction acted."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column(
        "bank_detail", sa.Column("other_names", sa.Text(), nullable=False, server_default="[]")
    )


def downgrade() -> None:
    op.drop_column("bank_detail", "other_names")
