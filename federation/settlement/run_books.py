"""What a run enters in the books of one server, from its document and result alone. Pure.

One place says it, for posting a run and for holding the books against it later (I8).
"""

from datetime import date

from federation.settlement.books import (
    Entry,
    restated_position,
    run_entries,
    too_small_to_remit,
)
from federation.settlement.run import RunResult
from federation.settlement.run_document import HUB, RunDocument


def entries_of_run(
    here: str, document: RunDocument, result: RunResult, run_id: str, posted_on: date
) -> list[Entry]:
    """Return the entries of a run at the hub (`HUB`) or at a node, by its code."""
    clearing = document.hub.clearing_currency
    if here == HUB:
        restated = too_small_to_remit(result.positions, result.remittances, clearing)
    else:
        restated = restated_position(
            node=here,
            net=result.positions[here].net,
            clearing_currency=clearing,
            remittance=result.remittances[here],
            currency=document.collectives[here].settlement_currency,
            meta={"period": document.period, "run": run_id[:16]},
        )
    return run_entries(
        party=here,
        period=document.period,
        run_id=run_id,
        posted_on=posted_on,
        licences=result.licences,
        cleared=result.cleared,
        clearing_currency=clearing,
        restated=restated,
    )
