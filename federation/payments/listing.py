"""The payments of a month as CSV, part by part."""

from collections.abc import AsyncIterator
from typing import Final

from federation.documents.csv_bytes import csv_bytes
from federation.money import decimal_text
from federation.payments import store
from federation.payments.record import account_of
from federation.payments.tables import Payment
from federation.store.sessions import ReadSession
from federation.values.month import Month

AT_A_TIME: Final = 1_000
COLUMNS: Final = (
    *("payment_id", "kind", "month", "payer", "payee", "payee_name", "payee_account"),
    *("currency", "amount", "state", "reason", "attributed_to", "share", "proposed_by"),
    *("approved_by", "exported_in", "due_on", "booked_on", "amount_minor"),
)


async def payment_parts(session: ReadSession, period: Month) -> AsyncIterator[bytes]:
    """Yield the payments of a month by id; each amount as decimal text and as an integer."""
    yield csv_bytes([COLUMNS])
    after = ""
    while rows := await store.payments(session, period=period, after=after, limit=AT_A_TIME):
        yield csv_bytes(_cells(row) for row in rows)
        after = rows[-1].payment_id


def _cells(row: Payment) -> list[str]:
    account = account_of(row.payee_account) if row.payee_account else None
    said = (
        *(row.payment_id, row.kind, row.period, row.payer, row.payee, account and account.name),
        *(
            account and account.account,
            row.currency,
            decimal_text(row.amount, row.currency),
            row.state,
        ),
        *(row.reason, row.attributed_to, row.share, row.proposed_by, row.approved_by),
        *(row.exported_in, row.due_on, row.booked_on, row.amount),
    )
    return ["" if each is None else str(each) for each in said]
