"""The usage reports a month is settled by: all of them, or the names of who owes one."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.metering import store as metering
from federation.metering.messages import UsageReport
from federation.metering.tables import Progress, Report
from federation.store.sessions import ReadSession
from federation.values.month import Month
from federation.values.party import HUB


class MissingReportError(RefusalError):
    """A usage report for this month is missing."""

    code: ClassVar[str] = "MISSING_REPORT"


class NotCutOffError(RefusalError):
    """This month is not cut off yet, so no report of it is due."""

    code: ClassVar[str] = "NOT_CUT_OFF"


async def final_reports(session: ReadSession, period: Month) -> dict[str, Report]:
    """Return {party: report as it is kept} of the hub and every node, or name the missing.

    A node that two people declared missing is left out until its report comes.
    """
    rows = await metering.latest_reports(session, period)
    progress = await metering.progress(session, period)
    wanted = {HUB, *progress}
    missing = sorted(
        node for node in wanted - rows.keys() if node == HUB or not progress[node].missing
    )
    if not progress:
        raise NotCutOffError(period)
    if missing:
        raise MissingReportError(f"{period}: {_who_is_late(missing, progress)}")
    return dict(sorted(rows.items()))


def read_reports(rows: Mapping[str, Report]) -> list[UsageReport]:
    """Return what reports say, in the order of their parties."""
    return [msgspec.json.decode(row.body, type=UsageReport) for row in rows.values()]


def _who_is_late(missing: Sequence[str], progress: Mapping[str, Progress]) -> str:
    """Name apart who holds the month up, and who only waits for them: nobody need remind those."""
    behind = [
        node for node in missing if node in progress and progress[node].forwarded_lines is None
    ]
    waiting = [node for node in missing if node not in behind]
    if not (behind and waiting):
        return ", ".join(missing)
    return f"{', '.join(behind)}; the others only wait: {', '.join(waiting)}"
