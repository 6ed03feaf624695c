"""Missing reports, objections, corrections."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "settlement_member_adjustment",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("document", sa.String(length=160), nullable=False),
        sa.Column("member_id", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("service_period", sa.String(length=7), nullable=False),
        sa.Column("corrects", sa.String(length=64), nullable=True),
        sa.Column("licence", sa.String(length=64), nullable=True),
        sa.Column("use", sa.String(length=64), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.Column("taken_in", sa.String(length=7), nullable=True),
        sa.CheckConstraint("amount <> '0'", name=op.f("ck_settlement_member_adjustment_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_member_adjustment")),
    )
    op.create_index(
        op.f("ix_settlement_member_adjustment_document"),
        "settlement_member_adjustment",
        ["document"],
        unique=False,
    )
    op.create_index(
        "ix_settlement_member_adjustment_member_id",
        "settlement_member_adjustment",
        ["member_id", "taken_in"],
        unique=False,
    )
    op.create_table(
        "settlement_missing_report",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("node", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.String(length=255), nullable=False),
        sa.Column("declared_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> declared_by",
            name=op.f("ck_settlement_missing_report_two_people"),
        ),
        sa.PrimaryKeyConstraint("period", "node", name=op.f("pk_settlement_missing_report")),
    )
    op.create_table(
        "settlement_response",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=12), nullable=False),
        sa.Column("answer", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_by", sa.String(length=255), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "node", name=op.f("pk_settlement_response")),
    )
    op.create_table(
        "settlement_set_off",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("node", sa.String(length=12), nullable=False),
        sa.Column("document", sa.String(length=160), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("cleared", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("of", sa.Integer(), nullable=True),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_set_off")),
    )
    op.create_index(
        op.f("ix_settlement_set_off_node"), "settlement_set_off", ["node"], unique=False
    )
    op.add_column(
        "metering_period", sa.Column("round", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("metering_period", sa.Column("complete_lines", sa.Integer(), nullable=True))
    op.add_column(
        "metering_progress",
        sa.Column("missing", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("settlement_distribution", sa.Column("members", sa.Text(), nullable=True))
    op.add_column(
        "settlement_member_balance",
        sa.Column("adjusted", sa.Text(), server_default="0", nullable=False),
    )
    op.add_column("settlement_run", sa.Column("corrects", sa.String(length=64), nullable=True))
    op.add_column("settlement_run", sa.Column("posted_in", sa.String(length=7), nullable=True))
    op.add_column("settlement_run", sa.Column("objections_until", sa.BigInteger(), nullable=True))

    op.create_table(
        "settlement_node_correction",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("corrects", sa.String(length=64), nullable=False),
        sa.Column("received", sa.Text(), nullable=False),
        sa.Column("domestic", sa.Text(), nullable=False),
        sa.Column("admin_fee", sa.Text(), nullable=False),
        sa.Column("outstanding", sa.Text(), nullable=False),
        sa.Column("left_net", sa.Text(), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_node_correction")),
        sa.UniqueConstraint("run_id", name=op.f("uq_settlement_node_correction_run_id")),
    )
    op.create_index(
        op.f("ix_settlement_node_correction_period"), "settlement_node_correction", ["period"]
    )


def downgrade() -> None:
    op.drop_table("settlement_node_correction")
    op.drop_column("settlement_run", "objections_until")
    op.drop_column("settlement_run", "posted_in")
    op.drop_column("settlement_run", "corrects")
    op.drop_column("settlement_member_balance", "adjusted")
    op.drop_column("settlement_distribution", "members")
    op.drop_column("metering_progress", "missing")
    op.drop_column("metering_period", "complete_lines")
    op.drop_column("metering_period", "round")
    op.drop_index(op.f("ix_settlement_set_off_node"), table_name="settlement_set_off")
    op.drop_table("settlement_set_off")
    op.drop_table("settlement_response")
    op.drop_table("settlement_missing_report")
    op.drop_index(
        "ix_settlement_member_adjustment_member_id", table_name="settlement_member_adjustment"
    )
    op.drop_index(
        op.f("ix_settlement_member_adjustment_document"), table_name="settlement_member_adjustment"
    )
    op.drop_table("settlement_member_adjustment")
