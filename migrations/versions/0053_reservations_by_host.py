"""Published sources in the order of their hosts, by bytes, then of their numbers as text."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0051"

SOURCES, PLACE = "reservations_source", "ix_reservations_source_place"


def upgrade() -> None:
    _collate("C")
    op.create_index(PLACE, SOURCES, ["host", sa.text("CAST(source_id AS TEXT)")])


def downgrade() -> None:
    op.drop_index(PLACE, SOURCES)
    _collate("default")


def _collate(name: str) -> None:
    """SQLite compares bytes anyway."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f'ALTER TABLE {SOURCES} ALTER COLUMN host TYPE TEXT COLLATE "{name}"')
