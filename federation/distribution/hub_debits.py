"""What corrections left this node to owe the hub, and what the hub has set off or given up of it.

The hub decides in one order for all what a credit takes up (SETTLEMENT §7c); the node lets it take
up no more than it owes. Nothing of this is kept twice: a debit follows from a correction's two
runs, what took it up from the messages that were followed.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from federation.distribution import store
from federation.distribution.directly import who_left
from federation.distribution.own_terms import changes_only_usage
from federation.months import store as months
from federation.months.tables import Run
from federation.netting.between import NoSuchDebitError
from federation.payments.names import correction_id
from federation.payments.store import find_incoming
from federation.settlement.computed import ComputedRun, read_run
from federation.settlement.recompute import Corrected, difference
from federation.store.sessions import ReadSession
from federation.values.party import HUB


class _Taken(msgspec.Struct, frozen=True):
    """What an approved run took of debits, read from the message as it was kept."""

    set_off: str = "0"
    waived: str = "0"


async def require_debit(session: ReadSession, code: str, taken: int, *known: ComputedRun) -> None:
    """Refuse to let the hub take up more, in settlement currency, than a node owes it.

    `known` are runs that the caller has computed already.
    """
    runs = {run.run_id: run for run in known}
    if taken and taken > (owed := await _owed(session, code, runs)):
        raise NoSuchDebitError(f"{taken} of {code} with {HUB}, which owes it {owed}")


async def _owed(session: ReadSession, code: str, known: Mapping[str, ComputedRun]) -> int:
    owed, near = 0, known
    async for run in months.corrections(session):
        item = await _corrected(session, run, near)
        if item is not None:
            owed += await _left_by(session, run, item, code)
            near = {**known, run.run_id: item.new}  # what corrects it comes next
    for period in await store.distributed_months(session):
        row = await store.find_distribution(session, period)
        if row is not None:
            taken = await asyncio.to_thread(msgspec.json.decode, row.document, type=_Taken)
            owed -= int(taken.set_off) + int(taken.waived)
    return owed


async def _corrected(
    session: ReadSession, run: Run, near: Mapping[str, ComputedRun]
) -> Corrected | None:
    """Compute a correction and the run it corrects, beside the loop that answers others.

    What is near is computed already; None where the run that is corrected is not here.
    """
    old, new = near.get(run.corrects or ""), near.get(run.run_id)
    if old is None:
        row = await months.find_run(session, run.corrects or "")
        if row is None:
            return None
        old = await asyncio.to_thread(read_run, row.document)
    if new is None:
        new = await asyncio.to_thread(read_run, run.document)
    return Corrected(old, new)


async def _left_by(session: ReadSession, run: Run, item: Corrected, code: str) -> int:
    """Return the debit a correction leaves, below 0 what its credit was not paid out.

    One that is advised counts already: corrections are approved together, and the debit of a later
    month is taken up by the credit of an earlier one.
    """
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
