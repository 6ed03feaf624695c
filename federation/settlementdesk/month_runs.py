"""Runs at the desk: which one a name means, and how they are shown."""

from collections.abc import Sequence
from typing import Any, ClassVar

from federation.desk.client import Desk, when_text
from federation.desk.printing import make_table
from federation.errors import RefusalError
from federation.settlementdesk import month_queries as ask

HOW_NAMED = "a run is named by its month, YYYY-MM, or by the beginning of its id"
SHOWN = 16  # of a run's id: enough to tell runs apart, and to name one


class NoSuchRunError(RefusalError):
    """No run, or more than one, has that name."""

    code: ClassVar[str] = "NO_SUCH_RUN"


def run_named(desk: Desk, name: str) -> dict[str, Any]:
    """Return the newest run of a month, or the run whose id begins so."""
    if "-" in name:
        found = desk.page(ask.RUNS, period=name, first=1, after=None).rows
    else:
        rows = desk.walk(ask.RUNS, period=None)
        found = [row for row in rows if row["runId"].startswith(name.lower())]
    if len(found) != 1:
        raise NoSuchRunError(f"{len(found)} runs are called {name!r}; {HOW_NAMED}")
    return dict(found[0])


def run_before(desk: Desk, run: dict[str, Any]) -> dict[str, Any] | None:
    """Return the run of the same month before one, if there is any."""
    rows = desk.walk(ask.RUNS, period=run["period"])
    place = [row["runId"] for row in rows].index(run["runId"])
    return dict(rows[place + 1]) if place + 1 < len(rows) else None


def show_runs(desk: Desk, found: Sequence[dict[str, Any]]) -> None:
    """Print runs, newest first."""
    columns = ("run", "month", "state", "calculated by", "approved by", "objections until", "note")
    rows = [
        [
            item["runId"][:SHOWN],
            item["period"],
            item["state"],
            item["calculatedBy"],
            item["approvedBy"] or "",
            when_text(item["objectionsUntil"]),
            _note(item),
        ]
        for item in found
    ]
    desk.show(found, lambda: [make_table("Runs", columns, rows)])


def _note(run: dict[str, Any]) -> str:
    corrected = f"corrects {run['corrects'][:SHOWN]}" if run["corrects"] else ""
    return "; ".join(text for text in (corrected, run["reason"], *run["warnings"]) if text)
