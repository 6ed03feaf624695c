"""Which run this node may be advised of: one that it can still follow."""

from datetime import datetime

from federation.distribution import store
from federation.distribution.inputs import RunMismatchError
from federation.distribution.service import checked
from federation.metering.periods import require_over
from federation.settlement.messages import RunAdvised
from federation.store.sessions import ReadSession


async def require_to_come(
    session: ReadSession, message: RunAdvised, here: str, now: datetime
) -> None:
    """Refuse the run of a month that is not over, or not after all that are distributed here.

    Months are settled in their order (SETTLEMENT §7): such a run is never approved, and would wait
    for ever. A correction is of a month that is distributed. Who is not in a run is not advised.
    """
    document = checked(message.run_id, message.document)
    require_over(document.period, now)
    if here not in document.collectives:
        raise RunMismatchError(f"{here} is not in {message.run_id[:16]}")
    if message.corrects is not None:
        return
    done = max((row.period for row in await store.distributions(session)), default="")
    if document.period <= done:
        raise RunMismatchError(f"{document.period} does not follow {done}")
