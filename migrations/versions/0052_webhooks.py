"""Webhooks, and what each is told."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"

WEBHOOK, DELIVERY = "webhooks_webhook", "webhooks_delivery"
_AUTO = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        WEBHOOK,
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("party", sa.String(255), nullable=True),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("why", sa.String(200), nullable=True),
        sa.Column("kept_by", sa.String(255), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("former", sa.LargeBinary(), nullable=True),
        sa.Column("former_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{WEBHOOK}")),
    )
    op.create_index(op.f(f"ix_{WEBHOOK}_state"), WEBHOOK, ["state"])
    op.create_index(op.f(f"ix_{WEBHOOK}_role_party"), WEBHOOK, ["role", "party"])
    op.create_table(
        DELIVERY,
        sa.Column("id", _AUTO, autoincrement=True, nullable=False),
        sa.Column("webhook", sa.String(24), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(200), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook"], [f"{WEBHOOK}.id"], name=op.f(f"fk_{DELIVERY}_webhook_{WEBHOOK}")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{DELIVERY}")),
        sa.UniqueConstraint("webhook", "event", name=op.f(f"uq_{DELIVERY}_webhook_event")),
    )
    op.create_index(op.f(f"ix_{DELIVERY}_at"), DELIVERY, ["at"])
    op.create_index(op.f(f"ix_{DELIVERY}_webhook_id"), DELIVERY, ["webhook", "id"])
    due = ["webhook", "state", "next_at"]
    op.create_index(op.f(f"ix_{DELIVERY}_webhook_state_next_at"), DELIVERY, due)


def downgrade() -> None:
    op.drop_table(DELIVERY)
    op.drop_table(WEBHOOK)
