"""Whatever has a text in its number, name, address or amount, each with the way to its page."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, urlencode

from federation.console.page import N_, Asked, Data, Document, Page

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "LICENCE": N_("Licences"),
        "DOCUMENT": N_("Documents"),
        "PAYMENT": N_("Payments"),
        "RUN": N_("Runs"),
        "BANK_STATEMENT": N_("Statements of the bank"),
        "BANK_ENTRY": N_("Entries of the bank"),
        "LAB": N_("Labs"),
        "MEMBER": N_("Members"),
        "WORK": N_("Works"),
        "RIGHTHOLDER": N_("Rightholders"),
        "CLAIM": N_("Claims"),
        "CLIENT": N_("Clients"),
        "PERSON": N_("People"),
        "COLLECTIVE": N_("Who belongs to the federation"),
    }
)


def _below(path: str) -> Callable[[Data], str]:
    return lambda hit: f"{path}/{_quoted(hit['id'])}"


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _claims_of(hit: Data) -> str:
    return f"/claims?{urlencode({'member': hit['party'] or hit['id']})}"


# Where the page of a thing is; kinds without one are shown without a way there.
PLACES: Final[Mapping[str, Callable[[Data], str]]] = MappingProxyType(
    {
        "LICENCE": _below("/labs/licences"),
        "DOCUMENT": _below("/labs/documents"),
        "PAYMENT": lambda hit: f"/payment?{urlencode({'id': hit['id']})}",
        "RUN": lambda hit: f"/month/{_quoted(hit['period'] or '')}/run/{_quoted(hit['id'])}",
        "BANK_STATEMENT": _below("/reconciliation/statements"),
        "BANK_ENTRY": _below("/reconciliation/entries"),
        "MEMBER": _claims_of,
        "WORK": _below("/registry/work"),
        "RIGHTHOLDER": lambda hit: f"/registry?{urlencode({'text': hit['title']})}",
        "CLAIM": _claims_of,
        "CLIENT": lambda hit: f"/labs/clients#client-{_quoted(hit['id'])}",
        "PERSON": _below("/people"),
    }
)


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for what is typed, once something is."""
    del page
    text = asked.query.get("q", "").strip()
    return {"text": text, "isAsked": bool(text)}


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show what was found by kind, each with the way to its page."""
    groups = [
        {**group, "hits": [_shown(group["kind"], hit, asked) for hit in group["hits"]]}
        for group in data.get("search") or []
    ]
    return {
        "q": asked.query.get("q", "").strip(),
        "groups": groups,
        "is_answered": data.get("search") is not None,
        "kinds": KINDS,
    }


def _shown(kind: str, hit: Data, asked: Asked) -> Data:
    is_dated = bool(hit["on"] or hit["period"])
    return {**hit, "href": place_of(kind, hit, asked), "is_dated": is_dated}


def place_of(kind: str, hit: Data, asked: Asked) -> str | None:
    """Return the address of the page of something that was found, None where there is none."""
    # Of programs those of labs have a page, and it is the hub's; what stands for nobody is a tool.
    has_none = kind == "CLIENT" and not (asked.is_hub and hit["party"])
    place = None if has_none else PLACES.get(kind)
    return None if place is None else place(hit)


def only_hit(data: Data, asked: Asked) -> str | None:
    """Return where the one thing is whose number was typed, if nothing else was found."""
    groups = data.get("search") or []
    hits = [(group["kind"], hit) for group in groups for hit in group["hits"]]
    if len(hits) != 1 or not hits[0][1]["isExact"]:
        return None
    return place_of(*hits[0], asked)


SEARCH_ALL_PAGE = Page(
    path="/search",
    title=N_("Search"),
    template="search/everything.html",
    document=Document("search/everything.graphql"),
    variables=asks,
    view=view,
    leads_to=only_hit,
    is_a_question=True,
)
