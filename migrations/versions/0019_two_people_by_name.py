"""Where two people are needed both are named: NULL is no other person."""

from alembic import op

revision = "0019"
down_revision = "0018"

# {table: (constraint, as it is now, as it was)}
CHECKS = {
    "bank_set_off": (
        "maker_is_not_checker",
        "state <> 'APPROVED' OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
        "state <> 'APPROVED' OR decided_by <> proposed_by",
    ),
    "settlement_payment": (
        "maker_is_not_checker",
        "approved_by IS NULL OR (proposed_by IS NOT NULL AND approved_by <> proposed_by)",
        "approved_by IS NULL OR approved_by <> proposed_by",
    ),
    "store_parked": (
        "dropped_by_two",
        (
            "(decided_by IS NULL AND state <> 'DROPPED') OR (decided_by IS NOT NULL"
            " AND drop_proposed_by IS NOT NULL AND decided_by <> drop_proposed_by)"
        ),
        "decided_by IS NULL OR decided_by <> drop_proposed_by",
    ),
}


def upgrade() -> None:
    for table, (name, now, _) in CHECKS.items():
        _state(table, name, now)


def downgrade() -> None:
    for table, (name, _, before) in CHECKS.items():
        _state(table, name, before)


def _state(table: str, name: str, rule: str) -> None:
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch_op.create_check_constraint(op.f(f"ck_{table}_{name}"), rule)
