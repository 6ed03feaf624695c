"""What a node's statement of a period follows from, gathered from the runs it received. Pure."""

from collections.abc import Sequence

import msgspec

from federation.documents.statements import StatementInputs
from federation.settlement.messages import RunApproved
from federation.settlement.run import RunResult
from federation.settlement.run_document import RunDocument
from federation.values.licence_key import LicenceKey

Sums = dict[LicenceKey, dict[str, int]]  # {licence key: {use: n}}


def statement_inputs(
    code: str,
    document: RunDocument,
    result: RunResult,
    run_id: str,
    messages: Sequence[bytes],
) -> StatementInputs:
    """Put together what a statement follows from; number and opening are added when it is issued.

    `messages` are the approved runs this node received, oldest first, this one last. The earlier
    ones are read only where a licence key is shared by earlier periods' weights.
    """
    origin = {
        key: source
        for licence in document.licences.values()
        for key, source in licence.weights_from.items()
    }
    wanted = messages if "earlier" in origin.values() else messages[-1:]
    weights: Sums = {}
    units: Sums = {}
    for body in wanted:
        message = msgspec.json.decode(body, type=RunApproved)
        source = "period" if message.run_id == run_id else "earlier"
        for item in message.uses:
            if item.party == code and origin.get(item.licence) == source:
                _add(weights, item.licence, item.use, int(item.weight))
                _add(units, item.licence, item.use, int(item.units))
    return StatementInputs(
        document=document,
        result=result,
        run_id=run_id,
        node=code,
        statement_no="",
        use_weights=weights,
        use_units=units,
    )


def _add(sums: Sums, licence: LicenceKey, use: str, amount: int) -> None:
    by_use = sums.setdefault(licence, {})
    by_use[use] = by_use.get(use, 0) + amount
