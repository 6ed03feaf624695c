"""Claims that several hold are noted; disputes over them; what is held for them, by address."""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"

CONTESTED, DISPUTE = "registry_contested_claim", "disputes_dispute"
SIDE, DOCUMENT = "disputes_side", "disputes_document"
ITEM, RELEASE = "distribution_disputed_item", "distribution_disputed_release"


def auto_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        CONTESTED,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("wildcard", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{CONTESTED}")),
        sa.UniqueConstraint("digest", name=op.f(f"uq_{CONTESTED}_digest")),
    )
    note_contested()
    create_disputes()
    create_held()


def note_contested() -> None:
    """Note what is contested by now: at a node by two members, at the hub by two nodes.

    On which days is asked of the claims later. When it was found is not known: 1970.
    """
    bind = op.get_bind()
    claim, index = (sa.table(name, *columns()) for name in ("registry_claim", IN_INDEX))
    known = sa.column("superseded_at").is_(None)
    held = [(claim, sa.column("member_id"), known), (index, sa.column("node"), sa.true())]
    for table, party, where in held:
        by = (table.c.host, table.c.path, table.c.wildcard)
        several = sa.func.count(party.distinct()) > 1
        query = sa.select(*by).select_from(table).where(where).group_by(*by).having(several)
        for host, path, wildcard in bind.execute(query.order_by(*by)).all():
            text = f"*.{host}{path}" if wildcard else host + path
            row = {"host": host, "path": path, "wildcard": wildcard, "found_at": 0}
            row["digest"] = sha256(text.encode()).hexdigest()
            into = sa.table(CONTESTED, *columns(), sa.column("digest"), sa.column("found_at"))
            bind.execute(sa.insert(into).values(**row))


IN_INDEX = "registry_index_claim"


def columns() -> tuple[sa.ColumnClause[str], sa.ColumnClause[str], sa.ColumnClause[bool]]:
    return (
        sa.column("host", sa.Text()),
        sa.column("path", sa.Text()),
        sa.column("wildcard", sa.Boolean()),
    )


def create_disputes() -> None:
    op.create_table(
        DISPUTE,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("contested", auto_id(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("opened_by", sa.String(255), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.String(255), nullable=True),
        sa.Column("proposed_at", sa.BigInteger(), nullable=True),
        sa.Column("proposed_because", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(12), nullable=True),
        sa.Column("agreed", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by",
            name=op.f(f"ck_{DISPUTE}_maker_is_not_checker"),
        ),
        sa.ForeignKeyConstraint(
            ["contested"], [f"{CONTESTED}.id"], name=op.f(f"fk_{DISPUTE}_contested_{CONTESTED}")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{DISPUTE}")),
    )
    is_open = sa.text("state <> 'DECIDED'")
    where = {"sqlite_where": is_open, "postgresql_where": is_open}
    op.create_index(f"ix_{DISPUTE}_open", DISPUTE, ["contested"], unique=True, **where)
    op.create_index(f"ix_{DISPUTE}_contested", DISPUTE, ["contested"])
    op.create_table(
        SIDE,
        sa.Column("dispute", auto_id(), nullable=False),
        sa.Column("party", sa.String(128), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("noticed_at", sa.BigInteger(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("consent", sa.Integer(), nullable=True),
        sa.Column("consent_by", sa.String(255), nullable=True),
        sa.Column("consent_at", sa.BigInteger(), nullable=True),
        sa.Column("consent_reference", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dispute"], [f"{DISPUTE}.id"], name=op.f(f"fk_{SIDE}_dispute_{DISPUTE}")
        ),
        sa.PrimaryKeyConstraint("dispute", "party", name=op.f(f"pk_{SIDE}")),
    )
    op.create_index(f"ix_{SIDE}_party", SIDE, ["party"])
    op.create_table(
        DOCUMENT,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("dispute", auto_id(), nullable=False),
        sa.Column("party", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("term_from", sa.Date(), nullable=False),
        sa.Column("term_to", sa.Date(), nullable=True),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dispute"], [f"{DISPUTE}.id"], name=op.f(f"fk_{DOCUMENT}_dispute_{DISPUTE}")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{DOCUMENT}")),
    )
    op.create_index(f"ix_{DOCUMENT}_dispute", DOCUMENT, ["dispute"])


def create_held() -> None:
    """What earlier versions held in one sum is itemised when the server starts."""
    op.create_table(
        ITEM,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("licence", sa.String(64), nullable=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("contested", sa.Text(), nullable=False),
        sa.Column("contested_digest", sa.String(64), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("held_since", sa.Date(), nullable=False),
        sa.CheckConstraint("amount <> '0'", name=op.f(f"ck_{ITEM}_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ITEM}")),
    )
    op.create_index(f"ix_{ITEM}_contested_digest", ITEM, ["contested_digest"])
    op.create_index(f"ix_{ITEM}_period", ITEM, ["period"])
    op.create_table(
        RELEASE,
        sa.Column("id", auto_id(), autoincrement=True, nullable=False),
        sa.Column("held_item", auto_id(), nullable=False),
        sa.Column("up_to", auto_id(), nullable=False),
        sa.Column("dispute", sa.String(24), nullable=False),
        sa.Column("member_id", sa.String(128), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.String(160), nullable=False),
        sa.CheckConstraint("amount <> '0'", name=op.f(f"ck_{RELEASE}_amount")),
        sa.ForeignKeyConstraint(
            ["held_item"], [f"{ITEM}.id"], name=op.f(f"fk_{RELEASE}_held_item_{ITEM}")
        ),
        sa.ForeignKeyConstraint(["up_to"], [f"{ITEM}.id"], name=op.f(f"fk_{RELEASE}_up_to_{ITEM}")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{RELEASE}")),
    )
    op.create_index(f"ix_{RELEASE}_held_item", RELEASE, ["held_item"])
    op.create_index(f"ix_{RELEASE}_dispute", RELEASE, ["dispute"])


def downgrade() -> None:
    for table in (RELEASE, ITEM, DOCUMENT, SIDE, DISPUTE, CONTESTED):
        op.drop_table(table)
