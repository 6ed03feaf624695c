"""A set-off of an overpayment that was approved is undone by two people, with a reason."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

NAME = "bank_set_off"
COLUMNS = {
    "undo_reason": sa.Text(),
    "undo_proposed_by": sa.String(255),
    "undo_proposed_at": sa.BigInteger(),
    "undone_by": sa.String(255),
    "undone_at": sa.BigInteger(),
}
OTHERS = "(decided_by IS NOT NULL AND decided_by <> proposed_by)"
# {constraint: (as it is now, as it was)}
CHECKS = {
    "maker_is_not_checker": (
        f"state NOT IN ('APPROVED', 'UNDONE') OR {OTHERS}",
        f"state <> 'APPROVED' OR {OTHERS}",
    ),
    "state": (
        "state IN ('PROPOSED', 'APPROVED', 'WITHDRAWN', 'UNDONE')",
        "state IN ('PROPOSED', 'APPROVED', 'WITHDRAWN')",
    ),
}
BY_TWO = (
    "(undone_by IS NULL AND state <> 'UNDONE') OR (undone_by IS NOT NULL"
    " AND undo_proposed_by IS NOT NULL AND undone_by <> undo_proposed_by)"
)


def upgrade() -> None:
    with op.batch_alter_table(NAME) as batch_op:
        for column, kind in COLUMNS.items():
            batch_op.add_column(sa.Column(column, kind, nullable=True))
        for name, (now, _) in CHECKS.items():
            batch_op.drop_constraint(op.f(f"ck_{NAME}_{name}"), type_="check")
            batch_op.create_check_constraint(op.f(f"ck_{NAME}_{name}"), now)
        batch_op.create_check_constraint(op.f(f"ck_{NAME}_undone_by_two"), BY_TWO)


def downgrade() -> None:
    """Refuse where one was undone, or is to be: older code would take it as standing."""
    undone = sa.text(f"SELECT count(*) FROM {NAME} WHERE undo_proposed_by IS NOT NULL")  # noqa: S608
    if op.get_bind().scalar(undone):
        raise RuntimeError("set-offs were undone: 0020 would take them as standing")
    with op.batch_alter_table(NAME) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{NAME}_undone_by_two"), type_="check")
        for name, (_, before) in CHECKS.items():
            batch_op.drop_constraint(op.f(f"ck_{NAME}_{name}"), type_="check")
            batch_op.create_check_constraint(op.f(f"ck_{NAME}_{name}"), before)
        for column in COLUMNS:
            batch_op.drop_column(column)
