"""What corrections left this node to owe the hub, and what the hub has set off or given up of it.

The hub decides in one order for all what a credit takes up (SETTLEMENT §7c); the node lets it take
up no more than it owes. Nothing of this is kept twice: a debit follows from a correction's two
runs, what took it up from the messages that were followed.
"""

import msgspec

from federation.distribution import store
from federation.distribution.directly import who_left
from federation.distribution.own_terms import changes_only_usage
from federation.months import store as months
from federation.months.tables import Run
from federation.netting.between import NoSuchDebitError
from federation.payments.names import correction_id
from federation.payments.store import find_incoming
from federation.settlement.computed import read_run
from federation.settlement.recompute import Corrected, difference
from federation.store.sessions import ReadSession
from federation.values.party import HUB


class _Taken(msgspec.Struct, frozen=True):
    """What an approved run took of debits, read from the message as it was kept."""

    set_off: str = "0"
    waived: str = "0"


async def require_debit(session: ReadSession, code: str, taken: int) -> None:
    """Refuse to let the hub take up more, in settlement currency, than a node owes it."""
    if taken and taken > (owed := await _owed(session, code)):
        raise NoSuchDebitError(f"{taken} of {code} with {HUB}, which owes it {owed}")


async def _owed(session: ReadSession, code: str) -> int:
    owed = 0
    for run in await months.corrections(session):
        owed += await _left_by(session, run, code)
    for row in await store.distributions(session):
        taken = msgspec.json.decode(row.document, type=_Taken)
        owed -= int(taken.set_off) + int(taken.waived)
    return owed


async def _left_by(session: ReadSession, run: Run, code: str) -> int:
    """Return the debit a correction leaves, below 0 what its credit was not paid out.

    One that is advised counts already: corrections are approved together, and the debit of a later
    month is taken up by the credit of an earlier one.
    """
    old = await months.find_run(session, run.corrects or "")
    if old is None:
        return 0
    item = Corrected(read_run(old.document), read_run(run.document))
    if run.state == "ADVISED":
        if changes_only_usage(item.old.document, item.new.document) is not None:
            return 0
        left = await who_left(session, item.new.document)
    else:
        row = await store.find_correction(session, run.run_id)
        left = set(filter(None, row.left_net.split(","))) if row is not None else set[str]()
    moved = difference(item, {}, left)
    remittance, (called, _) = moved.remittances[code], moved.called.get(code, (0, 0))
    if remittance < 0:
        return -remittance - called
    if run.state == "ADVISED":
        return 0
    paid = await find_incoming(session, correction_id(run.period, run.run_id, code))
    return (paid.amount if paid is not None else 0) - remittance
