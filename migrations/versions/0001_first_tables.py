"""All tables of hub and node; the journal can only be added to."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = ("settlement_entry", "settlement_posting")
REFUSAL = "the journal is append-only"


def _make_append_only() -> None:
    """Refuse every change of a journal row in the database itself."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION settlement_append_only() RETURNS trigger LANGUAGE plpgsql AS "
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
            "FOR EACH ROW EXECUTE FUNCTION settlement_append_only()"
        )
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def _drop_append_only() -> None:
    on_table = op.get_bind().dialect.name == "postgresql"
    for table in APPEND_ONLY:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}" + (f" ON {table}" if on_table else ""))
    if on_table:
        op.execute("DROP FUNCTION settlement_append_only()")


def upgrade() -> None:
    op.create_table(
        "licensing_counter",
        sa.Column("licensor", sa.String(length=12), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("licensor", name=op.f("pk_licensing_counter")),
    )
    op.create_table(
        "licensing_licence",
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("licensor", sa.String(length=12), nullable=False),
        sa.Column("licensee", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_licensing_licence")),
    )
    op.create_table(
        "licensing_licensee",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_licensee")),
    )
    op.create_table(
        "licensing_tariff",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("published_by", sa.String(length=255), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_licensing_tariff")),
    )
    op.create_table(
        "metering_batch",
        sa.Column("reporter", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reporter", "key", name=op.f("pk_metering_batch")),
    )
    op.create_table(
        "metering_line",
        sa.Column("reporter", sa.String(length=255), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("licence", sa.String(length=24), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("source", sa.String(length=4), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.CheckConstraint("units > 0", name=op.f("ck_metering_line_units")),
        sa.PrimaryKeyConstraint("reporter", "event_id", name=op.f("pk_metering_line")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("metering_line", schema=None) as batch_op:
        batch_op.create_index("ix_metering_line_period", ["period", "verdict"], unique=False)

    op.create_table(
        "metering_period",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("cut_off_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_metering_period")),
    )
    op.create_table(
        "metering_portion",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("party", sa.String(length=12), nullable=False),
        sa.Column("member", sa.String(length=128), nullable=True),
        sa.Column("claim_id", sa.String(length=64), nullable=True),
        sa.Column("url_key", sa.Text(), nullable=True),
        sa.Column("weight", sa.Text(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metering_portion")),
    )
    with op.batch_alter_table("metering_portion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_metering_portion_period"), ["period"], unique=False)

    op.create_table(
        "metering_progress",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("party", sa.String(length=12), nullable=False),
        sa.Column("forwarded_lines", sa.Integer(), nullable=True),
        sa.Column("routed_lines", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("period", "party", name=op.f("pk_metering_progress")),
    )
    op.create_table(
        "metering_report",
        sa.Column("party", sa.String(length=12), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party", "period", "sequence", name=op.f("pk_metering_report")),
    )
    op.create_table(
        "metering_routed_line",
        sa.Column("origin", sa.String(length=12), nullable=False),
        sa.Column("reporter", sa.String(length=255), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("licence", sa.String(length=24), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint(
            "origin", "reporter", "event_id", name=op.f("pk_metering_routed_line")
        ),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("metering_routed_line", schema=None) as batch_op:
        batch_op.create_index("ix_metering_routed_line_period", ["period"], unique=False)

    op.create_table(
        "metering_total",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("licence", sa.String(length=24), nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("url_digest", sa.String(length=64), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("member", sa.String(length=128), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metering_total")),
    )
    with op.batch_alter_table("metering_total", schema=None) as batch_op:
        batch_op.create_index("ix_metering_total_member", ["member", "period"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_metering_total_url_digest"), ["url_digest"], unique=False
        )

    op.create_table(
        "metering_uncounted",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("reporter", sa.String(length=255), nullable=False),
        sa.Column("batch", sa.String(length=128), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metering_uncounted")),
    )
    with op.batch_alter_table("metering_uncounted", schema=None) as batch_op:
        batch_op.create_index("ix_metering_uncounted_period", ["period", "verdict"], unique=False)

    op.create_table(
        "registry_index_claim",
        sa.Column("node", sa.String(length=12), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("wildcard", sa.Boolean(), nullable=False),
        sa.Column("counts_from", sa.Date(), nullable=False),
        sa.Column("counts_to", sa.Date(), nullable=True),
        sa.Column("content_tier", sa.String(length=64), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("node", "claim_id", name=op.f("pk_registry_index_claim")),
    )
    with op.batch_alter_table("registry_index_claim", schema=None) as batch_op:
        batch_op.create_index("ix_registry_index_claim_host", ["host"], unique=False)

    op.create_table(
        "registry_index_reservation",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("node", sa.String(length=12), nullable=False),
        sa.Column("holder_id", sa.String(length=64), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("wildcard", sa.Boolean(), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_index_reservation")),
    )
    with op.batch_alter_table("registry_index_reservation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_registry_index_reservation_holder_id", ["holder_id"], unique=False
        )
        batch_op.create_index("ix_registry_index_reservation_host", ["host"], unique=False)

    op.create_table(
        "registry_member",
        sa.Column("member_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("suspended_on", sa.Date(), nullable=True),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("account_scheme", sa.String(length=8), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=True),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_registry_member")),
    )
    op.create_table(
        "registry_version",
        sa.Column("node", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_registry_version")),
    )
    op.create_table(
        "settlement_distribution",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("distribution_id", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("received", sa.Text(), nullable=False),
        sa.Column("domestic", sa.Text(), nullable=False),
        sa.Column("admin_fee", sa.Text(), nullable=False),
        sa.Column("outstanding", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_settlement_distribution")),
    )
    op.create_table(
        "settlement_entry",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("document", sa.String(length=160), nullable=False),
        sa.Column("narration", sa.Text(), nullable=False),
        sa.Column("reverses", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["reverses"],
            ["settlement_entry.id"],
            name=op.f("fk_settlement_entry_reverses_settlement_entry"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_entry")),
        sa.UniqueConstraint("document", name=op.f("uq_settlement_entry_document")),
    )
    op.create_table(
        "settlement_held_item",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("weight", sa.Text(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("held_since", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_held_item")),
    )
    with op.batch_alter_table("settlement_held_item", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_settlement_held_item_run_id"), ["run_id"], unique=False
        )

    op.create_table(
        "settlement_locked_period",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_settlement_locked_period")),
    )
    op.create_table(
        "settlement_member_amount",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("member_id", sa.String(length=128), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=True),
        sa.Column("use", sa.String(length=64), nullable=True),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_member_amount")),
    )
    with op.batch_alter_table("settlement_member_amount", schema=None) as batch_op:
        batch_op.create_index(
            "ix_settlement_member_amount_member_id", ["member_id", "period"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_settlement_member_amount_period"), ["period"], unique=False
        )

    op.create_table(
        "settlement_member_balance",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("member_id", sa.String(length=128), nullable=False),
        sa.Column("opening", sa.Text(), nullable=False),
        sa.Column("attributed", sa.Text(), nullable=False),
        sa.Column("payable", sa.Text(), nullable=False),
        sa.Column("outstanding", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("period", "member_id", name=op.f("pk_settlement_member_balance")),
    )
    op.create_table(
        "settlement_own_weight",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.Column("party", sa.String(length=12), nullable=False),
        sa.Column("weight", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "period", "licence", "party", name=op.f("pk_settlement_own_weight")
        ),
    )
    op.create_table(
        "settlement_payment",
        sa.Column("payment_id", sa.String(length=35), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("payer", sa.String(length=12), nullable=False),
        sa.Column("payee", sa.String(length=12), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_settlement_payment")),
    )
    with op.batch_alter_table("settlement_payment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_settlement_payment_run_id"), ["run_id"], unique=False)

    op.create_table(
        "settlement_rate",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate", sa.String(length=40), nullable=False),
        sa.Column("recorded_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("day", "currency", name=op.f("pk_settlement_rate")),
    )
    op.create_table(
        "settlement_run",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("calculated_by", sa.String(length=255), nullable=False),
        sa.Column("calculated_at", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.String(length=255), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> calculated_by",
            name=op.f("ck_settlement_run_maker_is_not_checker"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_run")),
    )
    with op.batch_alter_table("settlement_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_settlement_run_period"), ["period"], unique=False)
        batch_op.create_index(batch_op.f("ix_settlement_run_run_id"), ["run_id"], unique=False)

    op.create_table(
        "settlement_standing",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.Column("recognised", sa.Text(), nullable=False),
        sa.Column("carried_forward", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("period", "licence", name=op.f("pk_settlement_standing")),
    )
    op.create_table(
        "store_idempotency",
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("result_id", sa.String(length=255), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "field", "key", name=op.f("pk_store_idempotency")),
    )
    op.create_table(
        "store_inbox",
        sa.Column("sender", sa.String(length=255), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "sequence", name=op.f("pk_store_inbox")),
    )
    op.create_table(
        "store_lease",
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_lease")),
    )
    op.create_table(
        "store_outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_outbox")),
        sa.UniqueConstraint("target", "sequence", name=op.f("uq_store_outbox_target_sequence")),
    )
    with op.batch_alter_table("store_outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_store_outbox_waiting", ["target", "delivered_at", "sequence"], unique=False
        )

    op.create_table(
        "trust_application",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("entity_id", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("recommended_by", sa.String(length=255), nullable=True),
        sa.Column("decided_by", sa.String(length=255), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust_application")),
    )
    op.create_table(
        "trust_party",
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("entity_id", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("admitted_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_trust_party")),
        sa.UniqueConstraint("entity_id", name=op.f("uq_trust_party_entity_id")),
    )
    op.create_table(
        "licensing_offer",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("licensee", sa.String(length=128), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("tariff_version", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("offered_by", sa.String(length=255), nullable=False),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("licence", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(
            ["licensee"],
            ["licensing_licensee.id"],
            name=op.f("fk_licensing_offer_licensee_licensing_licensee"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_offer")),
    )
    op.create_table(
        "licensing_receipt",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("licence", sa.String(length=24), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(length=255), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_licensing_receipt_amount")),
        sa.ForeignKeyConstraint(
            ["licence"],
            ["licensing_licence.number"],
            name=op.f("fk_licensing_receipt_licence_licensing_licence"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licensing_receipt")),
    )
    with op.batch_alter_table("licensing_receipt", schema=None) as batch_op:
        batch_op.create_index(
            "ix_licensing_receipt_licence", ["licence", "received_on"], unique=False
        )

    op.create_table(
        "licensing_registration",
        sa.Column("licence", sa.String(length=24), nullable=False),
        sa.Column("node", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["licence"],
            ["licensing_licence.number"],
            name=op.f("fk_licensing_registration_licence_licensing_licence"),
        ),
        sa.PrimaryKeyConstraint("licence", "node", name=op.f("pk_licensing_registration")),
    )
    op.create_table(
        "registry_claim",
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=128), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("wildcard", sa.Boolean(), nullable=False),
        sa.Column("content_tier", sa.String(length=64), nullable=False),
        sa.Column("works", sa.Integer(), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=True),
        sa.Column("owner_bps", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "owner_bps BETWEEN 0 AND 10000", name=op.f("ck_registry_claim_owner_bps")
        ),
        sa.CheckConstraint("works >= 0", name=op.f("ck_registry_claim_works")),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["registry_member.member_id"],
            name=op.f("fk_registry_claim_member_id_registry_member"),
        ),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_registry_claim")),
    )
    with op.batch_alter_table("registry_claim", schema=None) as batch_op:
        batch_op.create_index("ix_registry_claim_host", ["host"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_registry_claim_member_id"), ["member_id"], unique=False
        )

    op.create_table(
        "registry_opt_out",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("member_id", sa.String(length=128), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("wildcard", sa.Boolean(), nullable=False),
        sa.Column("use", sa.String(length=64), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["registry_member.member_id"],
            name=op.f("fk_registry_opt_out_member_id_registry_member"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_opt_out")),
    )
    with op.batch_alter_table("registry_opt_out", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registry_opt_out_host"), ["host"], unique=False)

    op.create_table(
        "settlement_posting",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("debit", sa.String(length=80), nullable=False),
        sa.Column("credit", sa.String(length=80), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("meta", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "length(amount) > 0 AND amount NOT LIKE '-%' AND amount <> '0'",
            name=op.f("ck_settlement_posting_amount"),
        ),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_settlement_posting_two_accounts")),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["settlement_entry.id"],
            name=op.f("fk_settlement_posting_entry_id_settlement_entry"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_posting")),
    )
    with op.batch_alter_table("settlement_posting", schema=None) as batch_op:
        batch_op.create_index("ix_settlement_posting_entry_id", ["entry_id"], unique=False)
    _make_append_only()


def downgrade() -> None:
    _drop_append_only()
    with op.batch_alter_table("settlement_posting", schema=None) as batch_op:
        batch_op.drop_index("ix_settlement_posting_entry_id")

    op.drop_table("settlement_posting")
    with op.batch_alter_table("registry_opt_out", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_registry_opt_out_host"))

    op.drop_table("registry_opt_out")
    with op.batch_alter_table("registry_claim", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_registry_claim_member_id"))
        batch_op.drop_index("ix_registry_claim_host")

    op.drop_table("registry_claim")
    op.drop_table("licensing_registration")
    with op.batch_alter_table("licensing_receipt", schema=None) as batch_op:
        batch_op.drop_index("ix_licensing_receipt_licence")

    op.drop_table("licensing_receipt")
    op.drop_table("licensing_offer")
    op.drop_table("trust_party")
    op.drop_table("trust_application")
    with op.batch_alter_table("store_outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_store_outbox_waiting")

    op.drop_table("store_outbox")
    op.drop_table("store_lease")
    op.drop_table("store_inbox")
    op.drop_table("store_idempotency")
    op.drop_table("settlement_standing")
    with op.batch_alter_table("settlement_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_settlement_run_run_id"))
        batch_op.drop_index(batch_op.f("ix_settlement_run_period"))

    op.drop_table("settlement_run")
    op.drop_table("settlement_rate")
    with op.batch_alter_table("settlement_payment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_settlement_payment_run_id"))

    op.drop_table("settlement_payment")
    op.drop_table("settlement_own_weight")
    op.drop_table("settlement_member_balance")
    with op.batch_alter_table("settlement_member_amount", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_settlement_member_amount_period"))
        batch_op.drop_index("ix_settlement_member_amount_member_id")

    op.drop_table("settlement_member_amount")
    op.drop_table("settlement_locked_period")
    with op.batch_alter_table("settlement_held_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_settlement_held_item_run_id"))

    op.drop_table("settlement_held_item")
    op.drop_table("settlement_entry")
    op.drop_table("settlement_distribution")
    op.drop_table("registry_version")
    op.drop_table("registry_member")
    with op.batch_alter_table("registry_index_reservation", schema=None) as batch_op:
        batch_op.drop_index("ix_registry_index_reservation_host")
        batch_op.drop_index("ix_registry_index_reservation_holder_id")

    op.drop_table("registry_index_reservation")
    with op.batch_alter_table("registry_index_claim", schema=None) as batch_op:
        batch_op.drop_index("ix_registry_index_claim_host")

    op.drop_table("registry_index_claim")
    with op.batch_alter_table("metering_uncounted", schema=None) as batch_op:
        batch_op.drop_index("ix_metering_uncounted_period")

    op.drop_table("metering_uncounted")
    with op.batch_alter_table("metering_total", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_metering_total_url_digest"))
        batch_op.drop_index("ix_metering_total_member")

    op.drop_table("metering_total")
    with op.batch_alter_table("metering_routed_line", schema=None) as batch_op:
        batch_op.drop_index("ix_metering_routed_line_period")

    op.drop_table("metering_routed_line")
    op.drop_table("metering_report")
    op.drop_table("metering_progress")
    with op.batch_alter_table("metering_portion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_metering_portion_period"))

    op.drop_table("metering_portion")
    op.drop_table("metering_period")
    with op.batch_alter_table("metering_line", schema=None) as batch_op:
        batch_op.drop_index("ix_metering_line_period")

    op.drop_table("metering_line")
    op.drop_table("metering_batch")
    op.drop_table("licensing_tariff")
    op.drop_table("licensing_licensee")
    op.drop_table("licensing_licence")
    op.drop_table("licensing_counter")
