"""Who succeeds members and rightholders, who is paid in whose place; provenance of works."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"

SUCCESSION, SHARE = "successions_succession", "successions_share"
STATEMENT = "provenance_statement"
PAYMENT, PROPOSAL, CHANGE = "settlement_payment", "proposals_proposal", "history_change"


def upgrade() -> None:
    create_successions()
    create_provenance()
    with op.batch_alter_table(PAYMENT) as batch:
        batch.add_column(sa.Column("attributed_to", sa.String(128), nullable=True))
        batch.add_column(sa.Column("share", sa.Text(), nullable=True))
    op.create_index(f"ix_{PAYMENT}_attributed_to", PAYMENT, ["attributed_to"])
    with op.batch_alter_table(PROPOSAL) as batch:
        batch.add_column(sa.Column("asked_by", sa.String(128), nullable=True))
    op.create_index(f"ix_{PROPOSAL}_asked_by", PROPOSAL, ["asked_by"])


def auto_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create_successions() -> None:
    op.create_table(
        SUCCESSION,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("predecessor", sa.String(128), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("papers", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{SUCCESSION}")),
    )
    known = sa.text("superseded_at IS NULL")
    op.create_index(
        f"uq_{SUCCESSION}_known",
        SUCCESSION,
        ["kind", "predecessor"],
        unique=True,
        sqlite_where=known,
        postgresql_where=known,
    )
    op.create_index(f"ix_{SUCCESSION}_predecessor", SUCCESSION, ["predecessor"])
    op.create_table(
        SHARE,
        sa.Column("succession", auto_id(), nullable=False),
        sa.Column("successor", sa.String(128), nullable=False),
        sa.Column("share_bps", sa.Integer(), nullable=False),
        sa.CheckConstraint("share_bps BETWEEN 1 AND 10000", name=op.f(f"ck_{SHARE}_share_bps")),
        sa.ForeignKeyConstraint(
            ["succession"], [f"{SUCCESSION}.id"], name=op.f(f"fk_{SHARE}_succession_{SUCCESSION}")
        ),
        sa.ForeignKeyConstraint(
            ["successor"],
            ["registry_member.member_id"],
            name=op.f(f"fk_{SHARE}_successor_registry_member"),
        ),
        sa.PrimaryKeyConstraint("succession", "successor", name=op.f(f"pk_{SHARE}")),
    )
    op.create_index(f"ix_{SHARE}_successor", SHARE, ["successor"])


def create_provenance() -> None:
    op.create_table(
        STATEMENT,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("work", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("authenticated_by", sa.Text(), nullable=False),
        sa.Column("authenticated_at", sa.BigInteger(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("papers", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawal_recorded_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_by", sa.String(255), nullable=True),
        sa.Column("withdrawn_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawal_recorded_at IS NULL)"
            " AND (withdrawn_at IS NULL) = (withdrawn_by IS NULL)"
            " AND (withdrawn_at IS NULL) = (withdrawn_because IS NULL)",
            name=op.f(f"ck_{STATEMENT}_withdrawn_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{STATEMENT}")),
    )
    op.create_index(f"ix_{STATEMENT}_work", STATEMENT, ["work", "id"])


def downgrade() -> None:
    # An earlier version shows no changes of these kinds.
    kinds = sa.column("kind").in_(["SUCCESSION", "PROVENANCE"])
    op.execute(sa.delete(sa.table(CHANGE)).where(kinds))
    acts = sa.column("kind").in_(["RECORD_SUCCESSION", "WITHDRAW_SUCCESSION"])
    op.execute(sa.delete(sa.table(PROPOSAL)).where(acts))
    op.drop_index(f"ix_{PROPOSAL}_asked_by", PROPOSAL)
    with op.batch_alter_table(PROPOSAL) as batch:
        batch.drop_column("asked_by")
    op.drop_index(f"ix_{PAYMENT}_attributed_to", PAYMENT)
    with op.batch_alter_table(PAYMENT) as batch:
        batch.drop_column("share")
        batch.drop_column("attributed_to")
    op.drop_table(STATEMENT)
    op.drop_table(SHARE)
    op.drop_table(SUCCESSION)
