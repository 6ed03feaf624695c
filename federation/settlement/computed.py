"""A run computed once, to be handed on: its document, what follows from it and how it is named."""

from dataclasses import dataclass

import msgspec

from federation.settlement.rates import Rates
from federation.settlement.run import RunResult, compute
from federation.settlement.run_document import (
    PublishedRate,
    RunDocument,
    decode,
    encode,
    in_order,
    run_id,
)


@dataclass(frozen=True, slots=True)
class ComputedRun:
    """A run: its name, the bytes it is the digest of, the document they are, and the outcome."""

    run_id: str
    data: bytes
    document: RunDocument
    result: RunResult


def read_run(data: bytes) -> ComputedRun:
    """Compute the run of a document's bytes; what contradicts itself is refused."""
    return computed(run_id(data), data, decode(data))


def computed(name: str, data: bytes, document: RunDocument) -> ComputedRun:
    """Compute the run of a document that was decoded from these bytes; `name` is their digest."""
    return ComputedRun(name, data, document, compute(document))


def computed_with(document: RunDocument, rates: Rates) -> ComputedRun:
    """Compute a run by a table of rates; its document names exactly those it consults, in order."""
    ordered = in_order(document)
    result = compute(ordered, rates)
    used = {currency: PublishedRate(*row) for currency, row in result.rates_used.items()}
    sealed = msgspec.structs.replace(ordered, rates=used)
    data = encode(sealed)
    return ComputedRun(run_id(data), data, sealed, result)
