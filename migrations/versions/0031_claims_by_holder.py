"""The hub finds the claims of one member: its licence server is asked by the member's name."""

from alembic import op

revision = "0031"
down_revision = "0030"

NAME, TABLE = "ix_registry_index_claim_holder_id", "registry_index_claim"


def upgrade() -> None:
    op.create_index(NAME, TABLE, ["holder_id"])


def downgrade() -> None:
    op.drop_index(NAME, TABLE)
