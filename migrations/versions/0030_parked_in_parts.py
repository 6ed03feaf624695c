"""Bodies of parked messages are kept in parts: a database copies what it takes, several times."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

PART_BYTES = 1024 * 1024
NAME, PARTS = "store_parked", "store_parked_part"
parked = sa.table(NAME, sa.column("id"), sa.column("body", sa.LargeBinary), sa.column("size"))
parts = sa.table(
    PARTS,
    sa.column("message_id"),
    sa.column("part"),
    sa.column("content", sa.LargeBinary),
)


def upgrade() -> None:
    op.create_table(
        PARTS,
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], [f"{NAME}.id"], name=op.f(f"fk_{PARTS}_message_id_{NAME}")
        ),
        sa.PrimaryKeyConstraint("message_id", "part", name=op.f(f"pk_{PARTS}")),
    )
    op.add_column(NAME, sa.Column("size", sa.Integer(), nullable=False, server_default="0"))
    connection = op.get_bind()
    for (number,) in connection.execute(sa.select(parked.c.id).order_by(parked.c.id)).all():
        body = connection.scalar(sa.select(parked.c.body).where(parked.c.id == number)) or b""
        for part, at in enumerate(range(0, len(body), PART_BYTES)):
            content = body[at : at + PART_BYTES]
            row = {"message_id": number, "part": part, "content": content}
            connection.execute(parts.insert().values(row))
        connection.execute(parked.update().where(parked.c.id == number).values(size=len(body)))
    op.drop_column(NAME, "body")


def downgrade() -> None:
    op.add_column(
        NAME, sa.Column("body", sa.LargeBinary(), nullable=False, server_default=sa.text("''"))
    )
    connection = op.get_bind()
    for (number,) in connection.execute(sa.select(parked.c.id).order_by(parked.c.id)).all():
        of_one = sa.select(parts.c.content).where(parts.c.message_id == number)
        body = b"".join(connection.scalars(of_one.order_by(parts.c.part)))
        connection.execute(parked.update().where(parked.c.id == number).values(body=body))
    op.drop_column(NAME, "size")
    op.drop_table(PARTS)
