"""Members, claims and opt-outs have a history; acts on them may need a second person."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

VERSIONS, PROPOSAL, CHANGE = "registry_member_version", "proposals_proposal", "history_change"
RIGHTHOLDER = "rightholders_member"
PAST_CLAIM, PAST_OPT_OUT = "registry_index_claim_past", "registry_index_reservation_past"
KNOWN = {
    "registry_claim": ("recorded_at", "superseded_at", "recorded_by", "reason", "replaces"),
    "registry_opt_out": ("superseded_at", "recorded_by", "reason", "replaces"),
}
INDEXES = ("registry_index_claim", "registry_index_reservation")
by_bytes = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("registry_claim") as batch:
        batch.add_column(recorded_at())
        batch.add_column(sa.Column("superseded_at", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("recorded_by", sa.String(255), nullable=True))
        batch.add_column(sa.Column("reason", sa.Text(), nullable=True))
        batch.add_column(sa.Column("replaces", sa.String(64), nullable=True))
        batch.add_column(sa.Column("joined_on", sa.Date(), nullable=True))
    with op.batch_alter_table("registry_opt_out") as batch:
        batch.add_column(sa.Column("superseded_at", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("recorded_by", sa.String(255), nullable=True))
        batch.add_column(sa.Column("reason", sa.Text(), nullable=True))
        batch.add_column(sa.Column("replaces", sa.BigInteger(), nullable=True))
    op.create_index("ix_registry_opt_out_member_id", "registry_opt_out", ["member_id"])
    for table in INDEXES:
        with op.batch_alter_table(table) as batch:
            batch.add_column(recorded_at())
    with op.batch_alter_table(CHANGE) as batch:
        batch.alter_column("thing", existing_type=sa.String(64), type_=sa.String(128))
    op.create_table(
        RIGHTHOLDER,
        sa.Column("member", sa.String(128), nullable=False),
        sa.Column("rightholder_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("member", "rightholder_id", name=op.f(f"pk_{RIGHTHOLDER}")),
    )
    create_past()
    create_member_versions()
    create_proposals()


def recorded_at() -> sa.Column[int]:
    """What was there before stands at 0: it was known before this was kept."""
    return sa.Column("recorded_at", sa.BigInteger(), nullable=False, server_default="0")


def create_past() -> None:
    op.create_table(
        PAST_CLAIM,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("claim_id", sa.String(64), nullable=False),
        sa.Column("holder_id", sa.String(64), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("wildcard", sa.Boolean(), nullable=False),
        sa.Column("counts_from", sa.Date(), nullable=False),
        sa.Column("counts_to", sa.Date(), nullable=True),
        sa.Column("content_tier", sa.String(64), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{PAST_CLAIM}")),
    )
    op.create_index(f"ix_{PAST_CLAIM}_host", PAST_CLAIM, ["host"])
    op.create_index(f"ix_{PAST_CLAIM}_claim_id", PAST_CLAIM, ["claim_id"])
    op.create_table(
        PAST_OPT_OUT,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("holder_id", sa.String(64), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("wildcard", sa.Boolean(), nullable=False),
        sa.Column("use", sa.String(64), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{PAST_OPT_OUT}")),
    )
    op.create_index(f"ix_{PAST_OPT_OUT}_host", PAST_OPT_OUT, ["host"])
    op.create_index(f"ix_{PAST_OPT_OUT}_holder_id", PAST_OPT_OUT, ["holder_id"])


def auto_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create_member_versions() -> None:
    op.create_table(
        VERSIONS,
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
        sa.PrimaryKeyConstraint("version", name=op.f(f"pk_{VERSIONS}")),
    )
    op.create_index(f"ix_{VERSIONS}_thing", VERSIONS, ["thing"])
    known = sa.text("superseded_at IS NULL")
    where = {"sqlite_where": known, "postgresql_where": known}
    op.create_index(f"ix_{VERSIONS}_known", VERSIONS, ["sorted_by", "thing"], **where)
    op.create_index(f"ix_{VERSIONS}_sorted", VERSIONS, ["sorted_by", "thing"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE VIRTUAL TABLE {VERSIONS}_words USING "
            "fts5(words, content='', detail=none, columnsize=0, tokenize='ascii', "
            "prefix='1')"
        )
    else:
        op.execute(
            f"CREATE INDEX {VERSIONS}_words ON {VERSIONS} USING gin "
            "(array_to_tsvector(string_to_array(btrim(words), ' ')))"
        )


def create_proposals() -> None:
    op.create_table(
        PROPOSAL,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("member", sa.String(128), nullable=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(255), nullable=False),
        sa.Column("by_member", sa.Boolean(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=True),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(outcome IS NULL) = (decided_by IS NULL) AND (outcome IS NULL) = (decided_at IS NULL)",
            name=op.f(f"ck_{PROPOSAL}_decided_whole"),
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome <> 'CONFIRMED' OR decided_by <> proposed_by",
            name=op.f(f"ck_{PROPOSAL}_maker_is_not_checker"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{PROPOSAL}")),
    )
    waits = sa.text("outcome IS NULL")
    op.create_index(
        f"ix_{PROPOSAL}_waiting", PROPOSAL, ["id"], sqlite_where=waits, postgresql_where=waits
    )
    op.create_index(f"ix_{PROPOSAL}_member", PROPOSAL, ["member"])


def downgrade() -> None:
    op.drop_table(RIGHTHOLDER)
    op.drop_table(PROPOSAL)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TABLE {VERSIONS}_words")
    op.drop_table(VERSIONS)
    op.drop_table(PAST_OPT_OUT)
    op.drop_table(PAST_CLAIM)
    # An earlier version takes every row for what is known: what is not known any more goes.
    kind = sa.column("kind")
    changes = sa.delete(sa.table(CHANGE)).where(kind.in_(["MEMBER", "CLAIM", "OPT_OUT"]))
    op.execute(changes)
    for table in KNOWN:
        op.execute(sa.delete(sa.table(table)).where(sa.column("superseded_at").is_not(None)))
    with op.batch_alter_table(CHANGE) as batch:
        batch.alter_column("thing", existing_type=sa.String(128), type_=sa.String(64))
    for table in INDEXES:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("recorded_at")
    op.drop_index("ix_registry_opt_out_member_id", "registry_opt_out")
    for table, columns in KNOWN.items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
            if table == "registry_claim":
                batch.drop_column("joined_on")
