"""What staff look for by its amount; who sees to an entry of a bank, and what is said of it."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0058"

AMOUNTS = ("settlement_payment", "bank_entry")
OWNER, COMMENT = "bank_entry_owner", "bank_entry_comment"
ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in AMOUNTS:
        op.create_index(op.f(f"ix_{table}_amount"), table, ["currency", "amount"])
    op.create_table(
        OWNER,
        sa.Column("entry_id", ROW, nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.String(255), nullable=False),
        _of_entry(OWNER),
        sa.PrimaryKeyConstraint("entry_id", name=op.f(f"pk_{OWNER}")),
    )
    op.create_table(
        COMMENT,
        sa.Column("entry_id", ROW, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("said_by", sa.String(255), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        _of_entry(COMMENT),
        sa.PrimaryKeyConstraint("entry_id", "number", name=op.f(f"pk_{COMMENT}")),
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(_refusing(verb))


def _refusing(verb: str) -> str:
    """Return what refuses to change a comment in the database itself, as acts on entries are."""
    begins = f"CREATE TRIGGER {COMMENT}_no_{verb.lower()} BEFORE {verb} ON {COMMENT}"
    if op.get_bind().dialect.name == "postgresql":
        return f"{begins} FOR EACH ROW EXECUTE FUNCTION bank_append_only()"
    return f"{begins} BEGIN SELECT RAISE(ABORT, 'what was said is kept'); END"


def _of_entry(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_entry_id_bank_entry")
    return sa.ForeignKeyConstraint(["entry_id"], ["bank_entry.id"], name=name)


def downgrade() -> None:
    for table in (COMMENT, OWNER):
        op.drop_table(table)
    for table in AMOUNTS:
        op.drop_index(op.f(f"ix_{table}_amount"), table)
