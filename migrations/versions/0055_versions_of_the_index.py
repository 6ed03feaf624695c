"""By which change of a registry a row came into the claim index, and by which it left."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"

CLAIM, CLAIM_PAST = "registry_index_claim", "registry_index_claim_past"
RULING, RULING_PAST = "registry_index_reservation", "registry_index_reservation_past"
KEYS = {CLAIM: "claim_id", CLAIM_PAST: "id", RULING: "id", RULING_PAST: "id"}
VERSION = "registry_version"


def upgrade() -> None:
    for table, key in KEYS.items():
        add_number(table, "version")
        if table in (CLAIM_PAST, RULING_PAST):
            add_number(table, "withdrawn_version")
            op.create_index(f"ix_{table}_followed", table, ["node", "withdrawn_version", key])
        else:
            op.create_index(f"ix_{table}_followed", table, ["node", "version", key])
    # What changed before is not told change by change.
    add_number(VERSION, "followed_from")
    op.execute(sa.text(f"UPDATE {VERSION} SET followed_from = version"))  # noqa: S608


def add_number(table: str, name: str) -> None:
    op.add_column(table, sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column(VERSION, "followed_from")
    for table in KEYS:
        op.drop_index(f"ix_{table}_followed", table)
        if table in (CLAIM_PAST, RULING_PAST):
            op.drop_column(table, "withdrawn_version")
        op.drop_column(table, "version")
