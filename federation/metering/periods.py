"""Where a month stands: what an act refuses of it, and what came late taken in."""

from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.licensing import store as licensing
from federation.metering import lines as usage_lines
from federation.metering.verdicts import term_class
from federation.store.base import from_micros
from federation.store.sessions import WriteSession
from federation.values.month import Month, month_of


class MonthStateError(RefusalError):
    """The month does not stand where this could be done."""

    code: ClassVar[str] = "MONTH_STATE"


class CountMismatchError(RefusalError):
    """The lines received are not those announced."""

    code: ClassVar[str] = "COUNT_MISMATCH"


class PeriodNotOverError(RefusalError):
    """This month is not over yet."""

    code: ClassVar[str] = "PERIOD_NOT_OVER"


def require_over(period: Month, now: datetime) -> None:
    """Refuse to close a month that is not over: at the hub, and at a node whatever its hub says."""
    if month_of(now) <= period:
        raise PeriodNotOverError(period)


async def reopen_late(session: WriteSession, period: Month) -> None:
    """Take in what came late; what the terms of its licence exclude is of that class (3 and 4)."""
    late = await usage_lines.late_lines_of(session, period)
    rows = await licensing.licences_of(session, {line.licence for line in late})
    licences = {row.number: licensing.facts(row) for row in rows}
    classed = (
        (
            term_class(
                licences[line.licence], line.use, from_micros(line.occurred_at), line.source
            ),
            line.reporter,
            line.event_id,
        )
        for line in late
    )
    await usage_lines.reopen_late(session, period)
    await usage_lines.keep_classes(
        session, [(cls, reporter, event_id) for cls, reporter, event_id in classed if cls]
    )
