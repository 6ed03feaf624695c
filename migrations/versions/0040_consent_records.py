"""Consent records, and the rulings that follow from them; what was merged is found by its own."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

RECORD = "mandates_record"
OPT_OUTS = ("registry_opt_out", "registry_index_reservation", "registry_index_reservation_past")
VERSIONS = ("works_version", "rightholders_version", "registry_member_version")
SAYING_YES = "'OPTED_IN', 'MANDATED', 'EXTENDED'"


def upgrade() -> None:
    op.create_table(
        RECORD,
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("subject_kind", sa.String(12), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("member", sa.String(128), nullable=True),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("use", sa.String(64), nullable=False),
        sa.Column("right", sa.String(24), nullable=False),
        sa.Column("territories", sa.Text(), nullable=False),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("share_bps", sa.Integer(), nullable=True),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("basis", sa.String(24), nullable=False),
        sa.Column("basis_reference", sa.Text(), nullable=True),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("capacity", sa.String(24), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("replaces", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            f"state IN ({SAYING_YES}, 'WITHHELD', 'RESERVED_EX_ANTE', 'WITHDRAWN')",
            name=op.f("ck_mandates_record_state"),
        ),
        sa.CheckConstraint(
            "subject_kind IN ('WORK', 'CLAIM', 'ADDRESS', 'MEMBER', 'RIGHTHOLDER')",
            name=op.f("ck_mandates_record_subject_kind"),
        ),
        sa.CheckConstraint(
            f"share_bps IS NULL OR (share_bps BETWEEN 0 AND 10000 AND state IN ({SAYING_YES}))",
            name=op.f("ck_mandates_record_share_bps"),
        ),
        sa.CheckConstraint(
            "exclusive = false OR state = 'MANDATED'", name=op.f("ck_mandates_record_exclusive")
        ),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > effective_at", name=op.f("ck_mandates_record_ends_at")
        ),
        sa.CheckConstraint(
            "superseded_at IS NULL OR superseded_at >= recorded_at",
            name=op.f("ck_mandates_record_superseded_at"),
        ),
    )
    op.create_index("ix_mandates_record_subject", RECORD, ["subject", "subject_kind"])
    op.create_index("ix_mandates_record_member", RECORD, ["member", "id"])
    has_star = sa.text("path LIKE '%*%'")
    for table in OPT_OUTS:
        op.add_column(table, sa.Column("since", sa.BigInteger(), nullable=True))
        op.create_index(
            f"ix_{table}_pattern",
            table,
            ["host"],
            sqlite_where=has_star,
            postgresql_where=has_star,
        )
    op.add_column(OPT_OUTS[0], sa.Column("record", sa.BigInteger(), nullable=True))
    _add_partial("ix_registry_opt_out_record", OPT_OUTS[0], "record")
    _add_partial("ix_registry_claim_replaces", "registry_claim", "replaces")
    for table in VERSIONS:
        _add_partial(f"ix_{table}_merged", table, "merged_into")


def _add_partial(name: str, table: str, column: str) -> None:
    there = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    """Forget records and what follows from them: to an earlier version they would be opt-outs."""
    for table in VERSIONS:
        op.drop_index(f"ix_{table}_merged", table)
    op.drop_index("ix_registry_claim_replaces", "registry_claim")
    op.drop_index("ix_registry_opt_out_record", OPT_OUTS[0])
    op.execute("DELETE FROM registry_opt_out WHERE record IS NOT NULL")
    op.drop_column(OPT_OUTS[0], "record")
    for table in OPT_OUTS:
        op.drop_index(f"ix_{table}_pattern", table)
        op.drop_column(table, "since")
    op.drop_table(RECORD)
