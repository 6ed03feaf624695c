"""The audit log, which can only be added to, and the directory of people."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

ACT, PERSON = "people_act", "people_person"
REFUSAL = "the audit log is append-only"
_AUTO = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _make_audit_log()
    _make_directory()


def _make_audit_log() -> None:
    op.create_table(
        ACT,
        sa.Column("number", _AUTO, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{ACT}")),
    )
    op.create_index(f"ix_{ACT}_previous", ACT, ["previous"], unique=True)
    op.create_index(f"ix_{ACT}_hash", ACT, ["hash"], unique=True)
    op.create_index(f"ix_{ACT}_subject", ACT, ["subject", "number"], unique=False)
    op.create_index(f"ix_{ACT}_act", ACT, ["act", "number"], unique=False)
    if _is_postgres():
        op.execute(
            "CREATE FUNCTION people_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
    for verb in _refused():
        op.execute(_trigger(verb))
    if not _is_postgres():  # where INSERT OR REPLACE deletes, no trigger of DELETE runs
        op.execute(
            f"CREATE TRIGGER {ACT}_no_replace BEFORE INSERT ON {ACT} "  # noqa: S608 - constants
            f"WHEN EXISTS (SELECT 1 FROM {ACT} WHERE number = NEW.number "
            "OR previous = NEW.previous OR hash = NEW.hash) "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )


def _make_directory() -> None:
    op.create_table(
        PERSON,
        sa.Column("id", _AUTO, autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("small", sa.Text(), nullable=False),
        sa.Column("capital", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=255), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=255), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by",
            name=op.f(f"ck_{PERSON}_maker_is_not_checker"),
        ),
        sa.CheckConstraint(
            "valid_from IS NULL OR confirmed_by IS NOT NULL OR proposed_by = 'bootstrap'",
            name=op.f(f"ck_{PERSON}_two_people"),
        ),
        sa.CheckConstraint(
            "withdrawn_by IS NULL OR valid_from IS NULL", name=op.f(f"ck_{PERSON}_one_end")
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_from IS NOT NULL", name=op.f(f"ck_{PERSON}_ends_after_start")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{PERSON}")),
        sa.UniqueConstraint("subject", "version", name=op.f(f"uq_{PERSON}_subject_version")),
    )
    op.create_index(f"ix_{PERSON}_small", PERSON, ["small"], unique=False)
    op.create_index(f"ix_{PERSON}_capital", PERSON, ["capital"], unique=False)


def downgrade() -> None:
    """Refuse where somebody was confirmed: older code would go by the configuration again."""
    confirmed = sa.text(f"SELECT count(*) FROM {PERSON} WHERE confirmed_by IS NOT NULL")  # noqa: S608 - a constant
    if op.get_bind().scalar(confirmed):
        raise RuntimeError("people were changed since: 0023 would give them their old roles again")
    op.drop_table(PERSON)
    op.drop_table(ACT)  # its triggers go with it
    if _is_postgres():
        op.execute("DROP FUNCTION people_append_only()")


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _refused() -> tuple[str, ...]:
    return ("UPDATE", "DELETE", "TRUNCATE") if _is_postgres() else ("UPDATE", "DELETE")


def _trigger(verb: str) -> str:
    """Return what keeps the acts as they were written."""
    name = f"{ACT}_no_{verb.lower()}"
    if _is_postgres():
        each = "STATEMENT" if verb == "TRUNCATE" else "ROW"
        return (
            f"CREATE TRIGGER {name} BEFORE {verb} ON {ACT} "
            f"FOR EACH {each} EXECUTE FUNCTION people_append_only()"
        )
    return (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {ACT} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
