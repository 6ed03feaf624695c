"""A run of the month before, and a row of the month after."""

from datetime import UTC, datetime

from federation.months.tables import Run
from federation.settlement.computed import computed_with
from federation.settlement.rates import Rates
from tests.settlement.runs import RATES, a_document

OCTOBER = datetime(2026, 10, 5, 9, tzinfo=UTC)


PUBLISHED = {currency: (rate.date, rate.rate) for currency, rate in RATES.items()}


def a_run(*weights):
    return computed_with(
        a_document(shares_by=[("HUB-000001", *row) for row in weights]), Rates("EUR", PUBLISHED)
    )


OLD = a_run(("DE", "1"), ("GB", "1"))


def a_row(run, **changes):
    values = {"state": "CALCULATED", "calculated_by": "alice", "calculated_at": OCTOBER}
    return Run(
        run_id=run.run_id,
        period="2026-09",
        document=run.data,
        warnings="[]",
        **values | changes,
    )
