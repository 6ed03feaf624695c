"""A run, and what it becomes when it is corrected."""

import msgspec

from federation.settlement.computed import computed_with
from federation.settlement.rates import Rates
from federation.settlement.recompute import Usage, recompute
from federation.values.month import last_day
from tests.settlement.runs import a_collective, a_document, a_licence

TWO = {"DE": a_collective(), "GB": a_collective()}


def a_run(*rows, licence=None, reports=("DE", "GB"), **changes):
    """Return a computed September of two collectives in euros, in which this much was used."""
    terms = licence or a_licence(received="31000")
    key = "HUB-000001"
    terms = msgspec.structs.replace(
        terms,
        recognised_before={key: "0"},
        brought_forward={key: "0"},
        weights_from={key: "period" if rows else "none"},
    )
    document = a_document(
        {key: terms},
        [(key, party, weight) for party, weight in rows],
        collectives=TWO,
        rates={},
        reports=dict.fromkeys(reports, "0" * 64),
        **changes,
    )
    return computed_with(document, Rates("EUR", {}, on=last_day(document.period)))


def corrected(run, own, *, digest="1" * 64, history=None, standing=None):
    usage = Usage(own, {"DE": "0" * 64, "GB": digest}, {"MATCHED": (9, "90")})
    [item] = recompute([run], {run.document.period: usage}, history or {}, standing or {}, {})
    return item
