"""Works and rightholders with their history, by what they are found, and the feed of changes."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"

CHANGE = "history_change"
VERSIONS = ("works_version", "rightholders_version")
IDENTIFIER = "works_identifier"
KEYS = (
    ("works_address", "address", sa.Text(), "work_id"),
    ("works_copy", "canonical", sa.String(80), "work_id"),
    ("rightholders_identifier", "identifier", sa.String(280), "rightholder_id"),
)
by_bytes = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        CHANGE,
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("thing", sa.String(64), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{CHANGE}")),
    )
    op.create_index(f"ix_{CHANGE}_kind_thing", CHANGE, ["kind", "thing", "number"])
    for table in VERSIONS:
        create_versions(table)
    op.create_table(
        IDENTIFIER,
        sa.Column("identifier", sa.String(280), nullable=False),
        sa.Column("numbers_one", sa.Boolean(), nullable=False),
        sa.Column("work_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint(
            "identifier", "numbers_one", "work_id", name=op.f(f"pk_{IDENTIFIER}")
        ),
    )
    for table, column, kind, thing in KEYS:
        op.create_table(
            table,
            sa.Column(column, kind, nullable=False),
            sa.Column(thing, sa.String(64), nullable=False),
            sa.PrimaryKeyConstraint(column, thing, name=op.f(f"pk_{table}")),
        )


def create_versions(table: str) -> None:
    op.create_table(
        table,
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("thing", by_bytes, nullable=False),
        sa.Column("sorted_by", by_bytes, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.String(64), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_thing", table, ["thing"])
    known = sa.text("superseded_at IS NULL")
    where = {"sqlite_where": known, "postgresql_where": known}
    op.create_index(f"ix_{table}_known", table, ["sorted_by", "thing"], **where)
    op.create_index(f"ix_{table}_sorted", table, ["sorted_by", "thing"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE VIRTUAL TABLE {table}_words USING "
            "fts5(words, content='', detail=none, columnsize=0, tokenize='ascii', "
            "prefix='1')"
        )
    else:
        op.execute(
            f"CREATE INDEX {table}_words ON {table} USING gin "
            "(array_to_tsvector(string_to_array(btrim(words), ' ')))"
        )


def downgrade() -> None:
    op.drop_table(IDENTIFIER)
    for table, *_ in KEYS:
        op.drop_table(table)
    for table in VERSIONS:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TABLE {table}_words")
        op.drop_table(table)
    op.drop_table(CHANGE)
