"""What may be done with pasted addresses; the answer is for who has signed in."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from federation.console import words
from federation.console.labs.codes import REASONS, Words
from federation.console.page import N_, Asked, Data, Document, Page

USE: Final = "TRAIN"
STATUSES: Final[Words] = MappingProxyType(
    {
        "LICENSABLE": (N_("can be licensed"), "good"),
        "RESERVED": (N_("reserved"), "bad"),
        "DISPUTED": (N_("several claim it"), "wait"),
        "NOT_REPRESENTED": (N_("nobody here represents it"), ""),
        "MALFORMED": (N_("no address that can be read"), "bad"),
        "UNKNOWN": (N_("its collective did not answer"), "wait"),
    }
)


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask about the addresses, one a line, for one use, at an instant or now."""
    del page
    urls = asked.query.get("urls", "").split()
    return {
        "urls": urls,
        "use": asked.query.get("use", USE),
        "asks": bool(urls),
        **({"at": asked.query["at"]} if "at" in asked.query else {}),
    }


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show each address; the form is there whatever was answered."""
    del asked
    return {"answer": data.get("rights"), "statuses": STATUSES, "reasons": REASONS, "use": USE}


LOOKUP_PAGE = Page(
    path="/rights",
    title=N_("Look up rights"),
    group=words.PUBLIC,
    template="public/lookup.html",
    document=Document("public/lookup.graphql"),
    variables=asks,
    view=view,
    is_a_question=True,
)
