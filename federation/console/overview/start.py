"""The first page: what waits, as tiles and as a list; who belongs to the federation."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from federation.console import words
from federation.console.page import N_, Asked, Data, Document, Page
from federation.console.settlement.words import MONTH_STATES, month_before
from federation.values.roles import MAY_FOLLOW_THE_MONTH, MAY_READ_WORK_LIST

# Where to go on with what waits, by the first word of its subject.
_PAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "month": "/month?period={}",
        "run": "/month?period={}",
        "objection": "/month?period={}",
        "usage report": "/month?period={}",
        "missing report": "/month?period={}",
        "late usage": "/month?period={}",
        "bank entries": "/reconciliation",
        "overpayment": "/reconciliation/overpayments",
        "set-off": "/reconciliation/overpayments",
        "exclusion": "/month?period={}",
        "held claim": "/reconciliation/claims?state=FILED",
        "officer's limit": "/reconciliation/limits",
        "members' payments": "/month?period={}",
        "payments": "/payments?period={}",
        "remittance": "/payment?id={}",
        "person": "/people/{}",
        "proposal": "/proposals",
    }
)
_AT_THE_HUB: Final[Mapping[str, str]] = MappingProxyType({**_PAGES, "late usage": "/corrections"})


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for what waits, and for the month, where somebody's office lets him read it."""
    del page
    return {
        "waits": asked.may(MAY_READ_WORK_LIST.roles),
        "follows": asked.may(MAY_FOLLOW_THE_MONTH.roles),
        "period": month_before(asked.today),
    }


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Count what waits by its kind; of it show the kind that was chosen, or all."""
    items = data.get("workList") or []
    kinds = Counter(item["kind"] for item in items)
    chosen = asked.query.get("kind")
    own = asked.principal.roles if asked.principal else frozenset[str]()
    return {
        "last_month": month_before(asked.today),
        "state": MONTH_STATES[data["period"]["state"]] if "period" in data else None,
        "roles": words.ROLES,
        "collectives": data["collectives"],
        "kinds": sorted(kinds.items()),
        "chosen": chosen,
        "items": [
            item | {"where": _where(item, asked)}
            for item in items
            if chosen in {None, item["kind"]}
        ],
        "mine": sum(item["turn"] in own for item in items),
        "waits": "workList" in data,
        "own": own,
    }


def _where(item: Mapping[str, Any], asked: Asked) -> str | None:
    """Return the page on which somebody goes on with what waits, None where there is none yet."""
    first = item["subject"].partition(" ")[0]
    page = (_AT_THE_HUB if asked.is_hub else _PAGES).get(item["kind"])
    return None if page is None else page.format(quote(first, safe=""))


START_PAGE = Page(
    path="/",
    title=N_("Overview"),
    group=words.START,
    template="overview/start.html",
    document=Document("overview/start.graphql"),
    variables=asks,
    view=view,
)
