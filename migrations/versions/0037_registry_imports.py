"""Files of works and rightholders that are taken in batch by batch, and a verdict for each row."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

IMPORT, BATCH = "registryimports_import", "registryimports_batch"
COUNTS = ("accepted", "accepted_with_changes", "duplicate", "conflict", "refused")


def upgrade() -> None:
    op.create_table(
        IMPORT,
        sa.Column("import_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("on_conflict", sa.String(16), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("rightholder", sa.String(64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_by", sa.String(255), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("read_as", sa.String(64), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTS),
        sa.PrimaryKeyConstraint("import_id", name=op.f(f"pk_{IMPORT}")),
        sa.CheckConstraint(f"{' + '.join(COUNTS)} = rows", name=op.f(f"ck_{IMPORT}_counts")),
    )
    op.create_index(f"ix_{IMPORT}_started_at", IMPORT, ["started_at", "import_id"])
    op.create_table(
        BATCH,
        sa.Column("import_id", sa.String(64), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("verdicts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "first_row", name=op.f(f"pk_{BATCH}")),
    )


def downgrade() -> None:
    op.drop_table(BATCH)
    op.drop_table(IMPORT)
