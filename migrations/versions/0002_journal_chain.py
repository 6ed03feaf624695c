"""Each journal entry is chained to the one before it, and settled months keep their head."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

REFUSAL = "the journal is append-only"
HEAD = "settlement_ledger_head"


def _trigger(verb: str) -> str:
    name = f"{HEAD}_no_{verb.lower()}"
    if op.get_bind().dialect.name == "postgresql":
        return (
            f"CREATE TRIGGER {name} BEFORE {verb} ON {HEAD} "
            "FOR EACH ROW EXECUTE FUNCTION settlement_append_only()"
        )
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {HEAD} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def upgrade() -> None:
    # Plain ALTERs: a table re-created by a batch would lose its triggers.
    op.add_column("settlement_entry", sa.Column("recorded_at", sa.BigInteger(), nullable=True))
    op.add_column("settlement_entry", sa.Column("previous", sa.String(64), nullable=True))
    op.add_column("settlement_entry", sa.Column("hash", sa.String(64), nullable=True))
    op.create_index("ix_settlement_entry_previous", "settlement_entry", ["previous"], unique=True)
    op.create_index("ix_settlement_entry_hash", "settlement_entry", ["hash"], unique=True)
    op.create_index("ix_settlement_posting_debit", "settlement_posting", ["debit", "id"])
    op.create_index("ix_settlement_posting_credit", "settlement_posting", ["credit", "id"])
    op.create_table(
        HEAD,
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("opening", sa.String(length=64), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["settlement_entry.id"],
            name=op.f("fk_settlement_ledger_head_entry_id_settlement_entry"),
        ),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_settlement_ledger_head")),
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(_trigger(verb))


def downgrade() -> None:
    op.drop_table(HEAD)
    op.drop_index("ix_settlement_posting_credit", table_name="settlement_posting")
    op.drop_index("ix_settlement_posting_debit", table_name="settlement_posting")
    op.drop_index("ix_settlement_entry_hash", table_name="settlement_entry")
    op.drop_index("ix_settlement_entry_previous", table_name="settlement_entry")
    for column in ("hash", "previous", "recorded_at"):
        op.drop_column("settlement_entry", column)
