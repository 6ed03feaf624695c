"""Usage against spend: what was used of each licence in a month, and what that took in."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from federation.console import words
from federation.console.page import N_, ROWS, Asked, Data, Document, Page, connection
from federation.values.roles import MAY_READ_LAB_USAGE


def before(day: date) -> str:
    """Return the month before that of a day."""
    return (day.replace(day=1) - timedelta(days=1)).isoformat()[:7]


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for the month of the address, else for the last one that is over."""
    said = {"period": before(asked.today), "first": str(ROWS), **asked.said}
    return page.document.filled(said)


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show units as they came, and the money of a licence beside them; add up by collective."""
    period = asked.query.get("period", before(asked.today))
    rows = connection(data["licenceUsage"]) if data else []
    units: Counter[str] = Counter()
    for row in rows:
        for component in row["components"]:
            for used in component["used"]:
                units[used["collective"]] += int(used["units"])
    return {
        "found": data.get("licenceUsage"),
        "rows": rows,
        "period": period,
        "around": _around(period),
        "units": sorted(units.items()),
    }


def _around(period: str) -> tuple[str, str] | None:
    """Return the months before and after, None for what is no month."""
    try:
        first = date.fromisoformat(f"{period}-01")
    except ValueError:
        return None
    if not date(2, 1, 1) <= first <= date(9998, 1, 1):
        return None
    return before(first), (first + timedelta(days=31)).isoformat()[:7]


USAGE_PAGE = Page(
    path="/labs/usage",
    title=N_("Usage and spend"),
    group=words.LICENSING,
    shown_to=MAY_READ_LAB_USAGE.roles,
    template="labs/usage.html",
    document=Document("labs/usage.graphql"),
    variables=asks,
    view=view,
    at=frozenset({"hub"}),
    is_a_question=True,
)
