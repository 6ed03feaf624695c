"""Forms of the console that were sent: each acts once."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"

SENT = "console_sent"


def upgrade() -> None:
    op.create_table(
        SENT,
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("key", sa.String(43), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("led_to", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("person", "key", name=op.f(f"pk_{SENT}")),
    )
    op.create_index(op.f(f"ix_{SENT}_sent_at"), SENT, ["sent_at"])


def downgrade() -> None:
    op.drop_table(SENT)
