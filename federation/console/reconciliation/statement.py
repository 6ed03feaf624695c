"""One statement of the bank, and what became of each of its entries."""

from federation.console.page import N_, Document, Page
from federation.console.reconciliation import named

STATEMENT_PAGE = Page(
    path="/reconciliation/statements/{statement:str}",
    title=N_("Statement of the bank"),
    template="reconciliation/statement.html",
    document=Document("reconciliation/statement.graphql"),
    view=lambda data, _: {
        "found": data["bankStatement"],
        "ITEMS": named.ITEMS,
        "STATES": named.ENTRY_STATES,
        "tones": named.TONES,
    },
)
