"""What is known of things and what is known no more stand in an order each, with their times."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"

VERSIONS = ("works_version", "rightholders_version", "registry_member_version")
ORDER = ["sorted_by", "thing"]
TIMES = ["starts_at", "ends_at", "recorded_at"]
KNOWN = "superseded_at IS NULL"


def upgrade() -> None:
    for table in VERSIONS:
        op.drop_index(f"ix_{table}_known", table)
        op.drop_index(f"ix_{table}_sorted", table)
        _create(f"ix_{table}_known", table, [*ORDER, *TIMES], f"{KNOWN} AND merged_into IS NULL")
        gone = "superseded_at IS NOT NULL AND merged_into IS NULL"
        _create(f"ix_{table}_gone", table, [*ORDER, *TIMES, "superseded_at"], gone)


def downgrade() -> None:
    for table in VERSIONS:
        op.drop_index(f"ix_{table}_gone", table)
        op.drop_index(f"ix_{table}_known", table)
        op.create_index(f"ix_{table}_sorted", table, ORDER)
        _create(f"ix_{table}_known", table, ORDER, KNOWN)


def _create(name: str, table: str, columns: list[str], where: str) -> None:
    only = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)
