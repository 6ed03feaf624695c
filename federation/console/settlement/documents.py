"""Numbered documents: what was issued, to be fetched byte for byte."""

from federation.console import words
from federation.console.page import N_, Document, Page
from federation.console.settlement.words import SERIES
from federation.values.roles import MAY_LIST_DOCUMENTS

DOCUMENTS_PAGE = Page(
    path="/documents",
    title=N_("Documents"),
    group=words.SETTLEMENT,
    shown_to=MAY_LIST_DOCUMENTS.roles,
    template="settlement/documents.html",
    document=Document("settlement/documents.graphql"),
    view=lambda data, _: {"found": data["documents"], "series": SERIES},
)
