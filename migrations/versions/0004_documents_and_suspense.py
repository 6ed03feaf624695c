"""Numbered documents; held money with owners and clocks."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

APPEND_ONLY = ("settlement_document", "settlement_document_form", "settlement_release")
REFUSAL = "what was issued or released is never changed"
_AUTO = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _auto_id() -> sa.Column[int]:
    return sa.Column("id", _AUTO, autoincrement=True, nullable=False)


def _trigger(table: str, verb: str) -> str:
    name = f"{table}_no_{verb.lower()}"
    if op.get_bind().dialect.name == "postgresql":
        return (  # the function is the journal's, of 0001
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION settlement_append_only()"
        )
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


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
    op.create_table(
        "settlement_held_listing",
        _auto_id(),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("holder", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("url_digest", sa.String(64), nullable=False),
        sa.Column("amount_band", sa.String(24), nullable=False),
        sa.Column("held_since", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_held_listing")),
    )
    op.create_index(
        op.f("ix_settlement_held_listing_period"), "settlement_held_listing", ["period"]
    )
    op.create_index(
        "ix_settlement_held_listing_url_digest",
        "settlement_held_listing",
        ["url_digest", "period"],
    )
    op.create_table(
        "settlement_held_claim",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("url_digest", sa.String(64), nullable=False),
        sa.Column("claim_id", sa.String(64), nullable=False),
        sa.Column("member_id", sa.String(128), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("filed_by", sa.String(255), nullable=False),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> filed_by",
            name=op.f("ck_settlement_held_claim_maker_is_not_checker"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_held_claim")),
    )
    op.create_index(op.f("ix_settlement_held_claim_state"), "settlement_held_claim", ["state"])
    op.create_index("ix_settlement_held_claim_url_digest", "settlement_held_claim", ["url_digest"])
    op.create_table(
        "settlement_release",
        _auto_id(),
        sa.Column("held_item", _AUTO, nullable=False),
        sa.Column("held_claim", sa.String(24), nullable=True),
        sa.Column("to_party", sa.String(12), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.String(160), nullable=False),
        sa.CheckConstraint(
            "amount NOT LIKE '-%' AND amount <> '0'", name=op.f("ck_settlement_release_amount")
        ),
        sa.ForeignKeyConstraint(
            ["held_item"],
            ["settlement_held_item.id"],
            name=op.f("fk_settlement_release_held_item_settlement_held_item"),
        ),
        sa.ForeignKeyConstraint(
            ["held_claim"],
            ["settlement_held_claim.id"],
            name=op.f("fk_settlement_release_held_claim_settlement_held_claim"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_release")),
    )
    op.create_index("ix_settlement_release_held_item", "settlement_release", ["held_item"])
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(_trigger(table, verb))


def downgrade() -> None:
    on_table = op.get_bind().dialect.name == "postgresql"
    for table in APPEND_ONLY:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}" + (f" ON {table}" if on_table else ""))
    op.drop_table("settlement_release")
    op.drop_table("settlement_held_claim")
    op.drop_table("settlement_held_listing")
    op.drop_table("settlement_document_form")
    op.drop_table("settlement_document")
    op.drop_table("settlement_series")
