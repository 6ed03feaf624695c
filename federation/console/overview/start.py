"""The first page: what waits, as tiles and as a list; who belongs to the federation."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Asked, Data, Document, Page
from federation.values.roles import MAY_READ_WORK_LIST


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for what waits where somebody's office lets him read it."""
    del page
    return {"waits": asked.may(MAY_READ_WORK_LIST.roles)}


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Count what waits by its kind; of it show the kind that was chosen, or all."""
    items = data.get("workList") or []
    kinds = Counter(item["kind"] for item in items)
    chosen = asked.query.get("kind")
    own = asked.principal.roles if asked.principal else frozenset[str]()
    return {
        "collectives": data["collectives"],
        "kinds": sorted(kinds.items()),
        "chosen": chosen,
        "items": [item for item in items if chosen in {None, item["kind"]}],
        "mine": sum(item["turn"] in own for item in items),
        "waits": "workList" in data,
        "own": own,
    }


START_PAGE = Page(
    path="/",
    title=N_("Overview"),
    group=words.START,
    template="overview/start.html",
    document=Document("overview/start.graphql"),
    variables=asks,
    view=view,
)
