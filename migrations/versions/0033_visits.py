"""Sites tell their node of the visits they served and refused; lines are counted by day."""

from collections import Counter
from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

MICROS_OF_A_DAY = 86_400_000_000
TOTAL, SITE, DAY = "visits_total", "visits_site", "metering_day"
lines = sa.table("metering_line", sa.column("reporter"), sa.column("occurred_at", sa.BigInteger))


def upgrade() -> None:
    op.create_table(
        TOTAL,
        sa.Column("member", sa.String(128), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("let_through", sa.Boolean(), nullable=False),
        sa.Column("site", sa.String(255), nullable=False),
        sa.Column("series", sa.String(64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f(f"ck_{TOTAL}_count")),
        sa.PrimaryKeyConstraint(
            "member",
            "day",
            "agent",
            "outcome",
            "let_through",
            "site",
            "series",
            name=op.f(f"pk_{TOTAL}"),
        ),
    )
    op.create_table(
        SITE,
        sa.Column("member", sa.String(128), nullable=False),
        sa.Column("site", sa.String(255), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("kit", sa.String(64), nullable=False),
        sa.Column("mode", sa.String(8), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("policy_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("member", "site", name=op.f(f"pk_{SITE}")),
    )
    days = op.create_table(
        DAY,
        sa.Column("reporter", sa.String(255), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("at_gates", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "lines > 0 AND at_gates BETWEEN 0 AND lines", name=op.f(f"ck_{DAY}_lines")
        ),
        sa.PrimaryKeyConstraint("reporter", "day", name=op.f(f"pk_{DAY}")),
    )
    # What is there already, all of it of gates, is counted once; by hours, so that both databases
    # divide alike.
    hour = lines.c.occurred_at - lines.c.occurred_at % sa.literal_column("3600000000")
    counted = sa.select(lines.c.reporter, hour, sa.func.count()).group_by(lines.c.reporter, hour)
    found: Counter[tuple[str, date]] = Counter()
    for reporter, micros, count in op.get_bind().execute(counted):
        day = date(1970, 1, 1) + timedelta(days=micros // MICROS_OF_A_DAY)
        found[reporter, day] += count
    rows = [
        {"reporter": name, "day": day, "lines": n, "at_gates": n}
        for (name, day), n in found.items()
    ]
    if rows:
        op.bulk_insert(days, rows)


def downgrade() -> None:
    for table in (DAY, SITE, TOTAL):
        op.drop_table(table)
