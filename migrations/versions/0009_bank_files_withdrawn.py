"""Bank files that were withdrawn, and imported again."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TABLE = "bank_file_act"
REFUSAL = "what was imported and decided is kept"


def _trigger(verb: str) -> str:
    name = f"{TABLE}_no_{verb.lower()}"
    if op.get_bind().dialect.name == "postgresql":
        return (
            f"CREATE TRIGGER {name} BEFORE {verb} ON {TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION bank_append_only()"
        )
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=9), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("acted_by", sa.String(length=255), nullable=False),
        sa.Column("acted_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("act IN ('WITHDRAWN', 'IMPORTED')", name=op.f("ck_bank_file_act_act")),
        sa.ForeignKeyConstraint(
            ["file"], ["bank_file.sha256"], name=op.f("fk_bank_file_act_file_bank_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_file_act")),
    )
    op.create_index(op.f("ix_bank_file_act_file"), TABLE, ["file"], unique=False)
    for verb in ("UPDATE", "DELETE"):
        op.execute(_trigger(verb))


def downgrade() -> None:
    op.drop_table(TABLE)  # its triggers go with it
