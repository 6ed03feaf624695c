"""At the hub: what a correction leaves two nodes to owe, where one had left the month's net."""

from collections import defaultdict
from datetime import datetime

from federation.distribution.directly import dues_of, lost_directly
from federation.ledger.names import of_correction
from federation.months.tables import Run
from federation.payments import set_off
from federation.settlement.messages import Between
from federation.settlement.recompute import Corrected, Difference
from federation.store.sessions import WriteSession


async def set_off_between(
    session: WriteSession, row: Run, runs: Corrected, moved: Difference, now: datetime
) -> list[Between]:
    """Keep the debits between nodes, and say what older ones take up of what is paid now."""
    dues, period = dues_of(runs, moved.bilateral), row.posted_in or row.period
    await lost_directly(session, dues, row, period, now.date())
    gained: defaultdict[tuple[str, str], int] = defaultdict(int)
    for due in dues:
        if due.is_gained:
            gained[due.debtor, due.creditor] += due.credit.minor
    found: list[Between] = []
    for (payer, payee), credit in sorted(gained.items()):
        used = await set_off.use(
            session,
            node=payee,
            licensor=payer,
            document=of_correction(payee, row.run_id),
            period=period,
            credit=credit,
            on=now.date(),
        )
        if used.amount:
            found.append(Between(payer, payee, str(used.amount)))
    return found
