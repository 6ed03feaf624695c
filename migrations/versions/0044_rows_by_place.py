"""Claims and rulings are found by host and path, however many stand on their host."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"

CLAIMS = ("registry_claim", "registry_index_claim", "registry_index_claim_past")
RULINGS = ("registry_opt_out", "registry_index_reservation", "registry_index_reservation_past")
LENGTH = "length(path)"
LENGTH_OR_PATTERN = "CASE WHEN (path LIKE '%*%') THEN 0 ELSE length(path) END"


def upgrade() -> None:
    for table in CLAIMS + RULINGS:
        letters = sa.text(LENGTH if table in CLAIMS else f"({LENGTH_OR_PATTERN})")
        head = sa.text("substr(path, 1, 1000)")
        op.create_index(f"ix_{table}_place", table, ["host", letters, head])
        op.drop_index(f"ix_{table}_host", table)
    for table in RULINGS:
        op.drop_index(f"ix_{table}_pattern", table)


def downgrade() -> None:
    patterns = sa.text("path LIKE '%*%'")
    for table in RULINGS:
        op.create_index(
            f"ix_{table}_pattern",
            table,
            ["host"],
            sqlite_where=patterns,
            postgresql_where=patterns,
        )
    for table in CLAIMS + RULINGS:
        op.create_index(f"ix_{table}_host", table, ["host"])
        op.drop_index(f"ix_{table}_place", table)
