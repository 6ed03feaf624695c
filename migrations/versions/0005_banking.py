"""Bank accounts, statements, entries and what they settle; acts on entries can only be added."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

APPEND_ONLY = ("bank_file", "bank_match", "bank_match_item")
REFUSAL = "what was imported and decided is kept"


def _make_append_only() -> None:
    """Refuse every change of a file and of an act in the database itself."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION bank_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(_trigger(table, verb))


def _trigger(table: str, verb: str) -> str:
    name = f"{table}_no_{verb.lower()}"
    if op.get_bind().dialect.name == "postgresql":
        return (
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION bank_append_only()"
        )
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def upgrade() -> None:
    op.create_table(
        "bank_account",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("account", sa.String(length=34), nullable=False),
        sa.Column("scheme", sa.String(length=5), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("name", sa.String(length=140), nullable=False),
        sa.Column("opened_by", sa.String(length=255), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("scheme IN ('IBAN', 'OTHER')", name=op.f("ck_bank_account_scheme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_account")),
        sa.UniqueConstraint("account", "currency", name=op.f("uq_bank_account_account_currency")),
    )
    op.create_table(
        "bank_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("imported_by", sa.String(length=255), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_bank_file")),
    )
    op.create_table(
        "bank_statement",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("bank_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("closing", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["bank_account.id"],
            name=op.f("fk_bank_statement_account_id_bank_account"),
        ),
        sa.ForeignKeyConstraint(
            ["file"], ["bank_file.sha256"], name=op.f("fk_bank_statement_file_bank_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
        sa.UniqueConstraint(
            "account_id", "number", name=op.f("uq_bank_statement_account_id_number")
        ),
    )
    op.create_table(
        "bank_entry",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=4), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("direction", sa.String(length=6), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.Column("value_on", sa.Date(), nullable=True),
        sa.Column("transaction_code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("instructed", sa.BigInteger(), nullable=True),
        sa.Column("instructed_currency", sa.String(length=3), nullable=True),
        sa.CheckConstraint(
            "direction IN ('CREDIT', 'DEBIT')", name=op.f("ck_bank_entry_direction")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_bank_entry_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["bank_account.id"], name=op.f("fk_bank_entry_account_id_bank_account")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["bank_statement.id"],
            name=op.f("fk_bank_entry_statement_id_bank_statement"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_entry")),
        sa.UniqueConstraint(
            "account_id", "identity", name=op.f("uq_bank_entry_account_id_identity")
        ),
    )
    op.create_index("ix_bank_entry_state", "bank_entry", ["state", "id"], unique=False)
    op.create_index("ix_bank_entry_statement_id", "bank_entry", ["statement_id"], unique=False)
    op.create_table(
        "bank_detail",
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("direction", sa.String(length=6), nullable=False),
        sa.Column("end_to_end_id", sa.Text(), nullable=True),
        sa.Column("refs", sa.Text(), nullable=False),
        sa.Column("counterparty_name", sa.Text(), nullable=True),
        sa.Column("counterparty_account", sa.Text(), nullable=True),
        sa.Column("remittance", sa.Text(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("instructed", sa.BigInteger(), nullable=True),
        sa.Column("instructed_currency", sa.String(length=3), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("notified_by", sa.String(length=64), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_bank_detail_amount")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["bank_entry.id"], name=op.f("fk_bank_detail_entry_id_bank_entry")
        ),
        sa.ForeignKeyConstraint(
            ["notified_by"], ["bank_file.sha256"], name=op.f("fk_bank_detail_notified_by_bank_file")
        ),
        sa.PrimaryKeyConstraint("entry_id", "number", name=op.f("pk_bank_detail")),
    )
    op.create_index(
        op.f("ix_bank_detail_end_to_end_id"), "bank_detail", ["end_to_end_id"], unique=False
    )
    op.create_table(
        "bank_match",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=8), nullable=False),
        sa.Column("match_of", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("acted_by", sa.String(length=255), nullable=False),
        sa.Column("acted_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "act IN ('PROPOSED', 'SETTLED', 'UNDONE')", name=op.f("ck_bank_match_act")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["bank_entry.id"], name=op.f("fk_bank_match_entry_id_bank_entry")
        ),
        sa.ForeignKeyConstraint(
            ["match_of"], ["bank_match.id"], name=op.f("fk_bank_match_match_of_bank_match")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_match")),
        sa.UniqueConstraint("entry_id", "number", name=op.f("uq_bank_match_entry_id_number")),
    )
    op.create_table(
        "bank_notice",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.String(length=6), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["bank_account.id"], name=op.f("fk_bank_notice_account_id_bank_account")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["bank_entry.id"], name=op.f("fk_bank_notice_entry_id_bank_entry")
        ),
        sa.ForeignKeyConstraint(
            ["file"], ["bank_file.sha256"], name=op.f("fk_bank_notice_file_bank_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_notice")),
        sa.UniqueConstraint(
            "account_id", "identity", name=op.f("uq_bank_notice_account_id_identity")
        ),
    )
    op.create_table(
        "bank_match_item",
        sa.Column("match_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made", sa.String(length=160), nullable=True),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_bank_match_item_amount")),
        sa.ForeignKeyConstraint(
            ["match_id"], ["bank_match.id"], name=op.f("fk_bank_match_item_match_id_bank_match")
        ),
        sa.PrimaryKeyConstraint("match_id", "number", name=op.f("pk_bank_match_item")),
    )
    op.create_index("ix_bank_match_item_ref", "bank_match_item", ["kind", "ref"], unique=False)
    _make_append_only()


def downgrade() -> None:
    op.drop_table("bank_match_item")
    op.drop_table("bank_notice")
    op.drop_table("bank_match")
    op.drop_table("bank_detail")
    op.drop_table("bank_entry")
    op.drop_table("bank_statement")
    op.drop_table("bank_file")
    op.drop_table("bank_account")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION bank_append_only()")
