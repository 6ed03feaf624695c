"""What must be true of a settled month, and what was examined of it."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Asked, Data, Document, Page
from federation.values.roles import MAY_READ_BOOKS


def of_a_month(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask once a month is named."""
    period = asked.query.get("period", "").strip()
    return page.document.filled({"period": period}) | {"asks": bool(period)}


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show what was examined, what is wrong first."""
    del asked
    found = data.get("monthInvariants")
    if found is not None:
        found = sorted(found, key=lambda each: not each["violations"])
    return {"found": found, "wrong": any(each["violations"] for each in found or [])}


INVARIANTS_PAGE = Page(
    path="/audit/invariants",
    title=N_("Invariants"),
    group=words.AUDIT,
    shown_to=MAY_READ_BOOKS.roles,
    template="audit/invariants.html",
    document=Document("audit/invariants.graphql"),
    variables=of_a_month,
    view=view,
    is_a_question=True,
)
