"""Which approved payments may go out now, and which wait for money that has not come."""

from datetime import date
from typing import ClassVar

from federation.errors import RefusalError
from federation.payments import ahead, incoming, paid_back, service, states, store, successors
from federation.payments.tables import Payment
from federation.store.sessions import ReadSession
from federation.successions.service import SucceededError
from federation.treasury import exporting
from federation.values.party import HUB


class NetUnpaidError(RefusalError):
    """A debtor of the month's net has not paid, and has not left it."""

    code: ClassVar[str] = "NET_UNPAID"


async def ready_to_export(
    session: ReadSession, here: str, currency: str, on: date
) -> list[Payment]:
    """Return approved payments of a currency that may go out on a day, at most a batch's worth.

    A node pays no member in whose place others are paid by then. It pays none of a month before a
    debtor that left its net has paid, unless two people decided so, and no other node what it has
    paid into the net before the hub gives it back. The hub remits nothing of a month before every
    debtor of its net has paid or left it, and nothing of a correction before a licensor has paid
    what it is asked for. When that is all there is, this is refused.
    """
    rows = await store.payments(session, states=[states.APPROVED], currency=currency)
    if here != HUB:
        return await _not_held_back(session, await _to_their_payees(session, rows, on))
    held_up = {
        period: await incoming.unpaid(session, period)
        for period in {row.period for row in rows if row.kind == service.REMITTANCE}
    }
    asked = await incoming.asked_for(session)
    ready = [
        row
        for row in rows
        if not (row.kind == service.REMITTANCE and held_up[row.period])
        and not (row.kind == service.ADJUSTMENT and row.run_id in asked)
    ]
    if rows and not ready:
        late = sorted(
            {debtor for debtors in [*held_up.values(), *asked.values()] for debtor in debtors}
        )
        raise NetUnpaidError(", ".join(late))
    return ready[: exporting.FILE_PAYMENTS_MAX * exporting.BATCH_FILES_MAX]


async def _to_their_payees(session: ReadSession, rows: list[Payment], on: date) -> list[Payment]:
    """Leave out payments to members that were succeeded since: they are proposed to others."""
    gone = {row.payment_id for row in await successors.misdirected(session, rows, on)}
    if gone and len(gone) == len(rows):
        raise SucceededError(f"{min(gone)}: propose the month's payments to members anew")
    return [row for row in rows if row.payment_id not in gone]


async def _not_held_back(session: ReadSession, rows: list[Payment]) -> list[Payment]:
    held_up = {
        period: await ahead.held_back(session, period)
        for period in {row.period for row in rows if row.kind == service.MEMBER}
    }
    not_back = {
        period: await paid_back.not_paid_back(session, period)
        for period in {row.period for row in rows if paid_back.is_direct(row)}
    }
    ready = [
        row
        for row in rows
        if not (row.kind == service.MEMBER and held_up[row.period])
        and not (paid_back.is_direct(row) and not_back[row.period])
    ]
    awaited = [row for of_month in held_up.values() for row in of_month]
    if rows and not ready and awaited:
        raise ahead.MoneyAwaitedError(ahead.in_words(awaited))
    if rows and not ready:
        months = sorted(period for period, minor in not_back.items() if minor)
        raise paid_back.NotPaidBackError(", ".join(months))
    return ready[: exporting.FILE_PAYMENTS_MAX * exporting.BATCH_FILES_MAX]
