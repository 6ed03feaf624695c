"""Payments are looked up by their kind: refunds are few among those of members."""

from alembic import op

revision = "0020"
down_revision = "0019"

NAME = "ix_settlement_payment_kind"


def upgrade() -> None:
    op.create_index(op.f(NAME), "settlement_payment", ["kind"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f(NAME), table_name="settlement_payment")
