"""Payments have a life, and remember the debt they discharge."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ADDED = (
    ("kind", sa.String(12), "REMITTANCE"),
    ("debt_account", sa.String(80), ""),
    ("debt_amount", sa.Text(), "0"),
    ("debt_currency", sa.String(3), ""),
    ("set_off", sa.Text(), "0"),
    ("payer_account", sa.Text(), None),
    ("payee_account", sa.Text(), None),
    ("replaces", sa.String(35), None),
    ("proposed_by", sa.String(255), None),
    ("proposed_at", sa.BigInteger(), None),
    ("approved_by", sa.String(255), None),
    ("approved_at", sa.BigInteger(), None),
    ("exported_in", sa.String(40), None),
    ("exported_at", sa.BigInteger(), None),
    ("due_on", sa.Date(), None),
    ("value_on", sa.Date(), None),
    ("booked_on", sa.Date(), None),
    ("returned_on", sa.Date(), None),
)
INDEXES = {
    "ix_settlement_payment_payee": ["payee"],
    "ix_settlement_payment_state": ["state"],
    "ix_settlement_payment_exported_in": ["exported_in"],
    "ix_settlement_payment_period": ["period", "state"],
}
ON_MEMBER = (
    ("clearing_id", sa.String(34)),
    ("account_set_by", sa.String(255)),
    ("account_set_at", sa.BigInteger()),
)
AUTO_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _protect(table: str) -> None:
    """Refuse every change of a row in the database itself, as for the journal."""
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for verb in ("UPDATE", "DELETE"):
        name = f"{table}_no_{verb.lower()}"
        act = (
            "FOR EACH ROW EXECUTE FUNCTION settlement_append_only()"
            if on_postgres
            else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {act}")


def upgrade() -> None:
    with op.batch_alter_table("settlement_payment") as batch_op:
        batch_op.alter_column(
            "payee", existing_type=sa.String(12), type_=sa.String(140), existing_nullable=False
        )
        for name, kind, default in ADDED:
            batch_op.add_column(
                sa.Column(name, kind, nullable=default is None, server_default=default)
            )
        batch_op.create_check_constraint(
            op.f("ck_settlement_payment_maker_is_not_checker"),
            "approved_by IS NULL OR approved_by <> proposed_by",
        )
    for name, columns in INDEXES.items():
        op.create_index(name, "settlement_payment", columns)
    op.create_table(
        "settlement_payment_event",
        sa.Column("id", AUTO_ID, autoincrement=True, nullable=False),
        sa.Column("payment_id", sa.String(35), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reference", sa.String(160), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_payment_event")),
    )
    op.create_index(
        op.f("ix_settlement_payment_event_payment_id"), "settlement_payment_event", ["payment_id"]
    )
    _protect("settlement_payment_event")
    op.create_table(
        "settlement_incoming",
        sa.Column("id", sa.String(35), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("payer", sa.String(12), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("is_net", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("debt_account", sa.String(80), nullable=False),
        sa.Column("debt_amount", sa.Text(), nullable=False),
        sa.Column("debt_currency", sa.String(3), nullable=False),
        sa.Column("received", sa.Text(), nullable=False, server_default="0"),
        sa.Column("settled", sa.Text(), nullable=False, server_default="0"),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_incoming")),
    )
    op.create_index("ix_settlement_incoming_period", "settlement_incoming", ["period", "payer"])
    op.create_table(
        "settlement_exclusion",
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(255), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(255), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by",
            name=op.f("ck_settlement_exclusion_maker_is_not_checker"),
        ),
        sa.PrimaryKeyConstraint("period", "node", name=op.f("pk_settlement_exclusion")),
    )
    op.create_table(
        "settlement_conversion",
        sa.Column("deal", sa.String(28), nullable=False),
        sa.Column("sold", sa.Text(), nullable=False),
        sa.Column("sold_currency", sa.String(3), nullable=False),
        sa.Column("squares_sold", sa.Text(), nullable=False),
        sa.Column("bought", sa.Text(), nullable=False),
        sa.Column("bought_currency", sa.String(3), nullable=False),
        sa.Column("squares_bought", sa.Text(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("sold_on", sa.Date(), nullable=True),
        sa.Column("bought_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("deal", name=op.f("pk_settlement_conversion")),
    )
    for name, kind in ON_MEMBER:
        op.add_column("registry_member", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("registry_member") as batch_op:
        for name, _ in reversed(ON_MEMBER):
            batch_op.drop_column(name)
    op.drop_table("settlement_conversion")
    op.drop_table("settlement_exclusion")
    op.drop_table("settlement_incoming")
    op.drop_table("settlement_payment_event")  # its triggers go with it
    for name in INDEXES:
        op.drop_index(name, "settlement_payment")
    # A payee that is no party's code is of no use to the code before.
    op.execute("DELETE FROM settlement_payment WHERE length(payee) > 12")
    with op.batch_alter_table("settlement_payment") as batch_op:
        batch_op.drop_constraint(op.f("ck_settlement_payment_maker_is_not_checker"), type_="check")
        for name, _, _ in reversed(ADDED):
            batch_op.drop_column(name)
        batch_op.alter_column(
            "payee", existing_type=sa.String(140), type_=sa.String(12), existing_nullable=False
        )
