"""Patterns with a `*` are found by what stands before it, as paths are by their length."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"

RULINGS = ("registry_opt_out", "registry_index_reservation", "registry_index_reservation_past")
HEAD = "substr(path, 1, 1000)"


def upgrade() -> None:
    star_at = "instr" if op.get_context().dialect.name == "sqlite" else "strpos"
    _places(
        f"(CASE WHEN (path LIKE '%*%') THEN -{star_at}(path, '*') ELSE length(path) END)",
        f"substr({HEAD}, 1, {star_at}({HEAD} || '*', '*') - 1)",
        f"substr(path, {star_at}(path || '*', '*'), 1000)",
    )


def downgrade() -> None:
    _places("(CASE WHEN (path LIKE '%*%') THEN 0 ELSE length(path) END)", HEAD)


def _places(*parts: str) -> None:
    """Find rows by their host and these parts of their path."""
    for table in RULINGS:
        op.drop_index(f"ix_{table}_place", table)
        op.create_index(f"ix_{table}_place", table, ["host", *map(sa.text, parts)])
