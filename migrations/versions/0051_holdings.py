"""What nodes tell the hub of their works' identifiers, and when the index last took a change."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.create_table(
        "holdings_told",
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("seed", sa.LargeBinary, nullable=False),
        sa.Column("keys", sa.Integer, nullable=False),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("keys_added", sa.Integer, nullable=False),
        sa.Column("told_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("node"),
    )
    op.create_table(
        "holdings_filter",
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("keys", sa.Integer, nullable=False),
        sa.Column("seed", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("keys_added", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("node", "epoch"),
    )
    op.create_table(
        "holdings_part",
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("node", "epoch", "part"),
    )
    op.create_table(
        "holdings_added",
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("key", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("node", "key"),
    )
    op.create_index("ix_holdings_added_key", "holdings_added", ["key"])
    op.create_index("ix_works_identifier_work", "works_identifier", ["work_id"])
    op.add_column("registry_version", sa.Column("changed_at", sa.BigInteger, nullable=True))


def downgrade() -> None:
    op.drop_column("registry_version", "changed_at")
    op.drop_index("ix_works_identifier_work", "works_identifier")
    op.drop_index("ix_holdings_added_key", "holdings_added")
    for table in ("holdings_added", "holdings_part", "holdings_filter", "holdings_told"):
        op.drop_table(table)
