"""Rows of files of consent records wait for a second person: what they say, and which proposal."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"

IMPORT, BATCH = "registryimports_import", "registryimports_batch"
BEFORE = "accepted + accepted_with_changes + duplicate + conflict + refused = rows"
AFTER = "accepted + accepted_with_changes + waits + duplicate + conflict + refused = rows"


def upgrade() -> None:
    with op.batch_alter_table(IMPORT) as batch:
        batch.add_column(sa.Column("waits", sa.BigInteger(), server_default="0", nullable=False))
        batch.add_column(sa.Column("proposal", sa.BigInteger(), nullable=True))
        batch.add_column(
            sa.Column("waiting_states", sa.Text(), server_default="{}", nullable=False)
        )
        counts(batch, AFTER)
    with op.batch_alter_table(BATCH) as batch:
        batch.add_column(sa.Column("waiting", sa.LargeBinary(), nullable=True))


def counts(batch: object, rule: str) -> None:
    """Hold the counts of verdicts to the rows by another rule."""
    batch.drop_constraint(op.f(f"ck_{IMPORT}_counts"), type_="check")  # type: ignore[attr-defined]
    batch.create_check_constraint(op.f(f"ck_{IMPORT}_counts"), rule)  # type: ignore[attr-defined]


def downgrade() -> None:
    with op.batch_alter_table(BATCH) as batch:
        batch.drop_column("waiting")
    with op.batch_alter_table(IMPORT) as batch:
        counts(batch, BEFORE)
        batch.drop_column("waiting_states")
        batch.drop_column("proposal")
        batch.drop_column("waits")
