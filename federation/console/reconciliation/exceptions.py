"""What waits and is not beyond doubt: state, age, and what is in the way; a list to go through."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Asked, Data, Document, Page, connection
from federation.console.reconciliation import named
from federation.values.roles import MAY_READ_BOOKS

WAITS = N_("waits for another person")
NOTHING = N_("nothing expected looks like it")
DIFFERS = N_("the amount differs")
SEVERAL = N_("several things would fit")
ONE = N_("one suggestion, to be confirmed")


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Say in words what the suggestions of each entry are like."""
    del asked
    return {
        "found": data["bankQueue"],
        "entries": [
            {**each, "why": in_the_way(each), "best": (each["suggestions"] or [None])[0]}
            for each in connection(data["bankQueue"])
        ],
        "accounts": [each["account"] for each in data["reconciliationReport"]],
        "STATES": named.ENTRY_STATES,
        "ITEMS": named.ITEMS,
        "tones": named.TONES,
    }


def in_the_way(queued: Mapping[str, Any]) -> str:
    """Return why nobody has confirmed what an entry is for."""
    fits = [each for each in queued["suggestions"] if each["difference"] == "0"]
    if queued["proposal"]:
        return WAITS
    if not queued["suggestions"]:
        return NOTHING
    return DIFFERS if not fits else SEVERAL if len(fits) > 1 else ONE


EXCEPTIONS_PAGE = Page(
    path="/reconciliation/exceptions",
    title=N_("What waits, by age"),
    group=words.RECONCILIATION,
    shown_to=MAY_READ_BOOKS.roles,
    template="reconciliation/exceptions.html",
    document=Document("reconciliation/exceptions.graphql"),
    view=view,
)
