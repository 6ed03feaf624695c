"""The run a node is advised of: one that it can still follow, kept for its staff to look at."""

import asyncio
from datetime import datetime

from federation.distribution import store
from federation.distribution.inputs import RunMismatchError
from federation.distribution.service import checked
from federation.metering.periods import require_over
from federation.months.tables import Run
from federation.settlement.messages import RunAdvised
from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession, WriteSession


async def receive_advice(
    session: WriteSession, message: RunAdvised, here: str, now: datetime
) -> None:
    """Keep an advised run for this node's staff to look at, and what others state for us."""
    data = message.document.encode()
    document = await asyncio.to_thread(checked, message.run_id, data)  # others are answered
    await _require_to_come(session, message, document, here, now)
    session.add(
        Run(
            run_id=message.run_id,
            period=document.period,
            state="ADVISED",
            document=data,
            warnings="[]",
            calculated_by="HUB",
            calculated_at=now,
            objections_until=message.objections_until,
            corrects=message.corrects,
        )
    )
    await store.keep_stated_credits(session, message.run_id, message.credits)


async def _require_to_come(
    session: ReadSession, message: RunAdvised, document: RunDocument, here: str, now: datetime
) -> None:
    """Refuse the run of a month that is not over, or not after all that are distributed here.

    Months are settled in their order (SETTLEMENT §7): such a run is never approved, and would wait
    for ever. A correction is of a month that is distributed. Who is not in a run is not advised.
    """
    require_over(document.period, now)
    if here not in document.collectives:
        raise RunMismatchError(f"{here} is not in {message.run_id[:16]}")
    if message.corrects is not None:
        return
    done = await store.distributed_months(session)
    if done and document.period <= done[-1]:
        raise RunMismatchError(f"{document.period} does not follow {done[-1]}")
