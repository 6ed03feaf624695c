"""Codes with which member sites are installed."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

NAME = "clients_site_code"


def upgrade() -> None:
    op.create_table(
        NAME,
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("member", sa.String(255), nullable=False),
        sa.Column("origins", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.String(40), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients_client.client_id"],
            name=op.f(f"fk_{NAME}_client_id_clients_client"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{NAME}")),
    )
    op.create_index(op.f(f"ix_{NAME}_member"), NAME, ["member"])


def downgrade() -> None:
    op.drop_index(op.f(f"ix_{NAME}_member"), table_name=NAME)
    op.drop_table(NAME)
