"""What licensors hold by address, as the hub lists it, and what it told them to release."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

HELD, ORDER, PART = (
    "settlement_held_elsewhere",
    "settlement_release_order",
    "settlement_ordered_release",
)
_AUTO = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        HELD,
        _id(),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("licensor", sa.String(length=12), nullable=False),
        sa.Column("licence", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("url_digest", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("stated", sa.Text(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("held_since", sa.Date(), nullable=False),
        sa.CheckConstraint("amount NOT LIKE '-%'", name=op.f(f"ck_{HELD}_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{HELD}")),
        sa.UniqueConstraint(
            "period",
            "licence",
            "reason",
            "url_digest",
            name=op.f(f"uq_{HELD}_period_licence_reason_url_digest"),
        ),
    )
    op.create_index(f"ix_{HELD}_url_digest", HELD, ["url_digest"], unique=False)
    op.create_index(f"ix_{HELD}_licensor", HELD, ["licensor", "period"], unique=False)
    op.create_table(
        ORDER,
        _id(),
        sa.Column("held_claim", sa.String(length=24), nullable=False),
        sa.Column("licensor", sa.String(length=12), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["held_claim"],
            ["settlement_held_claim.id"],
            name=op.f(f"fk_{ORDER}_held_claim_settlement_held_claim"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ORDER}")),
        sa.UniqueConstraint("held_claim", "licensor", name=op.f(f"uq_{ORDER}_held_claim_licensor")),
    )
    op.create_table(
        PART,
        _id(),
        sa.Column("release_order", _AUTO, nullable=False),
        sa.Column("held_elsewhere", _AUTO, nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "amount NOT LIKE '-%' AND amount <> '0'", name=op.f(f"ck_{PART}_amount")
        ),
        sa.ForeignKeyConstraint(
            ["release_order"], [f"{ORDER}.id"], name=op.f(f"fk_{PART}_release_order_{ORDER}")
        ),
        sa.ForeignKeyConstraint(
            ["held_elsewhere"], [f"{HELD}.id"], name=op.f(f"fk_{PART}_held_elsewhere_{HELD}")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{PART}")),
    )
    op.create_index(f"ix_{PART}_held_elsewhere", PART, ["held_elsewhere"], unique=False)
    for verb in ("UPDATE", "DELETE"):
        op.execute(_trigger(verb))


def downgrade() -> None:
    """Refuse where something was ordered: older code would give it away a second time."""
    if op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {ORDER}")):  # noqa: S608 - a constant
        raise RuntimeError("licensors were told to release held money: 0021 cannot tell of what")
    op.drop_index(f"ix_{PART}_held_elsewhere", table_name=PART)
    op.drop_table(PART)
    op.drop_table(ORDER)
    op.drop_index(f"ix_{HELD}_licensor", table_name=HELD)
    op.drop_index(f"ix_{HELD}_url_digest", table_name=HELD)
    op.drop_table(HELD)


def _id() -> sa.Column[int]:
    return sa.Column("id", _AUTO, autoincrement=True, nullable=False)


def _trigger(verb: str) -> str:
    """Return what keeps the parts as they were written."""
    name = f"{PART}_no_{verb.lower()}"
    if op.get_bind().dialect.name == "postgresql":
        return (  # the function is the journal's, of 0001
            f"CREATE TRIGGER {name} BEFORE {verb} ON {PART} "
            "FOR EACH ROW EXECUTE FUNCTION settlement_append_only()"
        )
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {PART} "
        "BEGIN SELECT RAISE(ABORT, 'what was ordered is never changed'); END"
    )
