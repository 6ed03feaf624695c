"""Shares that nodes tell the hub, and where those of several are more than the whole."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"

CONTESTED = "registry_contested_claim"
INDEX, OVER, TOLD = "registry_index_share", "registry_shares_over", "mandates_told_share"


def auto_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        CONTESTED,
        sa.Column("of_shares", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    create_index_share()
    op.create_table(
        OVER,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("contested", auto_id(), nullable=False),
        sa.Column("use", sa.String(64), nullable=False),
        sa.Column("right", sa.String(24), nullable=False),
        sa.Column("territory", sa.String(2), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contested"], [f"{CONTESTED}.id"], name=op.f(f"fk_{OVER}_contested_{CONTESTED}")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{OVER}")),
    )
    op.create_index(f"ix_{OVER}_contested", OVER, ["contested"])
    op.create_table(
        TOLD,
        sa.Column("share_id", sa.String(64), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("share_id", name=op.f(f"pk_{TOLD}")),
    )
    op.create_index(f"ix_{TOLD}_record", TOLD, ["record"])
    op.create_index(f"ix_{TOLD}_place", TOLD, ["place"])


def create_index_share() -> None:
    op.create_table(
        INDEX,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("share_id", sa.String(64), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("wildcard", sa.Boolean(), nullable=False),
        sa.Column("use", sa.String(64), nullable=False),
        sa.Column("right", sa.String(24), nullable=False),
        sa.Column("territories", sa.Text(), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("bps BETWEEN 1 AND 10000", name=op.f(f"ck_{INDEX}_bps")),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name=op.f(f"ck_{INDEX}_ends_at")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{INDEX}")),
    )
    star_at = "instr" if op.get_context().dialect.name == "sqlite" else "strpos"
    head = "substr(path, 1, 1000)"
    parts = (
        f"(CASE WHEN (path LIKE '%*%') THEN -{star_at}(path, '*') ELSE length(path) END)",
        f"substr({head}, 1, {star_at}({head} || '*', '*') - 1)",
        f"substr(path, {star_at}(path || '*', '*'), 1000)",
    )
    op.create_index(f"ix_{INDEX}_place", INDEX, ["host", *map(sa.text, parts)])
    known = sa.text("withdrawn_at IS NULL")
    where = {"sqlite_where": known, "postgresql_where": known}
    op.create_index(f"ix_{INDEX}_known", INDEX, ["node", "share_id"], unique=True, **where)


def downgrade() -> None:
    for table in (TOLD, OVER, INDEX):
        op.drop_table(table)
    op.drop_column(CONTESTED, "of_shares")
