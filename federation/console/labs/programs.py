"""How a lab's programs ask: where they get tokens, and documents to begin with."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from federation.console import words
from federation.console.page import N_, Asked, Data, Document, Page
from federation.values.roles import MAY_BUY

EXAMPLES = (
    (N_("Licences, and where each is registered"), Document("labs/licences.graphql"), False),
    (N_("Quotes and offers, line by line"), Document("labs/offers.graphql"), False),
    (N_("Invoices, and what is open"), Document("labs/invoices.graphql"), False),
    (N_("What a month used, and what that took in"), Document("labs/usage.graphql"), True),
    (N_("Webhooks"), Document("labs/webhooks.graphql"), False),
)


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the documents of other pages as examples; each opens in GraphiQL."""
    examples = [
        (title, document.text, urlencode({"query": document.text, "variables": '{"first": 10}'}))
        for title, document, is_of_the_hub in EXAMPLES
        if asked.is_hub or not is_of_the_hub
    ]
    return {"collectives": data["collectives"], "examples": examples}


PROGRAMS_PAGE = Page(
    path="/labs/programs",
    title=N_("For your programs"),
    group=words.LICENSING,
    shown_to=MAY_BUY,
    template="labs/programs.html",
    document=Document("labs/programs.graphql"),
    view=view,
)
