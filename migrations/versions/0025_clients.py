"""Clients of labs, sites and tools; their credentials, used assertions and revoked tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "clients_client",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("party", sa.String(length=255), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=255), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_by", sa.String(length=255), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_clients_client")),
    )
    op.create_index(op.f("ix_clients_client_kind_party"), "clients_client", ["kind", "party"])
    op.create_table(
        "clients_credential",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("jwk", sa.Text(), nullable=True),
        sa.Column("made_by", sa.String(length=255), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_by", sa.String(length=255), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(digest IS NULL) <> (jwk IS NULL)", name=op.f("ck_clients_credential_one_proof")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients_client.client_id"],
            name=op.f("fk_clients_credential_client_id_clients_client"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients_credential")),
    )
    op.create_index(op.f("ix_clients_credential_client_id"), "clients_credential", ["client_id"])
    op.create_table(
        "clients_assertion",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("jti", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients_client.client_id"],
            name=op.f("fk_clients_assertion_client_id_clients_client"),
        ),
        sa.PrimaryKeyConstraint("client_id", "jti", name=op.f("pk_clients_assertion")),
    )
    op.create_index(op.f("ix_clients_assertion_expires_at"), "clients_assertion", ["expires_at"])
    op.create_table(
        "clients_revoked_token",
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_clients_revoked_token")),
    )
    op.create_index(
        op.f("ix_clients_revoked_token_expires_at"), "clients_revoked_token", ["expires_at"]
    )


def downgrade() -> None:
    """Refuse where there are clients: all of them would be shut out."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM clients_client")):
        raise RuntimeError("there are clients: older code would know none of them")
    op.drop_table("clients_revoked_token")
    op.drop_table("clients_assertion")
    op.drop_table("clients_credential")
    op.drop_table("clients_client")
