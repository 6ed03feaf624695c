"""What the hub set against other debts of a payment into a net that was left has its own column."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

NAME = "settlement_payment"
# Both were kept in `taken_as_paid`. Only a `net.returned` that was handled ever wrote there what
# was used otherwise, on the last payment into a net that was left; whatever else stands there was
# taken as paid before.
OF_A_LEFT_NET = f"""UPDATE {NAME} SET used_otherwise = taken_as_paid, taken_as_paid = '0'
  WHERE taken_as_paid <> '0' AND kind = 'REMITTANCE' AND payee = 'HUB'
  AND NOT EXISTS (SELECT 1 FROM {NAME} after WHERE after.replaces = {NAME}.payment_id)
  AND EXISTS (SELECT 1 FROM settlement_payment_event event
    WHERE event.payment_id = {NAME}.payment_id AND event.reference LIKE 'excluded/%')
  AND EXISTS (SELECT 1 FROM store_inbox heard
    WHERE heard.kind = 'net.returned' AND heard.stream = 'run/' || {NAME}.run_id
    AND NOT EXISTS (SELECT 1 FROM store_parked parked
      WHERE parked.sender = heard.sender AND parked.stream = heard.stream
      AND parked.sequence = heard.sequence AND parked.state <> 'DONE'))"""  # noqa: S608 - constants


def upgrade() -> None:
    column = sa.Column("used_otherwise", sa.Text(), nullable=False, server_default="0")
    op.add_column(NAME, column)
    op.execute(sa.text(OF_A_LEFT_NET))


def downgrade() -> None:
    """Refuse where something was used otherwise: older code would take it for what was paid."""
    used = sa.text(f"SELECT count(*) FROM {NAME} WHERE used_otherwise <> '0'")  # noqa: S608
    if op.get_bind().scalar(used):
        raise RuntimeError("payments into a net were used otherwise: 0026 cannot tell that apart")
    op.drop_column(NAME, "used_otherwise")
