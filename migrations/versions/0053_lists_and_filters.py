"""What the hub is to merge and go by: published sources in the order of bytes, signed filters.

Sources are in the order of their hosts, then of their numbers as text. A filter of identifiers says
whether its node signed it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"

SOURCES, PLACE = "reservations_source", "ix_reservations_source_place"
FILTERS = ("holdings_told", "holdings_filter")


def upgrade() -> None:
    _collate("C")
    op.create_index(PLACE, SOURCES, ["host", sa.text("CAST(source_id AS TEXT)")])
    for table in FILTERS:
        column = sa.Column("is_signed", sa.Boolean, nullable=False, server_default=sa.false())
        op.add_column(table, column)


def downgrade() -> None:
    for table in FILTERS:
        op.drop_column(table, "is_signed")
    op.drop_index(PLACE, SOURCES)
    _collate("default")


def _collate(name: str) -> None:
    """SQLite compares bytes anyway."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f'ALTER TABLE {SOURCES} ALTER COLUMN host TYPE TEXT COLLATE "{name}"')
