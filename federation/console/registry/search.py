"""The registry: works and rightholders of all collectives, and one work as it was at an instant."""

from collections.abc import Mapping
from typing import Any, Final

from federation.console import words
from federation.console.page import N_, ROWS, Asked, Data, Document, Page, connection
from federation.values.roles import MAY_READ_MEMBERS

_DAY_LENGTH: Final = len("2026-09-20")


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask by words in all collectives, or by an address in this one."""
    said = {name: text for name, text in asked.said.items() if text}
    return {
        **page.document.filled({"first": str(ROWS), "text": "", "url": "", **said}),
        "byAddress": bool(said.get("url")),
    }


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the works, late ones first, and who did not answer."""
    found = data.get("worksAt") or data["worksOfAll"]
    own = f"{asked.server}:"
    rows = [*found.get("late", []), *connection(found)]
    return {
        "found": found,
        "works": [each | {"is_own": each["id"].startswith(own)} for each in rows],
        "rightholders": connection(data["rightholdersOfAll"]) if "worksOfAll" in data else [],
        "silent": [each for each in found.get("nodes", []) if each["state"] != "OK"],
    }


def at_an_instant(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask as of the days that the address names; a day stands for its end, in UTC."""
    said = {name: text for name, text in asked.said.items() if text}
    for name in ("at", "knownAt"):
        if len(said.get(name, "")) == _DAY_LENGTH:
            said[name] += "T23:59:59Z"
    return page.document.filled({"first": str(ROWS), **said})


def view_work(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the work, None where there was none then."""
    return {"id": asked.params["id"], "work": data["work"]}


SEARCH_PAGE = Page(
    path="/registry",
    title=N_("Works and rightholders"),
    group=words.REGISTRY,
    shown_to=MAY_READ_MEMBERS.roles,
    template="registry/search.html",
    document=Document("registry/search.graphql"),
    variables=asks,
    view=view,
    at=frozenset({"node"}),
)
WORK_PAGE = Page(
    path="/registry/work/{id:str}",
    title=N_("Work"),
    template="registry/work.html",
    document=Document("registry/work.graphql"),
    variables=at_an_instant,
    view=view_work,
    at=frozenset({"node"}),
)
