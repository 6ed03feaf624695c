"""Up to whom each node was told who belongs; what waits in the outbox has an index of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"

OUTBOX, WAITING = "store_outbox", "ix_store_outbox_waiting"


def upgrade() -> None:
    for column in ("place", "told_of"):
        op.add_column(
            "trust_party", sa.Column(column, sa.Integer(), nullable=False, server_default="0")
        )
    give_places()
    op.drop_index(WAITING, OUTBOX)
    waits = sa.text("delivered_at IS NULL")
    op.create_index(WAITING, OUTBOX, ["target", "id"], sqlite_where=waits, postgresql_where=waits)


def give_places() -> None:
    """Everybody was told of everybody, each in a message of its own."""
    party = sa.table("trust_party", sa.column("code"), sa.column("place"), sa.column("told_of"))
    admitted = sa.column("admitted_at")
    codes = op.get_bind().scalars(
        sa.select(party.c.code).where(party.c.code != "HUB").order_by(admitted, party.c.code)
    )
    found = list(codes)
    for place, code in enumerate(found, start=1):
        op.execute(
            party.update().where(party.c.code == code).values(place=place, told_of=len(found))
        )


def downgrade() -> None:
    op.drop_index(WAITING, OUTBOX)
    op.create_index(WAITING, OUTBOX, ["target", "delivered_at", "id"])
    for column in ("told_of", "place"):
        op.drop_column("trust_party", column)
