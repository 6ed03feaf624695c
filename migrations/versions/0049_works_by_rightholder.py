"""Works are found by whose they are, and the records of rightholders by being such."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"

OF_RIGHTHOLDERS = "subject_kind = 'RIGHTHOLDER' AND superseded_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "works_rightholder",
        sa.Column("rightholder", sa.String(64), nullable=False),
        sa.Column("work_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("rightholder", "work_id", name=op.f("pk_works_rightholder")),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    whose = "json_extract(body, '$.rightholder')" if is_sqlite else "body::json ->> 'rightholder'"
    holder = sa.literal_column(whose)
    there = sa.select(holder, sa.column("thing")).select_from(sa.table("works_version"))
    keys = sa.table("works_rightholder", sa.column("rightholder"), sa.column("work_id"))
    query = there.where(holder.is_not(None)).distinct()
    op.execute(keys.insert().from_select(["rightholder", "work_id"], query))
    only = sa.text(OF_RIGHTHOLDERS)
    op.create_index(
        "ix_mandates_record_rightholder",
        "mandates_record",
        ["subject"],
        sqlite_where=only,
        postgresql_where=only,
    )


def downgrade() -> None:
    op.drop_index("ix_mandates_record_rightholder", "mandates_record")
    op.drop_table("works_rightholder")
