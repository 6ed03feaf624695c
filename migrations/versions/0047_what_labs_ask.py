"""Whom invoices name, with history; until when they are to be paid; units of reports."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"

DETAILS, DOCUMENT = "licensing_billing_details", "settlement_document"
REPORT, REPORTED = "metering_report", "metering_reported_use"
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
    op.create_table(
        REPORTED,
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("party", sa.String(12), nullable=False),
        sa.Column("licence", sa.String(64), nullable=False),
        sa.Column("use", sa.String(64), nullable=False),
        sa.Column("node", sa.String(12), nullable=False),
        sa.Column("number", sa.String(24), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "period", "party", "licence", "use", "node", name=op.f(f"pk_{REPORTED}")
        ),
    )
    op.create_index(f"ix_{REPORTED}_number", REPORTED, ["number", "period"])
    fill_reported()


def fill_reported() -> None:
    """Add up the units of each server's latest report on each month, one report at a time."""
    bind = op.get_bind()
    report = sa.table(REPORT, *map(sa.column, ("party", "period", "sequence", "body")))
    names = ("period", "party", "licence", "use", "node", "number", "units")
    into = sa.table(REPORTED, *map(sa.column, names))
    latest = sa.select(report.c.party, report.c.period, sa.func.max(report.c.sequence))
    for party, period, sequence in bind.execute(
        latest.group_by(report.c.party, report.c.period)
    ).all():
        body = bind.execute(
            sa.select(report.c.body).where(
                report.c.party == party,
                report.c.period == period,
                report.c.sequence == sequence,
            )
        ).scalar_one()
        found = json.loads(body)
        sums: dict[tuple[str, str, str], int] = {}
        for licence, use, node, _, _, units in [*found["weights"], *found["held"]]:
            key = (licence, use, node)
            sums[key] = sums.get(key, 0) + int(units)
        rows = [
            dict(
                zip(names, (period, party, *key, key[0].partition("/")[0], str(units)), strict=True)
            )
            for key, units in sorted(sums.items())
            if units
        ]
        if rows:
            bind.execute(sa.insert(into), rows)


def auto_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def downgrade() -> None:
    op.drop_table(REPORTED)
    op.drop_column(DOCUMENT, "due_on")
    op.drop_table(DETAILS)
