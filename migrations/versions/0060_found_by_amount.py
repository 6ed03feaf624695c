"""What is looked for by its amount: payments, and entries of banks."""

from alembic import op

revision = "0060"
down_revision = "0058"

AMOUNTS = ("settlement_payment", "bank_entry")


def upgrade() -> None:
    for table in AMOUNTS:
        op.create_index(op.f(f"ix_{table}_amount"), table, ["currency", "amount"])


def downgrade() -> None:
    for table in AMOUNTS:
        op.drop_index(op.f(f"ix_{table}_amount"), table)
