"""A licence server finds the claims of one member, and the licences of a lab that are in force."""

import json
from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

NAME, TABLE = "ix_registry_index_claim_holder_id", "registry_index_claim"
OF_A_LAB, LICENCE = "ix_licensing_licence_licensee", "licensing_licence"
DAYS = ("starts_on", "ends_on")
licences = sa.table(
    LICENCE,
    sa.column("number", sa.String),
    sa.column("body", sa.Text),
    *(sa.column(name, sa.Date) for name in DAYS),
)


def upgrade() -> None:
    op.create_index(NAME, TABLE, ["holder_id"])
    for name in DAYS:
        op.add_column(
            LICENCE, sa.Column(name, sa.Date(), nullable=False, server_default="1970-01-01")
        )
    connection = op.get_bind()
    for number, body in connection.execute(sa.select(licences.c.number, licences.c.body)).all():
        said = json.loads(body)
        ends_on = said.get("ended_on") or said["term"]["ends_on"]
        connection.execute(
            licences.update()
            .where(licences.c.number == number)
            .values(
                starts_on=date.fromisoformat(said["term"]["starts_on"]),
                ends_on=date.fromisoformat(ends_on),
            )
        )
    op.create_index(OF_A_LAB, LICENCE, ["licensee", "status", "ends_on"])


def downgrade() -> None:
    op.drop_index(OF_A_LAB, LICENCE)
    for name in reversed(DAYS):
        op.drop_column(LICENCE, name)
    op.drop_index(NAME, TABLE)
