"""What sites publish about the use of their pages is kept with its text."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

SOURCE, VERSION = "reservations_source", "reservations_version"
LIST, ENDING = "reservations_list", "reservations_ending"


def upgrade() -> None:
    named = sa.text("source IS NOT NULL")
    op.create_index(
        "ix_registry_opt_out_source",
        "registry_opt_out",
        ["source"],
        sqlite_where=named,
        postgresql_where=named,
    )
    op.create_table(
        SOURCE,
        sa.Column("source_id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f(f"pk_{SOURCE}")),
        sa.UniqueConstraint("host", "kind", "page", name=op.f(f"uq_{SOURCE}_host_kind_page")),
    )
    create_versions()
    create_lists()
    create_endings()


def auto_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create_versions() -> None:
    op.create_table(
        VERSION,
        sa.Column("version_id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("source_id", auto_id(), nullable=False),
        sa.Column("fetched_from", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("not_expressed", sa.LargeBinary(), nullable=False),
        sa.Column("tables_as_of", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f(f"pk_{VERSION}")),
        of_source(VERSION),
    )
    op.create_index(f"ix_{VERSION}_source_id", VERSION, ["source_id"])


def of_source(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_source_id_{SOURCE}")
    return sa.ForeignKeyConstraint(["source_id"], [f"{SOURCE}.source_id"], name=name)


def of_version(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_version_id_{VERSION}")
    return sa.ForeignKeyConstraint(["version_id"], [f"{VERSION}.version_id"], name=name)


def create_lists() -> None:
    op.create_table(
        LIST,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("source_id", auto_id(), nullable=False),
        sa.Column("version_id", auto_id(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uses", sa.Text(), nullable=False),
        sa.Column("rules", sa.LargeBinary(), nullable=False),
        sa.Column("rule_count", sa.Integer(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("replaces", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{LIST}")),
        of_source(LIST),
        of_version(LIST),
    )
    op.create_index(f"ix_{LIST}_source_id", LIST, ["source_id"])
    known = sa.text("superseded_at IS NULL")
    op.create_index(
        f"ix_{LIST}_known", LIST, ["source_id", "id"], sqlite_where=known, postgresql_where=known
    )


def create_endings() -> None:
    op.create_table(
        ENDING,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("list_row", auto_id(), nullable=False),
        sa.Column("version_id", auto_id(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=True),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(outcome IS NULL) = (decided_by IS NULL) AND (outcome IS NULL) = (decided_at IS NULL)",
            name=op.f(f"ck_{ENDING}_decided_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ENDING}")),
        sa.ForeignKeyConstraint(
            ["list_row"], [f"{LIST}.id"], name=op.f(f"fk_{ENDING}_list_row_{LIST}")
        ),
        of_version(ENDING),
    )
    op.create_index(f"ix_{ENDING}_version_id", ENDING, ["version_id"])
    waits = sa.text("outcome IS NULL")
    op.create_index(
        f"ix_{ENDING}_waiting",
        ENDING,
        ["list_row"],
        unique=True,
        sqlite_where=waits,
        postgresql_where=waits,
    )


def downgrade() -> None:
    for table in (ENDING, LIST, VERSION, SOURCE):
        op.drop_table(table)
    op.drop_index("ix_registry_opt_out_source", "registry_opt_out")
