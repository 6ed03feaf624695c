"""With which voice a server speaks, and those of others were heard last."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0056"

OWN, PEERS = "store_own_voice", "store_peer_voice"


def upgrade() -> None:
    op.create_table(
        OWN,
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(16), nullable=False),
        sa.Column("received_until", sa.BigInteger(), nullable=True),
        sa.Column("refused_by", sa.Text(), nullable=False),
        sa.Column("silenced_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f(f"ck_{OWN}_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{OWN}")),
    )
    op.create_table(
        PEERS,
        sa.Column("sender", sa.String(255), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sender", name=op.f(f"pk_{PEERS}")),
    )


def downgrade() -> None:
    op.drop_table(PEERS)
    op.drop_table(OWN)
