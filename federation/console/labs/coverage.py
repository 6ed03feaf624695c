"""Which of a lab's licences cover which addresses, for pasted ones."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.labs import codes
from federation.console.page import N_, Asked, Data, Document, Page
from federation.values.roles import MAY_BUY


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask about the addresses, one a line, and the uses that are ticked, at an instant or now."""
    del page
    urls = asked.query.get("urls", "").split()
    return {
        "urls": urls,
        "uses": _uses(asked),
        "asks": bool(urls),
        **({"at": asked.query["at"]} if "at" in asked.query else {}),
    }


def _uses(asked: Asked) -> list[str]:
    return [name.removeprefix("uses.") for name in asked.query if name.startswith("uses.")]


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show each address with each use; the form is there whatever was answered."""
    prices = (data.get("tariff") or {"prices": []})["prices"]
    chosen = _uses(asked)
    return {
        "answer": data.get("coverage"),
        "uses": sorted({each["use"] for each in prices} | set(chosen)),
        "chosen": chosen,
        "codes": codes,
    }


COVERAGE_PAGE = Page(
    path="/labs/coverage",
    title=N_("What my licences cover"),
    group=words.LICENSING,
    shown_to=MAY_BUY,
    template="labs/coverage.html",
    document=Document("labs/coverage.graphql"),
    variables=asks,
    view=view,
    at=frozenset({"hub"}),
    is_a_question=True,
)
