"""Whom invoices to a lab name, with its history; until when a document is to be paid."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0043"

DETAILS, DOCUMENT = "licensing_billing_details", "settlement_document"
LICENCE = "licensing_licence"
STANDS = sa.text("superseded_at IS NULL")


def upgrade() -> None:
    op.create_table(
        DETAILS,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("licensee", sa.String(128), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("stated_by", sa.String(255), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{DETAILS}")),
        sa.ForeignKeyConstraint(
            ["licensee"],
            ["licensing_licensee.id"],
            name=op.f(f"fk_{DETAILS}_licensee_licensing_licensee"),
        ),
    )
    op.create_index(op.f(f"ix_{DETAILS}_licensee"), DETAILS, ["licensee"])
    op.create_index(
        f"uq_{DETAILS}_now",
        DETAILS,
        ["licensee"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
    op.add_column(DOCUMENT, sa.Column("due_on", sa.Date(), nullable=True))
    fill_due()


def fill_due() -> None:
    """An invoice so far was due on the first day of its licence's term: its bytes say so."""
    document = sa.table(DOCUMENT, *map(sa.column, ("series", "subject", "due_on")))
    licence = sa.table(LICENCE, sa.column("number"), sa.column("starts_on"))
    starts_on = (
        sa.select(licence.c.starts_on)
        .where(licence.c.number == document.c.subject)
        .scalar_subquery()
    )
    op.execute(sa.update(document).where(document.c.series == "INV").values(due_on=starts_on))


def auto_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def downgrade() -> None:
    op.drop_column(DOCUMENT, "due_on")
    op.drop_table(DETAILS)
