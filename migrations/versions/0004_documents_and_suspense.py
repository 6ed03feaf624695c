"""Numbered documents; held money with owners and clocks."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "settlement_series",
        sa.Column("issuer", sa.String(12), nullable=False),
        sa.Column("series", sa.String(4), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "series", name=op.f("pk_settlement_series")),
    )
    op.create_table(
        "settlement_document",
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("issuer", sa.String(12), nullable=False),
        sa.Column("series", sa.String(4), nullable=False),
        sa.Column("subject", sa.String(160), nullable=False),
        sa.Column("period", sa.String(7), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_settlement_document")),
        sa.UniqueConstraint(
            "issuer", "series", "subject", name=op.f("uq_settlement_document_issuer_series_subject")
        ),
    )
    op.create_index(op.f("ix_settlement_document_period"), "settlement_document", ["period"])
    op.create_table(
        "settlement_document_form",
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["settlement_document.number"],
            name=op.f("fk_settlement_document_form_number_settlement_document"),
        ),
        sa.PrimaryKeyConstraint("number", "media_type", name=op.f("pk_settlement_document_form")),
    )


def downgrade() -> None:
    op.drop_table("settlement_document_form")
    op.drop_table("settlement_document")
    op.drop_table("settlement_series")
