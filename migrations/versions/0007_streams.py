"""Messages in streams, parked ones, invitations to apply."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("store_outbox") as batch_op:
        batch_op.add_column(sa.Column("stream", sa.String(160), server_default="", nullable=False))
        batch_op.drop_index("ix_store_outbox_waiting")
        batch_op.drop_constraint("uq_store_outbox_target_sequence", type_="unique")
        batch_op.create_unique_constraint(
            "uq_store_outbox_target_stream_sequence", ["target", "stream", "sequence"]
        )
        batch_op.create_index(
            "ix_store_outbox_waiting", ["target", "delivered_at", "id"], unique=False
        )
    with op.batch_alter_table("store_inbox") as batch_op:
        batch_op.add_column(sa.Column("stream", sa.String(160), server_default="", nullable=False))
        batch_op.drop_constraint("pk_store_inbox", type_="primary")
        batch_op.create_primary_key("pk_store_inbox", ["sender", "stream", "sequence"])
    op.create_table(
        "store_parked",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("sender", sa.String(255), nullable=False),
        sa.Column("sender_code", sa.String(12), nullable=False),
        sa.Column("entity_id", sa.String(255), nullable=False),
        sa.Column("stream", sa.String(160), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("drop_proposed_by", sa.String(255), nullable=True),
        sa.Column("drop_reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> drop_proposed_by",
            name=op.f("ck_store_parked_dropped_by_two"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_parked")),
        sa.UniqueConstraint(
            "sender", "stream", "sequence", name=op.f("uq_store_parked_sender_stream_sequence")
        ),
    )
    op.create_index(
        "ix_store_parked_state", "store_parked", ["state", "sender", "stream", "id"], unique=False
    )
    op.create_table(
        "trust_invitation",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("note", sa.String(300), nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("application", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust_invitation")),
        sa.UniqueConstraint("digest", name=op.f("uq_trust_invitation_digest")),
    )
    with op.batch_alter_table("metering_period") as batch_op:
        batch_op.add_column(
            sa.Column("received_lines", sa.Integer(), server_default="0", nullable=False)
        )
    op.execute(
        "UPDATE metering_period SET received_lines = (SELECT COUNT(*) FROM metering_routed_line"
        " AS line WHERE line.period = metering_period.period)"
    )
    with op.batch_alter_table("trust_application") as batch_op:
        batch_op.add_column(sa.Column("key_id", sa.String(64), server_default="", nullable=False))
        batch_op.add_column(sa.Column("invitation", sa.String(64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("metering_period") as batch_op:
        batch_op.drop_column("received_lines")
    with op.batch_alter_table("trust_application") as batch_op:
        batch_op.drop_column("invitation")
        batch_op.drop_column("key_id")
    op.drop_table("trust_invitation")
    op.drop_index("ix_store_parked_state", "store_parked")
    op.drop_table("store_parked")
    with op.batch_alter_table("store_inbox") as batch_op:
        batch_op.drop_constraint("pk_store_inbox", type_="primary")
        batch_op.create_primary_key("pk_store_inbox", ["sender", "sequence"])
        batch_op.drop_column("stream")
    with op.batch_alter_table("store_outbox") as batch_op:
        batch_op.drop_index("ix_store_outbox_waiting")
        batch_op.drop_constraint("uq_store_outbox_target_stream_sequence", type_="unique")
        batch_op.create_unique_constraint("uq_store_outbox_target_sequence", ["target", "sequence"])
        batch_op.create_index(
            "ix_store_outbox_waiting", ["target", "delivered_at", "sequence"], unique=False
        )
        batch_op.drop_column("stream")
