"""Held money: what, for whom, why, for how long, and the dates that the law sets."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Asked, Data, Document, Page
from federation.console.reconciliation import named
from federation.values.roles import MAY_READ_BOOKS


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Take a day as its first instant, since one types a day."""
    said = page.document.filled({"first": "50", **asked.said})
    if len(said.get("asOf") or "") == len("2026-09-20"):
        said["asOf"] += "T00:00:00Z"
    return said


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show sums by reason and age, then the items."""
    del asked
    return {
        "aging": data["suspenseAging"],
        "found": data["suspense"],
        "reasons": named.HELD,
        "clocks": named.CLOCKS,
    }


HELD_PAGE = Page(
    path="/reconciliation/held",
    title=N_("Held money"),
    group=words.RECONCILIATION,
    shown_to=MAY_READ_BOOKS.roles,
    template="reconciliation/held.html",
    document=Document("reconciliation/held.graphql"),
    variables=asks,
    view=view,
)
