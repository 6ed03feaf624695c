"""Parties that change their address and keys, by their own word; nodes that are suspended."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

PARTY = (
    ("entity_jwks", sa.Text()),
    ("former_jwks", sa.Text()),
    ("stated_at", sa.BigInteger()),
    ("moving_to", sa.String(length=500)),
    ("moving_since", sa.BigInteger()),
    ("moving_because", sa.Text()),
    ("suspended_at", sa.BigInteger()),
    ("vouched", sa.Text()),
)
STATEMENT, SUSPENSION = "trust_entity_statement", "trust_suspension"
PROPOSED = "state = 'PROPOSED'"
LOST = (
    "SELECT count(*) FROM trust_party WHERE stated_at IS NOT NULL OR suspended_at IS NOT NULL",
    "SELECT count(*) FROM trust_application WHERE told IS NOT NULL",
)
_AUTO = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name, kind in PARTY:
        op.add_column("trust_party", sa.Column(name, kind, nullable=True))
    op.add_column("trust_application", sa.Column("told", sa.String(length=64), nullable=True))
    op.create_table(
        STATEMENT,
        sa.Column("id", _AUTO, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("passed_on_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{STATEMENT}")),
    )
    op.create_index(op.f(f"ix_{STATEMENT}_code"), STATEMENT, ["code"])
    op.create_table(
        SUSPENSION,
        sa.Column("id", _AUTO, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("proposed_by", sa.String(length=255), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=255), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("act IN ('SUSPEND', 'LIFT')", name=op.f(f"ck_{SUSPENSION}_act")),
        sa.CheckConstraint(
            "state IN ('PROPOSED', 'DONE', 'WITHDRAWN')", name=op.f(f"ck_{SUSPENSION}_state")
        ),
        sa.CheckConstraint(
            "state <> 'DONE' OR proposed_by <> decided_by",
            name=op.f(f"ck_{SUSPENSION}_two_people"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{SUSPENSION}")),
    )
    op.create_index(
        f"uq_{SUSPENSION}_proposed",
        SUSPENSION,
        ["code"],
        unique=True,
        sqlite_where=sa.text(PROPOSED),
        postgresql_where=sa.text(PROPOSED),
    )


def downgrade() -> None:
    """Refuse where somebody changed or is suspended: older code would trust the keys of before."""
    for query in LOST:
        if op.get_bind().scalar(sa.text(query)):
            raise RuntimeError("a party changed its keys or is suspended: 0027 cannot know that")
    op.drop_table(SUSPENSION)
    op.drop_table(STATEMENT)
    with op.batch_alter_table("trust_application") as batch_op:
        batch_op.drop_column("told")
    with op.batch_alter_table("trust_party") as batch_op:
        for name, _ in PARTY:
            batch_op.drop_column(name)
